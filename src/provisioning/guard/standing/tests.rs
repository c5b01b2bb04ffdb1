use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tokio::time::Instant;

use super::{Look, SETTLE, Standing, Watchman};
use crate::provisioning::guard::canary::Canary;
use crate::provisioning::guard::epoch::{Epoch, EpochValue};
use crate::provisioning::guard::in_place::{Fault, GuardIdentity, Version};

fn guard(generation: i64) -> GuardIdentity {
    let version = |uid: &str, generation| Version {
        uid: uid.to_owned(),
        generation,
    };
    GuardIdentity {
        policy: version("p", generation),
        binding: version("b", 1),
    }
}

fn look(generation: i64, canary: Canary) -> Look {
    Look {
        guard: Ok(Ok(guard(generation))),
        canary,
    }
}

fn unknown() -> Canary {
    Canary::Unknown("down".to_owned())
}

const DIFFERS: Fault = Fault::Differs { kind: "x" };

struct Story {
    watchman: Watchman,
    now: Instant,
}

impl Story {
    fn begin() -> Self {
        Self {
            watchman: Watchman::default(),
            now: Instant::now(),
        }
    }

    fn after(&mut self, seconds: u64, look: &Look) -> Standing {
        self.now += Duration::from_secs(seconds);
        self.watchman.observe(self.now, look, EpochValue::fresh)
    }

