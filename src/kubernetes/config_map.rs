//! Reads, writes and follows one ConfigMap by its name.

use std::collections::BTreeMap;

use futures::stream::{BoxStream, StreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::core::Status;
use kube::runtime::watcher::{self, Event, watcher};

use super::client::WATCH_TIMEOUT;

/// The field manager of what `serve` writes.
pub const FIELD_MANAGER: &str = "bindguard";
/// How often a change is made anew of what others have written meanwhile.
const ATTEMPTS: u32 = 10;

/// What a ConfigMap holds, but for binary data.
pub type Data = BTreeMap<String, String>;

/// What came of a write that must not overwrite another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored so.
    Done,
    /// Somebody else has changed or deleted it since it was read.
    Conflict,
}

/// The ConfigMap of this name, if there is one. Takes the right to `get` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn get(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<ConfigMap>> {
    api(client, namespace).get_opt(name).await
}

/// Replaces what is in a ConfigMap that was read, and nothing else about it, if nobody has changed
/// it since. Takes the right to `update` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses for another reason than that somebody was faster.
pub async fn replace(client: &Client, mut read: ConfigMap, data: Data) -> kube::Result<Written> {
    let metadata = &read.metadata;
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let name = metadata.name.clone().unwrap_or_default();
    read.data = Some(data);
    read.binary_data = None;
    // What the API server adds for itself.
    read.metadata.managed_fields = None;
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let replaced = api(client, &namespace)
        .replace(&name, &parameters, &read)
        .await;
    match replaced {
        Ok(_) => Ok(Written::Done),
        Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}

/// What a ConfigMap holds now; nothing, if there is none.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn read(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<Data>> {
    Ok(get(client, namespace, name).await?.map(data_of))
}

/// Makes a ConfigMap hold this, unless it does, and creates it where there is none.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses, or others write all the time.
pub async fn write(client: &Client, namespace: &str, name: &str, data: &Data) -> kube::Result<()> {
    let written = change(client, namespace, name, |_| data.clone()).await;
    written.map(drop)
}

/// Makes a ConfigMap hold what this makes of what it holds, which is nothing where there is none.
/// Nothing is lost that others write meanwhile: then it is made anew of that. What it holds now.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses, or others write all the time.
pub async fn change(
    client: &Client,
    namespace: &str,
    name: &str,
    changed: impl Fn(&Data) -> Data,
) -> kube::Result<Data> {
    for _ in 0..ATTEMPTS {
        let Some(found) = get(client, namespace, name).await? else {
            let data = changed(&Data::new());
            match create(client, namespace, name, data.clone()).await? {
                Written::Done => return Ok(data),
                Written::Conflict => continue,
            }
        };
        let nothing = Data::new();
        let before = found.data.as_ref().unwrap_or(&nothing);
        let data = changed(before);
        if data == *before || replace(client, found, data.clone()).await? == Written::Done {
            return Ok(data);
        }
    }
    let status = Status::failure("somebody else wrote it each time", "Conflict").with_code(409);
    Err(kube::Error::Api(status.boxed()))
}

async fn create(client: &Client, namespace: &str, name: &str, data: Data) -> kube::Result<Written> {
    let part_of = (
        "app.kubernetes.io/part-of".to_owned(),
        "bindguard".to_owned(),
    );
    let fresh = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([part_of].into()),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..ConfigMap::default()
    };
    match api(client, namespace)
        .create(&PostParams::default(), &fresh)
        .await
    {
        Ok(_) => Ok(Written::Done),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}

/// What a ConfigMap holds, from now on and after each change; nothing, where there is none. Takes
/// the right to `list` and `watch` it.
///
/// An error is not the end of it, but whoever polls on may not be told when it works again: open
/// another instead, after a while.
#[must_use]
pub fn follow(
    client: &Client,
    namespace: &str,
    name: &str,
) -> BoxStream<'static, watcher::Result<Option<Data>>> {
    let api = api(client, namespace);
    let configuration = watcher::Config::default()
        .fields(&format!("metadata.name={name}"))
        .timeout(u32::try_from(WATCH_TIMEOUT.as_secs()).unwrap_or(25));
    let mut listed = None;
    let data = move |event| match event {
        Event::Init => {
            listed = None;
            None
        }
        Event::InitApply(object) => {
            listed = Some(data_of(object));
            None
        }
        Event::InitDone => Some(listed.take()),
        Event::Apply(object) => Some(Some(data_of(object))),
        Event::Delete(_) => Some(None),
    };
    let mut data = data;
    watcher(api, configuration)
        .filter_map(move |event| std::future::ready(event.map(&mut data).transpose()))
        .boxed()
}

fn api(client: &Client, namespace: &str) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), namespace)
}

fn data_of(object: ConfigMap) -> Data {
    object.data.unwrap_or_default()
}
