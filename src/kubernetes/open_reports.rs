//! Reports as OpenReports defines them: listed by who manages them, applied, and deleted.
//!
//! Source: <https://github.com/openreports/reports-api>, `apis/openreports.io/v1alpha1`.

use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::Value;

/// The API group and version of reports.
pub const API_VERSION: &str = "openreports.io/v1alpha1";
/// The label that says who manages a report, and our value of it.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "bindguard");
/// The annotation that tells what is in a report, without reading all of it.
pub const DIGEST: &str = "bindguard.dev/digest";

/// By what name the API server knows who set a field.
const FIELD_MANAGER: &str = "bindguard-reports";
/// How many reports are listed at a time.
const PAGE: u32 = 500;

/// The two kinds of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// Of what is in a namespace.
    Report,
    /// Of what is in none.
    ClusterReport,
}

/// What tells one report from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: ReportKind,
    /// The namespace of a `Report`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// A report of ours that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub key: Key,
    /// What the annotation [`DIGEST`] says.
    pub digest: Option<String>,
}

impl ReportKind {
    /// As Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "Report",
            Self::ClusterReport => "ClusterReport",
        }
    }

    fn resource(self) -> ApiResource {
        let (group, version) = API_VERSION.split_once('/').unwrap_or_default();
        let plural = match self {
            Self::Report => "reports",
            Self::ClusterReport => "clusterreports",
        };
        let kind = GroupVersionKind::gvk(group, version, self.as_str());
        ApiResource::from_gvk_with_plural(&kind, plural)
    }

    fn api(self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        let client = client.clone();
        match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &self.resource()),
            None => Api::all_with(client, &self.resource()),
        }
    }
}

/// Every report of ours, of both kinds. Takes the right to `list` them.
///
/// # Errors
///
/// If the API server cannot be asked or refuses; 404, where OpenReports is not installed.
pub async fn list(client: &Client) -> kube::Result<Vec<Found>> {
    let mut all = Vec::new();
    let (label, value) = MANAGED_BY;
    for kind in [ReportKind::Report, ReportKind::ClusterReport] {
        let api = kind.api(client, None);
        let mut parameters = ListParams::default()
            .labels(&format!("{label}={value}"))
            .limit(PAGE);
        loop {
            let page = api.list_metadata(&parameters).await?;
            for object in page.items {
                let mut metadata = object.metadata;
                let annotations = metadata.annotations.as_mut();
                all.push(Found {
                    digest: annotations.and_then(|all| all.remove(DIGEST)),
                    key: Key {
                        kind,
                        namespace: metadata.namespace,
                        name: metadata.name.unwrap_or_default(),
                    },
                });
            }
            match page.metadata.continue_ {
                Some(token) if !token.is_empty() => parameters.continue_token = Some(token),
                _ => break,
            }
        }
    }
    Ok(all)
}

/// Makes a report be as it is given. Fields that somebody else has set are taken over if the
/// report `is_ours`, and are a conflict if not: other tools name reports by uids as well. Takes
/// the rights to `create` and to `patch` it.
///
/// # Errors
///
/// If the API server cannot be asked or refuses; 409 on a conflict.
pub async fn apply(client: &Client, key: &Key, report: &Value, is_ours: bool) -> kube::Result<()> {
    let api = key.kind.api(client, key.namespace.as_deref());
    let mut parameters = PatchParams::apply(FIELD_MANAGER);
    parameters.force = is_ours;
    api.patch(&key.name, &parameters, &Patch::Apply(report))
        .await?;
    Ok(())
}

/// Deletes a report, if it is there. Takes the right to `delete` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn delete(client: &Client, key: &Key) -> kube::Result<()> {
    let api = key.kind.api(client, key.namespace.as_deref());
    match api.delete(&key.name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}
