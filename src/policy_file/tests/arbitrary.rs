//! Any policy that there can be.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::sample::subsequence;

use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{
    Action, Companion, DryRun, Exemptions, Persona, Policy, PolicySubject, Provisioning,
    ProvisioningMode, ServiceAccountName, UmbrellaGroups,
};

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Deny), Just(Action::Warn), Just(Action::Audit)]
}

/// Names that a reader of YAML could take for something else, and any others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => prop_oneof![
            Just("on"), Just("No"), Just("y"), Just("null"), Just("~"), Just("0777"), Just("1e3"),
            Just("0x1F"), Just("12:30:45"), Just("2026-11-24"), Just(".5"), Just("1_000"),
            Just("<<"), Just("="), Just("- a"), Just("a: b"), Just("a #b"), Just("*a"), Just("!a"),
            Just("{a}"), Just(" a "), Just("---"), Just("'"), Just("\""), Just("true"),
            Just("system:masters"), Just("\u{2028}a"), Just("\u{feff}"), Just("a\\b"),
        ].prop_map(str::to_owned),
        3 => any::<String>().prop_filter("no control characters", |name| {
            !name.is_empty() && !name.contains(char::is_control)
        }),
        3 => "[a-z]{1,8}(-[a-z]{1,100})?",
    ]
}

/// The names of a policy's roles, all different.
fn role_names() -> impl Strategy<Value = Vec<String>> {
    let role = name().prop_filter("no path segment", |name| {
        !name.contains(['/', '%']) && name != "." && name != ".."
    });
    prop::collection::hash_set(role, 8..30).prop_map(|names| names.into_iter().collect())
}

fn subject() -> impl Strategy<Value = PolicySubject> {
    let named = |kind| {
        name().prop_map(move |name| PolicySubject {
            kind,
            name,
            namespace: String::new(),
        })
    };
    let account = ("[a-z0-9]{1,9}", "[a-z0-9]{1,9}").prop_map(|(namespace, name)| PolicySubject {
        kind: SubjectKind::ServiceAccount,
        name,
        namespace,
    });
    prop_oneof![named(SubjectKind::User), named(SubjectKind::Group), account]
}

fn subjects() -> impl Strategy<Value = Vec<PolicySubject>> {
    prop::collection::hash_set(subject(), 0..4).prop_map(|subjects| subjects.into_iter().collect())
}

fn provisioning() -> impl Strategy<Value = Provisioning> {
    let mode = prop_oneof![
        Just(ProvisioningMode::Disabled),
        Just(ProvisioningMode::OnRequest),
        Just(ProvisioningMode::Always)
    ];
    let accounts = prop::collection::hash_set(("[a-z0-9]{1,9}", "[a-z0-9]{1,9}"), 0..4);
    let lifetime = (1_u64..86_400, 0_u32..1_000_000_000);
    (
        mode,
        accounts,
        subjects(),
        lifetime,
        1_u32..=1000,
        1_u32..=1_000_000,
    )
        .prop_map(
            |(mode, accounts, not_ordering, (seconds, nanoseconds), subjects, companions)| {
                Provisioning {
                    mode,
                    service_accounts: accounts
                        .into_iter()
                        .map(|(namespace, name)| ServiceAccountName { namespace, name })
                        .collect(),
                    not_ordering: not_ordering
                        .into_iter()
                        .filter(|subject| subject.kind != SubjectKind::ServiceAccount)
                        .collect(),
                    order_lifetime: Duration::new(seconds, nanoseconds),
                    max_subjects_per_binding: subjects,
                    max_companions: companions,
                }
            },
        )
}

/// Some of the roles are companions, one implies each, and the rest are the personas.
fn roles() -> impl Strategy<Value = (Vec<Persona>, Vec<Companion>)> {
    (
        role_names(),
        1_usize..=3,
        1_usize..=4,
        prop::option::of(action()),
        subsequence(SubjectKind::ALL.to_vec(), 1..=3),
        any::<bool>(),
    )
        .prop_map(
            |(mut names, companions, per_persona, action, kinds, fewer)| {
                let companions: Vec<_> = (0..companions)
                    .map(|_| Companion {
                        cluster_role: names.pop().unwrap(),
                        implied_by: vec![names.pop().unwrap()],
                    })
                    .collect();
                let personas = names
                    .chunks(per_persona)
                    .enumerate()
                    .map(|(number, roles)| Persona {
                        name: format!("persona {number}"),
                        cluster_roles: roles.to_vec(),
                        subject_kinds: kinds.clone(),
                        action,
                        companions: fewer.then_some(CompanionSet::of(0)),
                    })
                    .collect();
                (personas, companions)
            },
        )
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let dry_run = prop_oneof![Just(DryRun::Enforce), Just(DryRun::Warn)];
    let umbrella = prop_oneof![Just(UmbrellaGroups::Honour), Just(UmbrellaGroups::Ignore)];
    let exempt = (
        prop::collection::hash_set("[a-z0-9]{1,9}", 0..4),
        subjects(),
        subjects(),
    );
    (
        "[a-z0-9]{1,9}",
        action(),
        roles(),
        any::<bool>(),
        action(),
        dry_run,
        umbrella,
        provisioning(),
        exempt,
    )
        .prop_map(
            |(
                name,
                action,
                roles,
                match_roles,
                removal,
                dry_run,
                umbrella,
                provisioning,
                exempt,
            )| {
                Policy {
                    name,
                    action,
                    personas: roles.0,
                    companions: roles.1,
                    match_roles,
                    companion_removal: removal,
                    dry_run,
                    umbrella_groups: umbrella,
                    provisioning,
                    exempt: Exemptions {
                        namespaces: exempt.0.into_iter().collect(),
                        subjects: exempt.1,
                        requesters: exempt.2,
                    },
                }
            },
        )
}
