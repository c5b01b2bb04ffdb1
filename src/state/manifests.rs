//! Keeps the state like a directory of manifests, which stands in for a cluster.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use super::binding_key::BindingKey;
use super::event::{Observer, StateEvent};
use super::handle::State;
use super::index::Index;
use super::personas::{PersonaBinding, PersonaIndex};
use super::reread::PersonaSource;
use super::snapshot::Snapshot;
use super::source::{Source, SourceError};
use super::supervise::supervise;
use crate::domain::binding::Binding;
use crate::domain::policy::Policy;
use crate::telemetry::causes::WithCauses;

/// How often the directory is looked at. By content, because what tells of changes to files does
/// not work on every file system.
const POLL: Duration = Duration::from_secs(1);

/// What a directory holds.
#[derive(Clone, Debug)]
pub struct DirectoryContent<B> {
    /// Every binding that could be read.
    pub bindings: Vec<B>,
    /// What could not be read, each with its file.
    pub errors: Vec<String>,
    /// The same for the same content, and for no other.
    pub fingerprint: [u8; 32],
}

/// Reads the whole directory.
type Read<B> = dyn Fn() -> Result<DirectoryContent<B>, Box<dyn Error + Send + Sync>> + Send + Sync;

/// A directory of manifests.
pub struct Directory<B> {
    read: Arc<Read<B>>,
    binding: for<'a> fn(&'a B) -> Option<Binding<'a>>,
}

impl<B: Send + 'static> Directory<B> {
    /// A directory that one function reads and whose bindings another understands. The first may
    /// take its time: it is called where it holds up nobody.
    pub fn new(
        read: impl Fn() -> Result<DirectoryContent<B>, Box<dyn Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
        binding: for<'a> fn(&'a B) -> Option<Binding<'a>>,
    ) -> Self {
        Self {
            read: Arc::new(read),
            binding,
        }
    }

    async fn content(&self) -> Result<DirectoryContent<B>, SourceError> {
        let read = Arc::clone(&self.read);
        match tokio::task::spawn_blocking(move || read()).await {
            Ok(content) => content.map_err(|error| SourceError::Manifests(error.into())),
            Err(panicked) => Err(SourceError::Manifests(Arc::new(panicked))),
        }
    }

    fn index(&self, policy: &Policy, content: &DirectoryContent<B>) -> Index {
        Index::of(policy, self.bindings(content))
    }

    fn personas(&self, policy: &Policy, content: &DirectoryContent<B>) -> PersonaIndex {
        PersonaIndex::of(policy, self.bindings(content))
    }

    fn bindings<'a>(
        &self,
        content: &'a DirectoryContent<B>,
    ) -> impl Iterator<Item = (BindingKey, Binding<'a>)> {
        let bindings = content.bindings.iter().enumerate();
        bindings.filter_map(|(position, kept)| {
            let binding = (self.binding)(kept)?;
            Some((BindingKey::in_manifests(position, &binding), binding))
        })
    }
}

impl<B: Send + 'static> Source for Directory<B> {
    async fn read(&self, policy: Arc<Policy>) -> Result<Index, SourceError> {
        Ok(self.index(&policy, &self.content().await?))
    }
}

impl<B: Send + 'static> PersonaSource for Directory<B> {
    async fn reread(
        &self,
        bindings: Vec<PersonaBinding>,
    ) -> Result<Vec<PersonaBinding>, SourceError> {
        let content = self.content().await?;
        let known: Vec<_> = bindings.iter().map(PersonaBinding::as_binding).collect();
        let is_known = |found: &Binding<'_>| {
            known.iter().any(|known| {
                (known.kind, known.namespace, known.name)
                    == (found.kind, found.namespace, found.name)
            })
        };
        Ok(self
            .bindings(&content)
            .filter(|(_, found)| is_known(found))
            .map(|(_, found)| PersonaBinding::of(&found))
            .collect())
    }
}

impl<B> Clone for Directory<B> {
    fn clone(&self) -> Self {
        Self {
            read: Arc::clone(&self.read),
            binding: self.binding,
        }
    }
}

/// Reads the directory into the state, and gives the future that keeps doing so for as long as it
/// lives. Files that cannot be read are logged, and the others count.
///
/// # Errors
///
/// If the directory as a whole cannot be read now. Later that is logged, and the state stays as
/// it was.
pub async fn watch_directory<B: Send + 'static>(
    directory: Directory<B>,
    state: State,
    policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
) -> Result<impl Future<Output = Infallible> + Send, SourceError> {
    let mut poll = Poll {
        directory,
        state,
        policies,
        observer: observer.clone(),
        seen: None,
        failing: false,
    };
    poll.look().await?;
    // Behind a lock so that a new start of the task goes on with what was seen.
    let poll = Arc::new(Mutex::new(poll));
    Ok(supervise("manifests", observer, move || {
        let poll = Arc::clone(&poll);
        async move { poll.lock().await.run().await }
    }))
}

struct Poll<B> {
    directory: Directory<B>,
    state: State,
    policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
    /// What the current snapshot was made of.
    seen: Option<[u8; 32]>,
    failing: bool,
}

impl<B: Send + 'static> Poll<B> {
    async fn run(&mut self) -> Infallible {
        loop {
            // A closed channel reports at once, again and again.
            tokio::select! {
                Ok(()) = self.policies.changed() => {}
                () = sleep(POLL) => {}
            }
            match self.look().await {
                Ok(()) => self.worked(),
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Looks at the directory, and makes a snapshot if there is something new about it or the
    /// policy.
    async fn look(&mut self) -> Result<(), SourceError> {
        let policy = Arc::clone(&self.policies.borrow_and_update());
        let content = self.directory.content().await?;
        let same_content = self.seen == Some(content.fingerprint);
        let same_policy = self
            .state
            .current()
            .is_some_and(|current| Arc::ptr_eq(current.policy(), &policy));
        if same_content && same_policy {
            return Ok(());
        }
        let index = self.directory.index(&policy, &content);
        let personas = self.directory.personas(&policy, &content);
        let snapshot = Snapshot::new(policy, index).with_personas(personas);
        self.state.publish(Arc::new(snapshot));
        if !same_content {
            self.seen = Some(content.fingerprint);
            self.observer.tell(StateEvent::Listed);
            self.report(&content.errors);
        }
        if !same_policy {
            self.observer.tell(StateEvent::PolicyInForce);
        }
        Ok(())
    }

    fn report(&self, errors: &[String]) {
        for error in errors {
            self.observer.tell(StateEvent::ObjectUnreadable);
            tracing::warn!(%error, "a manifest cannot be read; the others count");
        }
    }

    fn failed(&mut self, error: &SourceError) {
        self.observer.tell(StateEvent::SourceFailed);
        self.state.mark_failing();
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                error = %WithCauses(error),
                "the directory of manifests cannot be read; what it held last counts"
            );
        }
    }

    fn worked(&mut self) {
        self.state.mark_working();
        if std::mem::replace(&mut self.failing, false) {
            self.observer.tell(StateEvent::SourceRecovered);
            tracing::info!("the directory of manifests can be read again");
        }
    }
}

#[cfg(test)]
mod tests;
