use jiff::Timestamp;

use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::Policy;
use crate::provisioning::prune::is_made_by_order;
use crate::report::Report;
use crate::report::scan::Filter;
use crate::report::survey::{Beside, First, Look, Orders, Roles, Told};
use crate::state::seen::Seen;

const NAMESPACES: &str = "spectro-list-namespaces";
const TEMPLATES: &str = "spectro-list-vmtemplates";

fn subject(kind: SubjectKind, name: &str) -> Subject<'_> {
    Subject {
        kind,
        name,
        namespace: None,
    }
}

fn user(name: &str) -> Subject<'_> {
    subject(SubjectKind::User, name)
}

fn group(name: &str) -> Subject<'_> {
    subject(SubjectKind::Group, name)
}

fn seen<'a>(
    namespace: Option<&'a str>,
    name: &'a str,
    role: &'a str,
    subjects: Vec<Subject<'a>>,
) -> Seen<'a> {
    let kind = match namespace {
        Some(_) => BindingKind::RoleBinding,
        None => BindingKind::ClusterRoleBinding,
    };
    Seen {
        binding: Binding {
            kind,
            namespace,
            name,
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: role,
            },
            subjects,
        },
        uid: Some("u"),
        ordered: None,
        is_unreadable: false,
    }
}

/// What is found in these, none of which carries an order, where nobody looked at any role.
fn found(policy: &Policy, filter: &Filter, all: &[Seen<'_>]) -> Report {
    let look = Look { policy, filter };
    let (mut first, mut told) = (First::default(), Told::default());
    for seen in all.iter().filter(|seen| seen.binding.namespace.is_none()) {
        first.take(look, seen);
    }
    for seen in all {
        told.take(look, seen, &first);
    }
    let beside = Beside {
        roles: &Roles::default(),
        orders: &Orders::unknown(),
        now: Timestamp::UNIX_EPOCH,
    };
    told.conclude(look, first, beside)
}

fn lines(policy: &Policy, report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    findings.map(|finding| finding.message(policy)).collect()
}

#[test]
fn companions_are_idle_whose_subjects_no_persona_binding_demands_them_of() {
    let policy = Policy::built_in();
    let all = [
        seen(
            None,
            "a",
            NAMESPACES,
            vec![user("alice"), user("erin"), user("erin")],
        ),
        seen(None, "b", TEMPLATES, vec![user("alice")]),
        // The umbrella has a finding of its own, and those in it need it.
        seen(None, "c", TEMPLATES, vec![group("system:authenticated")]),
        seen(None, "d", NAMESPACES, vec![user("exempt"), group("devs")]),
        seen(None, "e", NAMESPACES, Vec::new()),
        seen(Some("red"), "vm", "spectro-vm-user", vec![user("alice")]),
        seen(Some("kube-system"), "vm", "view", vec![user("exempt")]),
    ];
    let report = found(&policy, &Filter::default(), &all);
    assert_eq!(
        lines(&policy, &report),
        [
            "Group system:authenticated holds spectro-list-vmtemplates, and so does everybody in it, \
             so that nobody in it is found to lack it: by ClusterRoleBinding c",
            "User erin holds spectro-list-namespaces, and no persona binding needs it: by \
             ClusterRoleBinding a",
            "2 subjects hold spectro-list-namespaces, and no persona binding needs it: by \
             ClusterRoleBinding d",
        ]
    );
    assert_eq!(
        report.findings[1].binding.as_ref().unwrap().uid.as_deref(),
        Some("u")
    );
    for filter in [
        Filter {
            namespace: Some("red".to_owned()),
            ..Filter::default()
        },
        Filter {
            personas: vec!["vm".to_owned()],
            ..Filter::default()
        },
        Filter {
            only_missing: true,
            ..Filter::default()
        },
    ] {
        let report = found(&policy, &filter, &all);
        assert_eq!(lines(&policy, &report), [""; 0], "{filter:?}");
    }
}

#[test]
fn nobody_s_companion_is_idle_while_a_persona_binding_could_not_be_read() {
    let policy = Policy::built_in();
    let idle = seen(None, "a", NAMESPACES, vec![user("erin")]);
    let mut broken = seen(Some("red"), "vm", "view", Vec::new());
    assert_eq!(
        found(&policy, &Filter::default(), &[idle.clone(), broken.clone()])
            .findings
            .len(),
        1
    );
    broken.is_unreadable = true;
    let report = found(&policy, &Filter::default(), &[idle, broken]);
    assert_eq!(lines(&policy, &report), [""; 0]);
    assert_eq!(
        report.errors,
        ["RoleBinding red/vm: a part of it could not be read"]
    );
}

#[test]
fn a_role_that_implies_a_companion_is_bound_for_its_own_sake() {
    let mut policy = Policy::built_in();
    policy.companions[0].implied_by = vec!["view".to_owned()];
    let all = [seen(None, "a", "viewers", vec![user("erin")])];
    assert_eq!(
        lines(&policy, &found(&policy, &Filter::default(), &all)),
        [""; 0]
    );
    let all = [seen(None, "a", NAMESPACES, vec![user("erin")])];
    assert_eq!(found(&policy, &Filter::default(), &all).findings.len(), 1);
    policy.companions[0].implied_by = vec!["viewers".to_owned()];
    let all = [seen(None, "a", "viewers", vec![user("erin")])];
    assert_eq!(
        lines(&policy, &found(&policy, &Filter::default(), &all)),
        [""; 0]
    );
}

#[test]
fn what_bindguard_made_is_for_prune_to_take_away() {
    let policy = Policy::built_in();
    let erin = user("erin");
    let identity = erin.identity(None).unwrap();
    let name = "bindguard-spectro-list-namespaces-b2cde0c4dbcde3c507d45478a579201c";
    assert!(is_made_by_order(name, NAMESPACES, identity));
    let all = [seen(None, name, NAMESPACES, vec![erin])];
    let told = lines(&policy, &found(&policy, &Filter::default(), &all));
    let words =
        "and no persona binding needs it; bindguard made it, and bindguard prune takes it away";
    assert!(told[0].contains(words), "{told:?}");
    // Somebody else has made it theirs.
    let all = [seen(None, name, NAMESPACES, vec![erin, user("frank")])];
    let told = lines(&policy, &found(&policy, &Filter::default(), &all));
    assert!(!told[0].contains("prune"), "{told:?}");
}
