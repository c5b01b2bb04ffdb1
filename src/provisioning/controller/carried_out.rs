//! Which orders were carried out, so that none is carried out twice. Pure.
//!
//! A companion that somebody takes away stays away, although the order for it still stands on its
//! binding: what was carried out is kept until the order has expired.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::kubernetes::config_map::Data;

/// The ConfigMap's name, in bindguard's own namespace.
pub const CONFIG_MAP: &str = "bindguard-orders";
/// The most that are kept at a time. A ConfigMap has room for 1 MiB, and each takes 44 bytes.
pub(super) const MOST: usize = 20_000;

const KEY: &str = "carried-out";

/// An order on one binding, in a form of which any number is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderKey(u128);

impl OrderKey {
    /// Of the order with this text on the binding with this uid.
    #[must_use]
    pub fn of(uid: &str, order: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(uid);
        digest.update([0]);
        digest.update(order);
        let digest: [u8; 32] = digest.finalize().into();
        let half = digest.first_chunk().copied().unwrap_or_default();
        Self(u128::from_be_bytes(half))
    }
}

/// The orders that were carried out, each with the second in which it has expired.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut(HashMap<OrderKey, i64>);

impl CarriedOut {
    /// What a ConfigMap says. Lines that say nothing are left out.
    #[must_use]
    pub fn of_data(data: &Data) -> Self {
        let lines = data.get(KEY).map(String::as_str).unwrap_or_default();
        Self(lines.lines().filter_map(read).collect())
    }

    /// As a ConfigMap holds it: in an order of its own, without what has expired by this second.
    pub(super) fn to_data(&self, now: i64) -> Data {
        let mut live: Vec<_> = self.0.iter().filter(|(_, until)| **until >= now).collect();
        live.sort_unstable();
        let mut lines = String::with_capacity(live.len() * 44);
        for (key, until) in live {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{:032x} {until}", key.0);
        }
        [(KEY.to_owned(), lines)].into()
    }

    /// Whether this order was carried out.
    #[must_use]
    pub fn contains(&self, key: OrderKey) -> bool {
        self.0.contains_key(&key)
    }

    /// Takes in others.
    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend(&others.0);
    }

    /// Takes in one, until this second.
    pub(super) fn insert(&mut self, key: OrderKey, until: i64) {
        self.0.insert(key, until);
    }

    /// Forgets those that are among others.
    pub(super) fn remove(&mut self, others: &Self) {
        self.0.retain(|key, _| !others.contains(*key));
    }

    /// Forgets what has expired by this second.
    pub(super) fn expire(&mut self, now: i64) {
        self.0.retain(|_, until| *until >= now);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn read(line: &str) -> Option<(OrderKey, i64)> {
    let (key, until) = line.split_once(' ')?;
    let key = u128::from_str_radix(key, 16).ok()?;
    Some((OrderKey(key), until.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::collection::hash_map;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{CarriedOut, KEY, MOST, OrderKey};
    use crate::kubernetes::config_map::Data;

    #[test]
    fn another_binding_or_another_order_is_another_key() {
        let key = OrderKey::of("uid", "order");
        assert_eq!(key, OrderKey::of("uid", "order"));
        for (uid, order) in [("uid2", "order"), ("uid", "2order"), ("", "uidorder")] {
            assert_ne!(key, OrderKey::of(uid, order));
        }
    }

    #[test]
    fn as_many_as_there_may_be_fit_into_a_config_map() {
        let mut full = CarriedOut::default();
        for number in 0..MOST {
            full.insert(OrderKey::of("uid", &number.to_string()), 9_999_999_999);
        }
        assert_eq!(full.len(), MOST);
        assert!(full.to_data(0)[KEY].len() < 900_000);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_is_read_but_for_what_has_expired(
            entries in hash_map(any::<u128>(), -100_i64..100, 0..50),
            now in -100_i64..100,
        ) {
            let mut carried_out = CarriedOut::default();
            for (key, until) in &entries {
                carried_out.insert(OrderKey(*key), *until);
            }
            let read = CarriedOut::of_data(&carried_out.to_data(now));
            carried_out.expire(now);
            prop_assert_eq!(&read, &carried_out);
            prop_assert!(entries.iter().all(|(key, until)| read.contains(OrderKey(*key)) == (*until >= now)));
        }

        #[test]
        fn any_text_is_some_set(text: String) {
            let data: Data = [(KEY.to_owned(), text)].into();
            let read = CarriedOut::of_data(&data);
            prop_assert_eq!(CarriedOut::of_data(&read.to_data(i64::MIN)), read);
        }
    }
}
