//! `ConfigMaps` of which somebody is the only writer, and others follow.

use std::collections::BTreeMap;

use futures::stream::{BoxStream, StreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::runtime::watcher::{self, Event, watcher};

use super::client::WATCH_TIMEOUT;

/// How often a change is made anew of what others have written meanwhile.
const ATTEMPTS: u32 = 10;

/// What a ConfigMap holds, but for binary data.
pub type Data = BTreeMap<String, String>;

/// What a ConfigMap holds now; nothing, if there is none.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn read(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<Data>> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let found = api.get_opt(name).await?;
    Ok(found.map(data_of))
}

/// Makes a ConfigMap hold this, unless it does, and creates it where there is none.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses, which it also does if somebody else wrote in the
/// meantime.
pub async fn write(client: &Client, namespace: &str, name: &str, data: &Data) -> kube::Result<()> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    attempt(&api, name, |_| data.clone()).await.map(drop)
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
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut attempts = 1;
    loop {
        match attempt(&api, name, &changed).await {
            Err(kube::Error::Api(status)) if status.code == 409 && attempts < ATTEMPTS => {
                attempts += 1;
            }
            done => return done,
        }
    }
}

async fn attempt(
    api: &Api<ConfigMap>,
    name: &str,
    changed: impl Fn(&Data) -> Data,
) -> kube::Result<Data> {
    let parameters = PostParams::default();
    let Some(mut found) = api.get_opt(name).await? else {
        let data = changed(&Data::new());
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
            data: Some(data.clone()),
            ..ConfigMap::default()
        };
        api.create(&parameters, &fresh).await?;
        return Ok(data);
    };
    let before = found.data.take().unwrap_or_default();
    let data = changed(&before);
    if data != before {
        // With the resourceVersion that was read, so that nobody's change is lost.
        found.data = Some(data.clone());
        api.replace(name, &parameters, &found).await?;
    }
    Ok(data)
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
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
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

fn data_of(object: ConfigMap) -> Data {
    object.data.unwrap_or_default()
}