    fn in_place(&mut self, generation: i64) -> Epoch {
        self.after(0, &look(generation, Canary::Refused));
        match self.after(3, &look(generation, Canary::Refused)) {
            Standing::InPlace(epoch) => epoch,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_epoch_begins_three_seconds_after_the_first_refused_canary() {
    let mut story = Story::begin();
    let refused = look(1, Canary::Refused);
    assert!(matches!(
        story.after(0, &look(1, unknown())),
        Standing::NotInPlace(_)
    ));
    assert_eq!(story.after(9, &refused), Standing::Settling);
    assert_eq!(story.after(2, &refused), Standing::Settling);
    let Standing::InPlace(epoch) = story.after(1, &refused) else {
        panic!("not in place");
    };
    assert_eq!(epoch.guard, guard(1));
    assert_eq!(story.after(10, &refused), Standing::InPlace(epoch));
}

#[test]
fn another_guard_a_wrong_one_and_an_accepted_canary_end_it() {
    let differs = Look {
        guard: Ok(Err(DIFFERS)),
        canary: Canary::Refused,
    };
    for ended in [
        look(2, Canary::Refused),
        look(2, unknown()),
        differs,
        look(1, Canary::Accepted),
        Look {
            guard: Err("unreadable".to_owned()),
            canary: Canary::Accepted,
        },
    ] {
        let mut story = Story::begin();
        let first = story.in_place(1);
        let standing = story.after(10, &ended);
        assert!(!matches!(standing, Standing::InPlace(_)), "{ended:?}");
        assert_eq!(story.watchman.published(&standing).epoch, None);
        let refused = look(1, Canary::Refused);
        assert_eq!(story.after(10, &refused), Standing::Settling, "{ended:?}");
        let Standing::InPlace(second) = story.after(3, &refused) else {
            panic!("not in place after {ended:?}");
        };
        assert_ne!(first.value, second.value);
    }
}

#[test]
fn while_nobody_knows_it_is_suspended_and_lasts() {
    let mut story = Story::begin();
    let epoch = story.in_place(1);
    for nobody_knows in [
        look(1, unknown()),
        Look {
            guard: Err("unreadable".to_owned()),
            canary: Canary::Refused,
        },
    ] {
        let standing = story.after(60, &nobody_knows);
        assert!(matches!(standing, Standing::NotInPlace(_)));
        let published = story.watchman.published(&standing);
        assert_eq!(published.epoch.as_ref(), Some(&epoch));
        assert!(published.paused.is_some());
        assert_eq!(
            story.after(1, &look(1, Canary::Refused)),
            Standing::InPlace(epoch.clone())
        );
    }
}

#[test]
fn who_takes_over_goes_on_with_the_same_guard_and_with_no_other() {
    let mut story = Story::begin();
    let epoch = story.in_place(1);
    let standing = Standing::InPlace(epoch.clone());
    let published = story.watchman.published(&standing);
    for (generation, expected) in [(1, standing), (2, Standing::Settling)] {
        let mut next = Story {
            watchman: Watchman::resuming(Some(published.clone())),
            now: story.now,
        };
        let seen = next.after(0, &look(generation, Canary::Refused));
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_guard_that_changes_while_it_settles_settles_anew() {
    let mut story = Story::begin();
    assert_eq!(
        story.after(0, &look(1, Canary::Refused)),
        Standing::Settling
    );
    assert_eq!(
        story.after(2, &look(2, Canary::Refused)),
        Standing::Settling
    );
    assert_eq!(
        story.after(2, &look(2, Canary::Refused)),
        Standing::Settling
    );
    assert!(matches!(
        story.after(1, &look(2, Canary::Refused)),
        Standing::InPlace(_)
    ));
}

fn looks() -> impl Strategy<Value = Vec<(u64, Look)>> {
    let guards = prop_oneof![
        6 => (1..3_i64).prop_map(|generation| Ok(Ok(guard(generation)))),
        1 => Just(Ok(Err(DIFFERS))),
        1 => Just(Err("unreadable".to_owned())),
    ];
    let canaries = prop_oneof![
        8 => Just(Canary::Refused),
        1 => Just(Canary::Accepted),
        1 => Just(unknown()),
    ];
    let one = (guards, canaries).prop_map(|(guard, canary)| Look { guard, canary });
    vec((0..5_u64, one), 0..40)
}

proptest! {
    /// Whatever happens: an epoch counts only while the look before it was good, its guard is the
    /// one that is seen, it was refused a canary 3 s before it began, and no value comes again
    /// after a look by which the guard was another, wrong or without effect.
    #[test]
    fn no_epoch_outlives_a_gap(looks in looks(), resume in any::<bool>()) {
        let mut story = Story::begin();
        let mut ended: Vec<EpochValue> = Vec::new();
        let mut current: Option<Epoch> = None;
        let mut good_since: Option<(GuardIdentity, Instant)> = None;
        for (pause, look) in looks {
            let standing = story.after(pause, &look);
            let seen = look.guard.clone().ok().and_then(Result::ok);
            let is_gap = look.canary == Canary::Accepted
                || matches!(look.guard, Ok(Err(_)))
                || matches!((&seen, &current), (Some(guard), Some(epoch)) if epoch.guard != *guard);
            if is_gap {
                ended.extend(current.take().map(|epoch| epoch.value));
            }
            match (&seen, &good_since) {
                _ if look.canary == Canary::Accepted || matches!(look.guard, Ok(Err(_))) => {
                    good_since = None;
                }
                (Some(guard), Some((good, _))) if good == guard => {}
                (Some(guard), _) if look.canary == Canary::Refused => {
                    good_since = Some((guard.clone(), story.now));
                }
                (Some(_), _) => good_since = None,
                (None, _) => {}
            }
            if let Standing::InPlace(epoch) = &standing {
                prop_assert_eq!(&look.canary, &Canary::Refused);
                prop_assert_eq!(Some(&epoch.guard), seen.as_ref());
                prop_assert!(!ended.contains(&epoch.value));
                if let Some(current) = &current {
                    prop_assert_eq!(current, epoch);
                } else {
                    let (_, since) = good_since.clone().unwrap();
                    prop_assert!(story.now.duration_since(since) >= SETTLE);
                }
                current = Some(epoch.clone());
            }
            if resume {
                let published = story.watchman.published(&standing);
                story.watchman = Watchman::resuming(Some(published));
                if current.is_none() {
                    good_since = None;
                }
            }
        }
    }
}
