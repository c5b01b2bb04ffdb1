//! Whatever counts fulfils every condition, each checked here in another way than there.

use proptest::collection::{hash_set, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

use super::world::{binding, epoch, now, order_of, policy, seconds_ago};
use crate::domain::identity::Identity;
use crate::domain::policy::ProvisioningMode;
use crate::provisioning::guard::epoch::EpochValue;
use crate::provisioning::order::{Conditions, Placed, judge};

const WHO: [Identity<'static>; 7] = [
    Identity::User("alice"),
    Identity::User("system:anonymous"),
    Identity::Group("team"),
    Identity::Group("system:authenticated"),
    // Exempt by the built-in policy.
    Identity::Group("kubeadm:cluster-admins"),
    Identity::ServiceAccount {
        namespace: "ci",
        name: "builder",
    },
    Identity::User("bob"),
];

const BY: [&str; 6] = [
    "boris",
    "robot",
    "",
    "system:admin",
    "system:serviceaccount:flux:kustomize",
    "system:serviceaccount:flux:other",
];

#[derive(Clone, Debug)]
struct Case {
    ordered: Vec<Identity<'static>>,
    here: Vec<Identity<'static>>,
    age: i64,
    by: &'static str,
    mode: ProvisioningMode,
    provision: Option<&'static str>,
    role: &'static str,
    epoch: u8,
    mangled: bool,
    companions: usize,
    most: u32,
}

fn cases() -> impl Strategy<Value = Case> {
    let mode = prop_oneof![
        4 => Just(ProvisioningMode::OnRequest),
        4 => Just(ProvisioningMode::Always),
        1 => Just(ProvisioningMode::Disabled),
    ];
    let age = prop_oneof![8 => -70..610_i64, 1 => any::<i32>().prop_map(i64::from)];
    let first = (
        hash_set(select(&WHO[..]), 1..6),
        vec(select(&WHO[..]), 0..6),
        age,
        prop_oneof![3 => Just("boris"), 2 => select(&BY[..])],
        mode,
        option::weighted(0.8, select(&["true", "true", "true", "false"][..])),
    );
    let second = (
        prop_oneof![5 => Just("spectro-vm-user"), 1 => Just("view"), 1 => Just("else")],
        0..6_u8,
        proptest::bool::weighted(0.1),
        prop_oneof![9 => Just(49_999_usize), 1 => Just(50_000_usize)],
        2..6_u32,
    );
    (first, second).prop_map(
        |((ordered, here, age, by, mode, provision), (role, epoch, mangled, companions, most))| {
            Case {
                ordered: ordered.into_iter().collect(),
                here,
                age,
                by,
                mode,
                provision,
                role,
                epoch,
                mangled,
                companions,
                most,
            }
        },
    )
}

fn is_system(identity: Identity<'_>) -> bool {
    let (prefix, name) = identity.name();
    identity.namespace().is_none() && format!("{prefix}{name}").starts_with("system:")
}

proptest! {
    #[test]
    fn whatever_counts_fulfils_every_condition_and_what_fulfils_them_counts(case in cases()) {
        let mut policy = policy();
        policy.provisioning.mode = case.mode;
        policy.provisioning.max_subjects_per_binding = case.most;
        let mut text = order_of(seconds_ago(case.age), case.ordered.iter().copied());
        if case.mangled {
            text.push(' ');
        }
        let other = EpochValue::fresh().unwrap();
        let in_force = match case.epoch {
            0 => Err("paused"),
            1 => Ok(&other),
            _ => Ok(epoch()),
        };
        let mut binding = binding(&case.here);
        binding.role.name = case.role;
        let conditions = Conditions {
            policy: &policy,
            epoch: in_force,
            now: now(),
            companions: case.companions,
        };
        let placed = Placed {
            order: &text,
            ordered_by: case.by,
            provision: case.provision,
        };

        let asks = case.provision == Some("true");
        let may = match case.mode {
            ProvisioningMode::Disabled => false,
            ProvisioningMode::OnRequest => asks,
            ProvisioningMode::Always => true,
        } && case.epoch >= 2
            && !case.mangled
            && (-60..=600).contains(&case.age)
            && ["boris", "system:serviceaccount:flux:kustomize"].contains(&case.by)
            && case.role != "else"
            && case.companions < 50_000
            && case.ordered.len() <= case.most as usize;
        let mut expected: Vec<Identity<'_>> = WHO
            .into_iter()
            .filter(|who| may && case.ordered.contains(who) && case.here.contains(who))
            .filter(|who| !is_system(*who) && *who != WHO[4])
            .filter(|who| case.role != "view" || who.namespace().is_none())
            .collect();
        let counted = judge(conditions, placed, &binding);
        prop_assert_eq!(counted.is_ok(), !expected.is_empty(), "{:?}", counted);
        let mut counted = counted.unwrap_or_default();
        counted.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(counted, expected);
    }

    #[test]
    fn no_annotations_are_too_odd_to_judge(
        order in any::<String>(),
        by in any::<String>(),
        provision in option::of(any::<String>()),
    ) {
        let policy = policy();
        let conditions = super::world::conditions(&policy);
        let placed = Placed {
            order: &order,
            ordered_by: &by,
            provision: provision.as_deref(),
        };
        let told = judge(conditions, placed, &binding(&WHO)).unwrap_err().to_string();
        prop_assert!(!told.is_empty() && !told.contains('\n'));
    }
}
