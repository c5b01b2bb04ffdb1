//! What happens to the state that somebody may want to count.

use std::fmt;
use std::sync::Arc;

/// Something that happened. One of a fixed set, so that it can be a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateEvent {
    /// A complete list took effect, at the start, after a gap, or for another policy.
    Listed,
    /// The index is different now.
    Changed,
    /// The source of the index failed once; the last good state serves on.
    SourceFailed,
    /// The source works again after it had failed.
    SourceRecovered,
    /// An object could not be read in full; what could be read counts.
    ObjectUnreadable,
    /// A complete list of `RoleBindings` took effect.
    RoleBindingsListed,
    /// The persona bindings among the `RoleBindings` are different now.
    RoleBindingsChanged,
    /// Watching `RoleBindings` failed once.
    RoleBindingsFailed,
    /// Watching `RoleBindings` works again after it had failed.
    RoleBindingsRecovered,
    /// A policy took effect.
    PolicyInForce,
    /// A confirming read started.
    ConfirmStarted,
    /// A confirming read failed or took too long.
    ConfirmFailed,
    /// A task that never ends had ended, or panicked, and is started again.
    TaskRestarted,
}

/// Is told of every [`StateEvent`], for counting. Must be quick.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(StateEvent) + Send + Sync>);

impl Observer {
    /// An observer that calls the function.
    pub fn new(observe: impl Fn(StateEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// An observer that ignores everything.
    #[must_use]
    pub fn ignore() -> Self {
        Self::new(|_| {})
    }

    /// The same observer for the watch of `RoleBindings`, whose events are events of their own.
    #[must_use]
    pub(super) fn of_role_bindings(&self) -> Self {
        let whole = self.clone();
        Self::new(move |event| {
            whole.tell(match event {
                StateEvent::Listed => StateEvent::RoleBindingsListed,
                StateEvent::Changed => StateEvent::RoleBindingsChanged,
                StateEvent::SourceFailed => StateEvent::RoleBindingsFailed,
                StateEvent::SourceRecovered => StateEvent::RoleBindingsRecovered,
                other => other,
            });
        })
    }

    /// Tells what happened.
    pub fn tell(&self, event: StateEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}
