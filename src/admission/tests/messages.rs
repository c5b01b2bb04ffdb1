//! The words that people read, whole, so that a change to them is seen.

use crate::admission::message::{About, Ordering, denial, old_faults, warnings};
use crate::domain::assess::{Missing, Since};
use crate::domain::binding::BindingKind;
use crate::domain::companion_set::CompanionSet;
use crate::domain::conclude::{Because, Fault};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::domain::text::needs_escape;

const ABOUT: About<'_> = About {
    kind: BindingKind::RoleBinding,
    namespace: Some("dev"),
    name: "vm-users",
    ordering: Ordering::Silent,
    dry_run: false,
};

fn missing<'a>(identity: Identity<'a>, lacks: &[usize], since: Since) -> Missing<'a> {
    Missing {
        identity,
        lacks: lacks.iter().copied().collect::<CompanionSet>(),
        since,
    }
}

fn lacking<'a>(identity: Identity<'a>, lacks: &[usize]) -> Missing<'a> {
    missing(identity, lacks, Since::ThisChange)
}

fn fault<'p, 'b>(policy: &'p Policy, missing: Vec<Missing<'b>>) -> Fault<'p, 'b> {
    Fault {
        persona: &policy.personas[0],
        role: "spectro-vm-user",
        missing,
        ordered: Vec::new(),
        because: Because::Action,
    }
}

