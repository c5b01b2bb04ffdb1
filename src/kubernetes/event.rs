//! Creates Events, counts them on, and lists them.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::lease::micro_time;
use super::shared_config_map::FIELD_MANAGER;

/// How many Events are listed at a time.
const PAGE: u32 = 500;

/// A warning about a binding.
#[derive(Clone, Debug)]
pub struct Warning<'a> {
    /// The Event's namespace: that of the binding, or `default` if it has none.
    pub namespace: &'a str,
    /// The Event's name.
    pub name: &'a str,
    /// One annotation of the Event.
    pub annotation: (&'a str, String),
    /// Why, in one word.
    pub reason: &'a str,
    /// What was done, in one word.
    pub action: &'a str,
    /// For people; at most 1 kB.
    pub note: String,
    /// The binding's kind, namespace and name.
    pub regarding: (&'a str, Option<&'a str>, &'a str),
    /// What kind of program reports, and which one.
    pub reporter: (&'a str, &'a str),
    /// How often it happened.
    pub count: u64,
    /// When it happened first.
    pub first: Timestamp,
    /// When it happened last.
    pub last: Timestamp,
}

/// Creates an Event. That there is one of its name already is a success: an earlier attempt has
/// arrived. Takes the right to `create` Events in its namespace.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn create(client: &Client, warning: Warning<'_>) -> kube::Result<()> {
    let (kind, namespace, name) = warning.regarding;
    let (annotation, value) = warning.annotation;
    let event = Event {
        metadata: ObjectMeta {
            name: Some(warning.name.to_owned()),
            namespace: Some(warning.namespace.to_owned()),
            annotations: Some([(annotation.to_owned(), value)].into()),
            ..ObjectMeta::default()
        },
        regarding: Some(ObjectReference {
            api_version: Some("rbac.authorization.k8s.io/v1".to_owned()),
            kind: Some(kind.to_owned()),
            namespace: namespace.map(str::to_owned),
            name: Some(name.to_owned()),
            ..ObjectReference::default()
        }),
        type_: Some("Warning".to_owned()),
        reason: Some(warning.reason.to_owned()),
        action: Some(warning.action.to_owned()),
        note: Some(warning.note),
        reporting_controller: Some(warning.reporter.0.to_owned()),
        reporting_instance: Some(warning.reporter.1.to_owned()),
        event_time: micro_time(warning.first),
        // One that happened once is no series, says the API server.
        series: (warning.count > 1)
            .then(|| series(warning.count, warning.last))
            .flatten(),
        ..Event::default()
    };
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let api = api(client, Some(warning.namespace));
    match api.create(&parameters, &event).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error),
    }
}

/// Says of an Event how often it happened in all, at least twice, and when last. Whether there is
/// still one of this name. Takes the right to `patch` Events in its namespace.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn count_on(
    client: &Client,
    namespace: &str,
    name: &str,
    count: u64,
    last: Timestamp,
) -> kube::Result<bool> {
    let patch = Patch::Merge(json!({"series": series(count.max(2), last)}));
    let parameters = PatchParams::apply(FIELD_MANAGER);
    let api = api(client, Some(namespace));
    match api.patch(name, &parameters, &patch).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}

/// The Events of a namespace, or of all, that this kind of program has reported. Takes the right
/// to `list` them.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn list(
    client: &Client,
    namespace: Option<&str>,
    reporting_controller: &str,
) -> kube::Result<Vec<Event>> {
    let api = api(client, namespace);
    let mut parameters = ListParams::default()
        .fields(&format!("reportingController={reporting_controller}"))
        .limit(PAGE);
    let mut events = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        events.extend(page.items);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => parameters.continue_token = Some(token),
            _ => return Ok(events),
        }
    }
}

fn series(count: u64, last: Timestamp) -> Option<EventSeries> {
    Some(EventSeries {
        count: i32::try_from(count).unwrap_or(i32::MAX),
        last_observed_time: micro_time(last)?,
    })
}

fn api(client: &Client, namespace: Option<&str>) -> Api<Event> {
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}
