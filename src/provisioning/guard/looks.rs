//! Looks at the guard that somebody waits for.
//!
//! An API server that ignores the guard shows perfect objects, so that reading them proves nothing:
//! before an order is carried out the guard is tried as well. Many orders share one look.

use std::sync::Arc;

use tokio::sync::watch;

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

/// The look that is over: the number with which it began, and why it told nothing, if so.
type Done = (u64, Option<String>);

/// Both ends.
#[must_use]
pub fn looks() -> (Looks, Looker) {
    let (ask, asked) = watch::channel(0);
    let (finish, done) = watch::channel((0, None));
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
    /// Returns when a look is over that began after this call, and what came of it is told. Never,
    /// if nobody looks any more.
    ///
    /// # Errors
    ///
    /// Why it told nothing.
    pub async fn afresh(&self) -> Result<(), String> {
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked = asked.wrapping_add(1);
            number = *asked;
        });
        let mut done = self.done.clone();
        let over = done.wait_for(|(done, _)| *done >= number).await;
        let told = over.map(|done| done.1.clone()).ok();
        match told {
            Some(unknown) => unknown.map_or(Ok(()), Err),
            None => std::future::pending().await,
        }
    }
}

impl Looker {
    /// A look begins: which asked for it are those up to this number.
    pub(super) fn begin(&mut self) -> u64 {
        *self.asked.borrow_and_update()
    }

    /// The look that began with this number is over. Why it told nothing, if so.
    pub(super) fn end(&self, number: u64, unknown: Option<String>) {
        self.done.send_replace((number, unknown));
    }

    /// Returns when somebody asks who has not asked before the last look began.
    pub(super) async fn is_asked(&mut self) {
        if self.asked.changed().await.is_err() {
            std::future::pending().await
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
        looker.end(before, None);
        assert!(asking.as_mut().now_or_never().is_none());
        looker.is_asked().await;
        let number = looker.begin();
        looker.end(number, Some("why".to_owned()));
        let told = asking.now_or_never().unwrap();
        assert!(told.iter().all(|told| *told == Err("why".to_owned())));
        // Nobody asks any more.
        let nobody = timeout(Duration::from_secs(1), looker.is_asked()).await;
        nobody.unwrap_err();
    }
}
