//! How many connections a port holds, and which one makes way for a newcomer.
//!
//! Anyone who reaches the port can open connections, so there is an end to them, and to those from
//! one address. What tells the API server from a flood is that its calls are answered: a connection
//! over which a review went is never closed to make room, and one over which none went is, the
//! oldest first. So a newcomer gets in, and has as long as it takes to fill the whole port anew to
//! make its first call. To lock it out, strangers would have to hold every place from several
//! addresses, by connections that each sent a review; `--client-ca` keeps them from that.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::load::{Load, Total};

/// The places for connections of one port. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capacity: usize,
    /// How many of them one peer may have.
    share: usize,
    /// How many more there may be for the moment until those told to make way are gone.
    slack: usize,
    load: Arc<Total>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: usize,
    peers: HashMap<IpAddr, Peer>,
    /// Connections without an answered call, the oldest first.
    unproven: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
}

#[derive(Debug)]
struct Peer {
    open: usize,
    load: Load,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    #[error("all places for connections are taken")]
    Full,
    #[error("this address has its share of the places for connections")]
    PeerFull,
}

/// A connection's place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    number: u64,
    peer: IpAddr,
    load: Load,
    proven: AtomicBool,
}

/// Resolves to `Ok` when the connection has to make way, and to an error when it never will.
pub(super) type MakeWay = oneshot::Receiver<()>;

impl Places {
    /// So many, half of them for one peer.
    pub(super) fn new(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            capacity,
            share: capacity.div_ceil(2),
            slack: (capacity / 8).max(1),
            load: Arc::default(),
            table: Mutex::default(),
        }))
    }

    /// A place for a connection from this address.
    pub(super) fn take(&self, address: IpAddr) -> Result<(Place, MakeWay), NoPlace> {
        let peer = peer_of(address);
        let mut table = self.table();
        let of_peer = table.peers.get(&peer).map_or(0, |held| held.open);
        let Inner {
            capacity,
            share,
            slack,
            ..
        } = *self.0;
        if of_peer >= share {
            if of_peer >= share + slack || !table.clear_one(|owner| owner == peer) {
                return Err(NoPlace::PeerFull);
            }
        } else if table.open >= capacity
            && (table.open >= capacity + slack || !table.clear_one(|_| true))
        {
            return Err(NoPlace::Full);
        }
        let number = table.next;
        table.next += 1;
        table.open += 1;
        let held = table.peers.entry(peer).or_insert_with(|| Peer {
            open: 0,
            load: Load::new(Arc::clone(&self.0.load)),
        });
        held.open += 1;
        let load = held.load.clone();
        let (make_way, told) = oneshot::channel();
        table.unproven.insert(number, (peer, make_way));
        let place = Place {
            places: self.clone(),
            number,
            peer,
            load,
            proven: AtomicBool::new(false),
        };
        Ok((place, told))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Tells the oldest connection without an answered call, of these peers, to make way.
    fn clear_one(&mut self, of: impl Fn(IpAddr) -> bool) -> bool {
        let oldest = self.unproven.iter().find(|(_, (owner, _))| of(*owner));
        let Some(number) = oldest.map(|(number, _)| *number) else {
            return false;
        };
        if let Some((_, make_way)) = self.unproven.remove(&number) {
            // One that ended in this moment need not be told.
            let _ = make_way.send(());
        }
        true
    }
}

impl Place {
    /// Says that a review went over the connection, which has a right to stay from now on.
    pub(super) fn prove(&self) {
        if !self.proven.swap(true, Ordering::Relaxed) {
            self.places.table().unproven.remove(&self.number);
        }
    }

    /// What requests from this address may hold.
    pub(super) const fn load(&self) -> &Load {
        &self.load
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.places.table();
        table.open = table.open.saturating_sub(1);
        table.unproven.remove(&self.number);
        if let Some(held) = table.peers.get_mut(&self.peer) {
            held.open = held.open.saturating_sub(1);
            if held.open == 0 {
                table.peers.remove(&self.peer);
            }
        }
    }
}

/// Who counts as one: an IPv4 address, however it is written, or the network of an IPv6 address,
/// since a machine has all addresses of that.
fn peer_of(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = u128::MAX << 64;
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        IpAddr::V4(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{MakeWay, NoPlace, Place, Places, peer_of};

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn must_go(told: &mut MakeWay) -> bool {
        told.try_recv().is_ok()
    }

    /// So many connections from each of these, every one with an answered call or none.
    fn fill(places: &Places, each: usize, of: &[u8], proven: bool) -> Vec<(Place, MakeWay)> {
        let owners = of.iter().flat_map(|last| std::iter::repeat_n(*last, each));
        owners
            .map(|last| {
                let taken = places.take(address(last)).unwrap();
                if proven {
                    taken.0.prove();
                }
                taken
            })
            .collect()
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_oldest_without_an_answered_call() {
        let places = Places::new(64);
        let mut open = fill(&places, 32, &[1, 2], false);
        open[0].0.prove();
        let (_newcomer, mut told) = places.take(address(3)).unwrap();
        let gone: Vec<_> = (0..64).filter(|at| must_go(&mut open[*at].1)).collect();
        assert_eq!(gone, [1]);
        assert!(!must_go(&mut told));
    }

    #[test]
    fn where_every_call_was_answered_the_newcomer_is_refused_until_somebody_leaves() {
        let places = Places::new(64);
        let mut open = fill(&places, 32, &[1, 2], true);
        assert_eq!(places.take(address(3)).unwrap_err(), NoPlace::Full);
        open.pop();
        assert!(places.take(address(3)).is_ok());
    }

    #[test]
    fn an_address_has_half_of_the_places_and_clears_its_own() {
        let places = Places::new(64);
        let mut others = fill(&places, 8, &[1], false);
        let mut own = fill(&places, 32, &[2], false);
        let newest = places.take(address(2)).unwrap();
        assert!(must_go(&mut own[0].1));
        assert!(!others.iter_mut().any(|(_, told)| must_go(told)));
        own.push(newest);
        for (place, _) in &own {
            place.prove();
        }
        assert_eq!(places.take(address(2)).unwrap_err(), NoPlace::PeerFull);
        assert!(places.take(address(1)).is_ok());
    }

    #[test]
    fn there_is_an_end_to_those_who_are_told_to_go_and_do_not() {
        let places = Places::new(64);
        let mut open = fill(&places, 32, &[1, 2], false);
        let taken: Vec<_> = (3..)
            .map_while(|last| places.take(address(last)).ok())
            .collect();
        assert_eq!(taken.len(), 8);
        open.retain_mut(|(_, told)| !must_go(told));
        assert_eq!(open.len() + taken.len(), 64);
        assert!(places.take(address(99)).is_ok());
    }

    #[test]
    fn nothing_is_left_of_those_who_are_gone() {
        let places = Places::new(64);
        drop(fill(&places, 32, &[1, 2], true));
        drop(fill(&places, 32, &[1, 2], false));
        let table = places.table();
        assert_eq!(table.open, 0);
        assert!(table.peers.is_empty());
        assert!(table.unproven.is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_peer_and_so_is_an_ipv4_address_in_both_spellings() {
        let peer = |text: &str| peer_of(text.parse().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("10.0.0.1"), peer("::ffff:10.0.0.1"));
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
    }
}
