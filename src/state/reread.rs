//! Before a removal is refused: the persona bindings that it is refused for, read again.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use super::personas::PersonaBinding;
use super::source::SourceError;

/// How many callers may have bindings read at a time. Each asks for a handful.
const AT_A_TIME: usize = 8;

/// Something that bindings can be read from one by one.
pub trait PersonaSource: Send + Sync + 'static {
    /// What has become of these bindings: those that still exist, as they are at a moment after
    /// this call.
    fn reread(
        &self,
        bindings: Vec<PersonaBinding>,
    ) -> impl Future<Output = Result<Vec<PersonaBinding>, SourceError>> + Send;
}

type Read = dyn Fn(Vec<PersonaBinding>) -> BoxFuture<'static, Result<Vec<PersonaBinding>, SourceError>>
    + Send
    + Sync;

/// Reads persona bindings again. Cheap to clone.
#[derive(Clone)]
pub struct Reread {
    read: Arc<Read>,
    places: Arc<Semaphore>,
}

impl Reread {
    /// Reads from a source.
    pub fn from(source: impl PersonaSource) -> Self {
        let source = Arc::new(source);
        Self {
            read: Arc::new(move |bindings| {
                let source = Arc::clone(&source);
                async move { source.reread(bindings).await }.boxed()
            }),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// Those of the bindings that still exist, as they are at a moment after this call.
    ///
    /// Waits as long as it takes: the deadline is the caller's.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub async fn reread(
        &self,
        bindings: Vec<PersonaBinding>,
    ) -> Result<Vec<PersonaBinding>, SourceError> {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await.ok();
        (self.read)(bindings).await
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reread")
    }
}