#[test]
fn a_denial_names_each_subject_what_it_lacks_and_the_commands_that_mend_it() {
    let policy = Policy::built_in();
    let builder = Identity::ServiceAccount {
        namespace: "ci",
        name: "builder",
    };
    let fault = fault(
        &policy,
        vec![
            lacking(Identity::User("alice@example.com"), &[0, 1]),
            missing(Identity::User("old"), &[0], Since::Before),
            lacking(Identity::Group("Team Blue"), &[1]),
            lacking(builder, &[0]),
            lacking(Identity::ServiceAccountsOf("ci"), &[1]),
        ],
    );
    insta::assert_snapshot!(denial(&policy, ABOUT, &fault), @r#"
    RoleBinding dev/vm-users grants spectro-vm-user to subjects that lack companions, without which the VM console does not work:
      User alice@example.com lacks spectro-list-namespaces, spectro-list-vmtemplates
      Group "Team Blue" lacks spectro-list-vmtemplates
      ServiceAccount ci/builder lacks spectro-list-namespaces
      Group system:serviceaccounts:ci lacks spectro-list-vmtemplates
    Companions are ClusterRoleBindings. Add them, then try again:
      kubectl create clusterrolebinding spectro-list-namespaces-ae69d794 --clusterrole=spectro-list-namespaces --user=alice@example.com --serviceaccount=ci:builder
      kubectl create clusterrolebinding spectro-list-vmtemplates-26286852 --clusterrole=spectro-list-vmtemplates --user=alice@example.com --group='Team Blue' --group=system:serviceaccounts:ci
    If they are in the same file or chart, they must come before this binding.
    A companion bound to a group does not count for its members, since Kubernetes does not know who they are.
    "#);
    insta::assert_snapshot!(old_faults(&policy, ABOUT, &fault).join("\n"), @"RoleBinding dev/vm-users: User old lacks spectro-list-namespaces; it did so before this change");
}

#[test]
fn more_than_five_subjects_are_counted_and_commands_are_for_those_that_are_named() {
    let policy = Policy::built_in();
    let names: Vec<String> = (1..=7).map(|number| format!("user-{number}")).collect();
    let all = names.iter().map(|name| lacking(Identity::User(name), &[0]));
    let message = denial(&policy, ABOUT, &fault(&policy, all.collect()));
    assert!(
        message.contains("\n  User user-5 lacks spectro-list-namespaces\n  and 2 more subjects\n")
    );
    assert!(message.contains("--user=user-5\n"), "{message}");
    assert!(!message.contains("user-6"));
}

#[test]
fn hostile_names_are_escaped_and_cut() {
    let policy = Policy::built_in();
    let long = "x".repeat(64 * 1024);
    let all = vec![
        lacking(Identity::User("a\n\u{1b}[2Jb\u{202e}c"), &[0]),
        lacking(Identity::User("nul\0"), &[0]),
        lacking(Identity::User(&long), &[0]),
    ];
    let about = About {
        name: "\u{9b}\u{200b}",
        ..ABOUT
    };
    let message = denial(&policy, about, &fault(&policy, all));
    assert!(message.lines().all(|line| !line.chars().any(needs_escape)));
    assert!(message.len() < 4_096, "{}", message.len());
    assert!(
        message.contains(r#"User "a\u{a}\u{1b}[2Jb\u{202e}c" lacks"#),
        "{message}"
    );
    assert!(message.contains("… (65536 characters) lacks"), "{message}");
    assert!(message.contains("use a manifest for them"), "{message}");
    assert!(
        message.contains(r"--user=$'a\012\033[2Jb\342\200\256c'"),
        "{message}"
    );
}

#[test]
fn a_binding_that_asks_for_its_companions_is_told_that_there_will_be_none() {
    let policy = Policy::built_in();
    let about = About {
        ordering: Ordering::Futile(
            "The annotation bindguard.dev/provision has no effect: for a reason.",
        ),
        ..ABOUT
    };
    let fault = fault(&policy, vec![lacking(Identity::Group("devs"), &[0])]);
    let said = "The annotation bindguard.dev/provision has no effect";
    assert!(denial(&policy, about, &fault).contains(said));
    assert!(!denial(&policy, ABOUT, &fault).contains(said));
    assert!(
        warnings(&policy, about, &fault)
            .last()
            .unwrap()
            .contains(said)
    );
}

#[test]
fn a_binding_whose_companions_could_be_made_is_told_how() {
    let policy = Policy::built_in();
    let about = About {
        ordering: Ordering::Possible,
        ..ABOUT
    };
    let fault = fault(&policy, vec![lacking(Identity::Group("devs"), &[0])]);
    let message = denial(&policy, about, &fault);
    insta::assert_snapshot!(
        message.lines().last().unwrap(),
        @r#"Or have them made: set the annotation bindguard.dev/provision: "true" on this binding. That takes the right to create clusterrolebindings and the verb bind on every companion, in the whole cluster."#
    );
    assert_eq!(
        warnings(&policy, about, &fault),
        warnings(&policy, ABOUT, &fault)
    );
}

#[test]
fn what_is_ordered_is_told_and_not_what_it_lacks() {
    let policy = Policy::built_in();
    let mut fault = fault(&policy, Vec::new());
    fault.ordered = vec![lacking(Identity::User("alice"), &[0, 1])];
    fault.because = Because::Order;
    let dry_run = About {
        dry_run: true,
        ..ABOUT
    };
    let told = [
        warnings(&policy, ABOUT, &fault).join("\n"),
        warnings(&policy, dry_run, &fault).join("\n"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    RoleBinding dev/vm-users: spectro-list-namespaces, spectro-list-vmtemplates will be bound to User alice, as ordered
    RoleBinding dev/vm-users: spectro-list-namespaces, spectro-list-vmtemplates would be bound to User alice, as ordered
    ");
}

#[test]
fn warnings_say_who_lacks_what_and_why_it_passed() {
    let policy = Policy::built_in();
    let mut fault = fault(&policy, vec![lacking(Identity::User("alice"), &[0, 1])]);
    let mut told = Vec::new();
    for because in [Because::Action, Because::Ratchet, Because::DryRun] {
        fault.because = because;
        told.extend(warnings(&policy, ABOUT, &fault).first().cloned());
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    RoleBinding dev/vm-users: User alice lacks spectro-list-namespaces, spectro-list-vmtemplates
    RoleBinding dev/vm-users: User alice lacks spectro-list-namespaces, spectro-list-vmtemplates; it did so before this change
    RoleBinding dev/vm-users: User alice lacks spectro-list-namespaces, spectro-list-vmtemplates; without the dry run this is refused
    ");
}
