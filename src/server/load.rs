//! What the requests in hand may hold in memory, all together and those of one address.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::request::Parts;

/// What a request costs before a byte of its body has come: its task, its stream, its answer.
const PER_REQUEST: usize = 8 * 1024;
/// What all may hold, in bytes: 8,000 small requests, or nine of the largest bodies. A body that
/// comes in pieces can take twice of what counts here while it is put together.
const MAX_TOTAL: usize = 64 * 1024 * 1024;
/// What those of one peer may hold.
const MAX_PEER: usize = MAX_TOTAL / 2;

/// What all requests hold, in bytes.
pub(super) type Total = AtomicUsize;

/// The account of one peer. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Load {
    total: Arc<Total>,
    peer: Arc<AtomicUsize>,
}

/// There is too much in hand to take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// What one request holds, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    load: Load,
    bytes: usize,
}

impl Load {
    /// The account of a peer that holds nothing yet.
    pub(super) fn new(total: Arc<Total>) -> Self {
        Self {
            total,
            peer: Arc::default(),
        }
    }

    /// Takes a request in hand. A body counts as it comes ([`Charge::grow`]), and not as it is
    /// announced: else a few announcements would be enough to have everyone else refused.
    pub(super) fn request(&self, head: &Parts) -> Result<Charge, Busy> {
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        let mut charge = Charge {
            load: self.clone(),
            bytes: 0,
        };
        charge.grow(PER_REQUEST + headers.sum::<usize>())?;
        Ok(charge)
    }
}

impl Charge {
    /// Adds bytes, unless that is too much.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Busy> {
        // Counted first and judged then, so that two at once cannot both have the last bytes. What
        // is too much is given back with the rest.
        self.bytes = self.bytes.saturating_add(bytes);
        let total = self.load.total.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let peer = self.load.peer.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total > MAX_TOTAL || peer > MAX_PEER {
            return Err(Busy);
        }
        Ok(())
    }

    /// Gives back what came with the body.
    pub(super) fn drop_body(&mut self) {
        self.give_back(self.bytes.saturating_sub(PER_REQUEST));
    }

    fn give_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.load.total.fetch_sub(bytes, Ordering::Relaxed);
        self.load.peer.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use axum::http::Request;
    use axum::http::request::Parts;

    use super::{Busy, Charge, Load, MAX_PEER, MAX_TOTAL, PER_REQUEST, Total};

    fn head() -> Parts {
        Request::new(()).into_parts().0
    }

    /// Requests with a body of so many bytes, until no more are taken.
    fn fill(load: &Load, body: usize) -> Vec<Charge> {
        std::iter::from_fn(|| {
            let mut charge = load.request(&head()).ok()?;
            charge.grow(body).ok()?;
            Some(charge)
        })
        .collect()
    }

    #[test]
    fn one_peer_gets_half_and_others_still_get_theirs() {
        let total: Arc<Total> = Arc::default();
        let (greedy, other) = (Load::new(Arc::clone(&total)), Load::new(Arc::clone(&total)));
        let held = fill(&greedy, 1024 * 1024);
        assert_eq!(held.len(), MAX_PEER / (1024 * 1024 + PER_REQUEST));
        assert!(
            greedy
                .request(&head())
                .is_ok_and(|mut charge| charge.grow(1024 * 1024) == Err(Busy))
        );
        assert!(other.request(&head()).is_ok());
    }

    #[test]
    fn all_together_get_no_more_than_the_whole() {
        let total: Arc<Total> = Arc::default();
        let peers = [(); 3].map(|()| Load::new(Arc::clone(&total)));
        let held: Vec<_> = peers.iter().flat_map(|peer| fill(peer, 0)).collect();
        assert_eq!(held.len(), MAX_TOTAL / PER_REQUEST);
    }

    #[test]
    fn everything_is_given_back_and_the_body_before_the_answer_is_sent() {
        let total: Arc<Total> = Arc::default();
        let load = Load::new(Arc::clone(&total));
        let mut charge = load.request(&head()).unwrap();
        charge.grow(5_000_000).unwrap();
        charge.drop_body();
        assert_eq!(total.load(Ordering::Relaxed), PER_REQUEST);
        assert_eq!(charge.grow(MAX_TOTAL), Err(Busy));
        drop(charge);
        assert_eq!(total.load(Ordering::Relaxed), 0);
        assert_eq!(load.peer.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_head_counts_by_its_size() {
        let load = Load::new(Arc::default());
        let mut head = head();
        head.headers.insert("x", "y".repeat(999).parse().unwrap());
        assert_eq!(load.request(&head).unwrap().bytes, PER_REQUEST + 1_000);
    }
}
