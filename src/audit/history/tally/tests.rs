use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Bounds, Seen, Tally};
use crate::audit::denial::{Binding, BindingKind, Denial};
use crate::audit::history::Stored;

pub(in crate::audit) fn denial(requester: &str, name: &str) -> Denial {
    Denial {
        requester: requester.to_owned(),
        binding: Binding {
            kind: BindingKind::RoleBinding,
            namespace: Some("dev".to_owned()),
            name: name.to_owned(),
        },
        persona: Some("view".to_owned()),
        companion: None,
        missing: Vec::new(),
        missing_total: None,
        missing_sha256: None,
    }
}

pub(in crate::audit) fn seen(count: u64, first: i64, last: i64) -> Seen {
    Seen {
        count,
        first_seen: Timestamp::from_second(first).unwrap(),
        last_seen: Timestamp::from_second(last).unwrap(),
    }
}

/// Calls as they come: who, which binding, and when.
fn calls() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
    prop::collection::vec((0_u8..6, 0_u8..12, 0_i64..50), 0..80)
}

fn tally(calls: &[(u8, u8, i64)]) -> Tally {
    let mut tally = Tally::default();
    for (requester, binding, at) in calls {
        // Entries of different size.
        let name = format!("b{}", "x".repeat(usize::from(*binding) * 20));
        tally.add(
            denial(&format!("user-{requester}"), &name),
            seen(1, *at, *at),
        );
    }
    tally
}

/// The same, by looking at all entries for each that goes.
fn trimmed_simply(tally: &Tally, bounds: Bounds) -> BTreeMap<Denial, Seen> {
    let mut rest: Vec<(Denial, Seen, usize)> = tally
        .iter()
        .map(|(denial, seen)| {
            let mut alone = Tally::default();
            alone.add(Arc::clone(denial), seen);
            (Denial::clone(denial), seen, alone.bytes())
        })
        .collect();
    for by_bytes in [false, true] {
        loop {
            let bytes: usize = rest.iter().map(|(_, _, bytes)| bytes).sum();
            if !by_bytes && rest.len() <= bounds.entries || by_bytes && bytes <= bounds.bytes {
                break;
            }
            let weight = |requester: &str| -> usize {
                rest.iter()
                    .filter(|(denial, ..)| denial.requester == requester)
                    .map(|(_, _, bytes)| if by_bytes { *bytes } else { 1 })
                    .sum()
            };
            let most = rest
                .iter()
                .map(|(denial, ..)| weight(&denial.requester))
                .max();
            let (position, _) = rest
                .iter()
                .enumerate()
                .filter(|(_, (denial, ..))| Some(weight(&denial.requester)) == most)
                .min_by_key(|(_, (denial, seen, _))| {
                    let requester = denial.requester.clone();
                    (seen.last_seen, requester, seen.first_seen, denial.clone())
                })
                .unwrap();
            rest.remove(position);
        }
    }
    rest.into_iter()
        .map(|(denial, seen, _)| (denial, seen))
        .collect()
}

proptest! {
    #[test]
    fn a_trim_is_what_it_is_by_looking_at_everything_each_time(
        calls in calls(), entries in 0_usize..40, bytes in 0_usize..20_000,
    ) {
        let bounds = Bounds { entries, bytes };
        let before = tally(&calls);
        let mut after = before.clone();
        let evicted = after.trim(bounds);
        let found: BTreeMap<Denial, Seen> = after
            .iter()
            .map(|(denial, seen)| (Denial::clone(denial), seen))
            .collect();
        prop_assert_eq!(found, trimmed_simply(&before, bounds));
        prop_assert!(!after.exceeds(bounds));
        prop_assert_eq!(after.calls() + evicted.calls(), before.calls());
        prop_assert_eq!(after.len() + evicted.len(), before.len());
        after.merge(&evicted);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn nobody_loses_an_entry_before_they_have_as_many_as_anybody(
        calls in calls(), entries in 0_usize..40,
    ) {
        let before = tally(&calls);
        let mut after = before.clone();
        let _ = after.trim(Bounds { entries, bytes: usize::MAX });
        let of = |tally: &Tally, requester: &str| {
            tally.iter().filter(|(denial, _)| denial.requester == requester).count()
        };
        let most = (0..6).map(|user| of(&after, &format!("user-{user}"))).max().unwrap();
        for user in 0..6 {
            let user = format!("user-{user}");
            let (had, has) = (of(&before, &user), of(&after, &user));
            prop_assert!(has == had || has + 1 >= most, "{} of {}, others {}", has, had, most);
        }
    }

    #[test]
    fn it_does_not_matter_in_which_order_or_by_whom_calls_are_counted(
        calls in calls(), at in 0_usize..80,
    ) {
        let whole = tally(&calls);
        let (one, other) = calls.split_at(at.min(calls.len()));
        let mut parts = tally(other);
        parts.merge(&tally(one));
        prop_assert_eq!(&parts, &whole);
        prop_assert_eq!(whole.calls(), calls.len() as u64);
    }

    #[test]
    fn what_is_stored_is_never_larger_than_it_counts_and_comes_back_whole(calls in calls()) {
        let denials = tally(&calls);
        let stored = Stored { denials, batches: vec![("a".to_owned(), 3)], garbage: 0 };
        let data = stored.write();
        prop_assert!(data["denials"].len() <= stored.denials.bytes());
        prop_assert_eq!(Stored::read(&data), stored);
    }
}

#[test]
fn a_hundred_thousand_denials_stay_in_bounds_and_a_noisy_requester_evicts_nobody() {
    let mut stored = Stored::default();
    stored.denials.add(denial("quiet", "hers"), seen(1, 0, 0));
    for batch in 0..10 {
        let mut tally = Tally::default();
        for number in 0..10_000 {
            let at = 1 + batch * 10_000 + number;
            tally.add(denial("noisy", &format!("binding-{at}")), seen(1, at, at));
        }
        stored.denials.merge(&tally);
        let _ = stored.denials.trim(Bounds::HISTORY);
        let data = stored.write();
        let bytes: usize = data.values().map(String::len).sum();
        assert!(bytes < 660_000, "{bytes} bytes");
        stored = Stored::read(&data);
        assert!(stored.denials.len() <= Bounds::HISTORY.entries);
        assert_eq!(stored.garbage, 0);
    }
    let mut kept = stored.denials.iter();
    assert!(kept.any(|(denial, _)| denial.requester == "quiet"));
    // Of the noisy one there are the newest.
    let mut kept = stored.denials.iter();
    assert!(kept.any(|(denial, _)| denial.binding.name == "binding-100000"));
}
