//! What one task changes and many read.

use std::sync::{PoisonError, RwLock};

/// A value behind a lock that is held only while a closure runs that cannot wait, so never across
/// an `await`.
#[derive(Debug, Default)]
pub(super) struct Shared<T>(RwLock<T>);

impl<T> Shared<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    /// Reads. After a panic in the middle of a change the value serves on as it was left: whoever
    /// panicked is started again and replaces it.
    pub(super) fn read<A>(&self, read: impl FnOnce(&T) -> A) -> A {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<A>(&self, change: impl FnOnce(&mut T) -> A) -> A {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in its place.
    pub(super) fn replace(&self, value: T) {
        // Freeing a million names takes a while; it happens after the lock is given back.
        let before = self.change(|current| std::mem::replace(current, value));
        drop(before);
    }
}
