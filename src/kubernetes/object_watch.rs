//! One object, known by its name, as a watch keeps it.
//!
//! Lists and watches by `metadata.name`, so that the right to do so can be limited to that name.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::sleep;

use super::client::WATCH_TIMEOUT;
use super::lean::named;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What is known of the object.
#[derive(Clone, Debug)]
pub enum Seen<K> {
    /// It has not been looked at successfully yet.
    Unknown,
    /// There is none.
    Absent,
    /// It is this.
    Present(Arc<K>),
}

/// Why the watch does not work at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the API server, or the way to it, said.
    pub error: String,
    /// Whether it is that the right is missing.
    pub is_forbidden: bool,
}

/// What is known of the object, and whether that can be trusted to be new.
#[derive(Clone, Debug)]
pub struct Known<K> {
    /// As it was seen last.
    pub seen: Seen<K>,
    /// What is wrong with the watch; `None` while it works.
    pub fault: Option<Fault>,
}

impl<K> Known<K> {
    /// The object, if it is known and exists.
    #[must_use]
    pub fn object(&self) -> Option<&K> {
        match &self.seen {
            Seen::Present(object) => Some(object),
            Seen::Unknown | Seen::Absent => None,
        }
    }

    /// Whether it was looked at once.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self.seen, Seen::Unknown)
    }

    /// Whether it was looked at, and the watch works.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.is_known() && self.fault.is_none()
    }
}

type Events<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// Watches one object while [`run`](Self::run) is polled. Whoever subscribes sees it change.
pub struct ObjectWatch<K> {
    api: Api<K>,
    name: String,
    kind: &'static str,
    sender: watch::Sender<Known<K>>,
}

impl<K> ObjectWatch<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + Sync + 'static,
{
    /// Of the object of this name. `kind` is how it is called in the log.
    #[must_use]
    pub fn new(api: Api<K>, kind: &'static str, name: &str) -> Self {
        let seen = Seen::Unknown;
        let (sender, _) = watch::channel(Known { seen, fault: None });
        Self {
            api,
            name: name.to_owned(),
            kind,
            sender,
        }
    }

    /// What is known now.
    #[must_use]
    pub fn current(&self) -> Known<K> {
        self.sender.borrow().clone()
    }

