//! Looks at the guard that somebody waits for.
//!
//! An API server that ignores the guard shows perfect objects, so that reading them proves nothing:
//! before an order is carried out the guard is tried as well. Many orders share one look.

use std::sync::Arc;

use tokio::sync::watch;

use super::standing::Standing;
use crate::domain::policy::Policy;

/// Has the guard looked at. Clones ask the same who looks.
#[derive(Clone, Debug)]
pub struct Looks {
    asked: Arc<watch::Sender<u64>>,
    done: watch::Receiver<Done>,
}

/// The end of whoever looks.
#[derive(Debug)]
pub struct Looker {
    asked: watch::Receiver<u64>,
    done: watch::Sender<Done>,
}

/// What one look told.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The policy that was in force, whose guard was looked for.
    pub policy: Arc<Policy>,
    /// How that guard stands.
    pub standing: Standing,
}

/// The look that is over: the number with which it began, and what it told, or why it told nothing.
type Done = (u64, Result<Looked, String>);

/// Both ends.
#[must_use]
pub fn looks() -> (Looks, Looker) {
    let (ask, asked) = watch::channel(0);
    let (finish, done) = watch::channel((0, Err("nobody looked yet".to_owned())));
    let looks = Looks {
        asked: Arc::new(ask),
        done,
    };
    let looker = Looker {
        asked,
        done: finish,
    };
    (looks, looker)
}

impl Looks {
    /// What a look tells that begins after this call. It never returns if nobody looks any more.
    ///
    /// # Errors
    ///
    /// Why it told nothing.
    pub async fn afresh(&self) -> Result<Looked, String> {
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked = asked.wrapping_add(1);
            number = *asked;
        });
        let mut done = self.done.clone();
        let over = done.wait_for(|(done, _)| *done >= number).await;
        let told = over.map(|done| done.1.clone()).ok();
        match told {
            Some(looked) => looked,
            None => std::future::pending().await,
        }
    }
}

impl Looker {
    /// A look begins: which asked for it are those up to this number.
    pub(super) fn begin(&mut self) -> u64 {
        *self.asked.borrow_and_update()
    }

    /// The look that began with this number is over. What it told, or why it told nothing.
    pub(super) fn end(&self, number: u64, looked: Result<Looked, String>) {
        self.done.send_modify(|done| *done = (number, looked));
    }

    /// Returns when somebody asks who has not asked before the last look began.
    pub(super) async fn is_asked(&mut self) {
        if self.asked.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::join_all;
    use tokio::time::timeout;

    use super::looks;

    #[tokio::test(start_paused = true)]
    async fn only_a_look_that_began_afterwards_answers_and_it_answers_all() {
        let (looks, mut looker) = looks();
        let before = looker.begin();
        let mut asking = Box::pin(join_all((0..5).map(|_| looks.afresh())));
        assert!(asking.as_mut().now_or_never().is_none());
        // It was under way already.
        looker.end(before, Err("too early".to_owned()));
        assert!(asking.as_mut().now_or_never().is_none());
        looker.is_asked().await;
        let number = looker.begin();
        looker.end(number, Err("why".to_owned()));
        for told in asking.now_or_never().unwrap() {
            assert_eq!(told.unwrap_err(), "why");
        }
        // Nobody asks any more.
        let nobody = timeout(Duration::from_secs(1), looker.is_asked()).await;
        nobody.unwrap_err();
    }
}