    /// Hears of every change from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Known<K>> {
        self.sender.subscribe()
    }

    /// Takes in what a write of ours was answered with, before the watch brings it.
    pub fn wrote(&self, object: K) {
        self.sender
            .send_modify(|known| known.seen = Seen::Present(Arc::new(object)));
    }

    /// Keeps up with the object, over all failures. A failing spell is logged once.
    pub async fn run(&self) -> Infallible {
        let mut wait = FIRST_WAIT;
        loop {
            let mut events = self.open();
            let mut listed = None;
            let error = loop {
                match events.next().await {
                    Some(Ok(event)) => {
                        wait = FIRST_WAIT;
                        self.take(event, &mut listed);
                    }
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            if let Some(error) = error {
                self.failed(&error);
            }
            // Anew, and not taken up where it broke off: a list tells at once that it works again,
            // where a quiet watch tells nothing.
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(LAST_WAIT);
        }
    }

    fn open(&self) -> Events<K> {
        let selector = named(&self.name).field_selector.unwrap_or_default();
        let configuration = watcher::Config::default()
            .fields(&selector)
            .timeout(u32::try_from(WATCH_TIMEOUT.as_secs()).unwrap_or(25));
        watcher::watcher(self.api.clone(), configuration).boxed()
    }

    fn take(&self, event: Event<K>, listed: &mut Option<K>) {
        match event {
            Event::Init => *listed = None,
            Event::InitApply(object) => *listed = Some(object),
            Event::InitDone => self.saw(listed.take()),
            Event::Apply(object) => self.saw(Some(object)),
            Event::Delete(_) => self.saw(None),
        }
    }

    fn saw(&self, object: Option<K>) {
        let mut recovered = false;
        // An older state than that of our own last write must not be told as news.
        self.sender.send_if_modified(|known| {
            recovered = known.fault.take().is_some();
            let is_same = match (&known.seen, &object) {
                (Seen::Present(before), Some(now)) => {
                    before.resource_version() == now.resource_version()
                }
                (Seen::Absent, None) => true,
                _ => false,
            };
            if !is_same {
                known.seen = object.map_or(Seen::Absent, |object| Seen::Present(Arc::new(object)));
            }
            !is_same || recovered
        });
        if recovered {
            tracing::info!("watching {} {} works again", self.kind, self.name);
        }
    }

    fn failed(&self, error: &watcher::Error) {
        let fault = Fault {
            error: error.to_string(),
            is_forbidden: is_forbidden(error),
        };
        let was_working = self.sender.send_if_modified(|known| {
            let is_new = known.fault.is_none();
            known.fault = Some(fault.clone());
            is_new
        });
        if was_working {
            tracing::warn!(
                %error,
                "watching {} {} failed; it is tried again until it works",
                self.kind,
                self.name
            );
        }
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => super::webhook_configuration::is_forbidden(error),
        watcher::Error::WatchError(status) => status.code == 403,
        watcher::Error::NoResourceVersion => false,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::api::ObjectMeta;
    use kube::runtime::watcher::{Error, Event};
    use kube::{Api, Client, Config};

    use super::{ObjectWatch, Seen};

    fn secret(version: &str) -> Secret {
        Secret {
            metadata: ObjectMeta {
                resource_version: Some(version.to_owned()),
                ..ObjectMeta::default()
            },
            ..Secret::default()
        }
    }

    fn watch() -> ObjectWatch<Secret> {
        crate::kubernetes::client::install_crypto();
        let config = Config::new("https://127.0.0.1:1".parse().unwrap());
        let client = Client::try_from(config).unwrap();
        ObjectWatch::new(Api::namespaced(client, "n"), "Secret", "s")
    }

    fn take(watch: &ObjectWatch<Secret>, events: Vec<Event<Secret>>) {
        let mut listed = None;
        for event in events {
            watch.take(event, &mut listed);
        }
    }

    fn version(watch: &ObjectWatch<Secret>) -> Option<String> {
        watch.current().object()?.metadata.resource_version.clone()
    }

    #[tokio::test]
    async fn an_object_is_known_when_the_list_is_complete_and_gone_when_it_is_deleted() {
        let watch = watch();
        take(&watch, vec![Event::Init, Event::InitApply(secret("1"))]);
        assert!(!watch.current().is_known());
        take(
            &watch,
            vec![
                Event::Init,
                Event::InitApply(secret("1")),
                Event::InitDone,
                Event::Apply(secret("2")),
            ],
        );
        assert_eq!(version(&watch).as_deref(), Some("2"));
        take(&watch, vec![Event::Delete(secret("2"))]);
        assert!(matches!(watch.current().seen, Seen::Absent));
        watch.wrote(secret("3"));
        take(&watch, vec![Event::Init, Event::InitDone]);
        assert!(matches!(watch.current().seen, Seen::Absent));
    }

    #[tokio::test]
    async fn a_failure_leaves_what_is_known_and_is_over_with_the_next_word() {
        let watch = watch();
        take(
            &watch,
            vec![Event::Init, Event::InitApply(secret("1")), Event::InitDone],
        );
        let mut changes = watch.subscribe();
        watch.failed(&Error::NoResourceVersion);
        watch.failed(&Error::NoResourceVersion);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert!(!watch.current().is_fresh());
        assert_eq!(version(&watch).as_deref(), Some("1"));
        take(&watch, vec![Event::Apply(secret("1"))]);
        assert!(watch.current().is_fresh() && changes.has_changed().unwrap());
        changes.mark_unchanged();
        take(&watch, vec![Event::Apply(secret("1"))]);
        assert!(!changes.has_changed().unwrap());
    }
}
