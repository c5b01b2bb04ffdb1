//! The built-in policy.

use serde_json::{Value, json};

use super::{Case, by_policy_test, case, check, cluster_role_binding, role_binding};
use crate::objects::{self, BOTH, NAMESPACES, TEMPLATES, account, account_here, group, user};
use crate::stage::stage;

const VM_USER: &str = "spectro-vm-user";

#[test]
fn every_case_of_the_built_in_policy_comes_out_as_its_sentence_says() {
    let stage = stage();
    by_policy_test::check(None, &stage.cases, &[]);
    check(stage.plane, &stage.cases);
}

pub(crate) fn cases() -> Vec<Case> {
    [
        users(),
        groups(),
        service_accounts(),
        several_subjects(),
        kubernetes_roles(),
        cluster_wide(),
        no_persona(),
        updates(),
        cluster_wide_updates(),
        deletions(),
    ]
    .concat()
}

fn alice() -> Value {
    user("alice@case")
}

fn bob() -> Value {
    user("bob@case")
}

fn devs() -> Value {
    group("Devs of alice@case")
}

fn robot() -> Value {
    account("case-ns", "robot")
}

/// The same account by its other name.
fn robot_as_user() -> Value {
    user("system:serviceaccount:case-ns:robot")
}

fn namespace_accounts() -> Value {
    group("system:serviceaccounts:case-ns")
}

const ALICE: &str = "User alice@case";
const BOB: &str = "User bob@case";
const DEVS: &str = "Group \"Devs of alice@case\"";
const ROBOT: &str = "ServiceAccount case-ns/robot";

fn users() -> Vec<Case> {
    vec![
        case("a user without companions becomes no spectro-vm-user")
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user without companions becomes no spectro-vm-admin")
            .created(&role_binding("spectro-vm-admin", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user without companions becomes no spectro-vm-power-user")
            .created(&role_binding("spectro-vm-power-user", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user without companions becomes no spectro-vm-viewer")
            .created(&role_binding("spectro-vm-viewer", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user with both companions becomes a VM user")
            .holds_both(&alice())
            .created(&role_binding(VM_USER, [alice()]))
            .accepted(),
        case("a user who lists namespaces alone lacks the other companion")
            .holds(NAMESPACES, [alice()])
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, TEMPLATES)]),
        case("a user who lists templates alone lacks the other companion")
            .holds(TEMPLATES, [alice()])
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, NAMESPACES)]),
        case("companions that one binding gives to several users cover each of them")
            .holds(NAMESPACES, [bob(), devs(), alice()])
            .holds(TEMPLATES, [alice(), alice(), robot()])
            .created(&role_binding(VM_USER, [alice()]))
            .accepted(),
        case("a user's name in another case is another user's")
            .holds_both(&user("Alice@case"))
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user's name with a space at its end is another user's")
            .holds_both(&alice())
            .created(&role_binding(VM_USER, [user("alice@case ")]))
            .refused([("User \"alice@case \"", BOTH)]),
        case("a companion by RoleBinding covers nobody")
            .given(&objects::role_binding(
                "case-ns",
                "here",
                NAMESPACES,
                [alice()],
            ))
            .given(&objects::role_binding(
                "case-ns",
                "there",
                TEMPLATES,
                [alice()],
            ))
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a role whose name merely begins like a companion's is none")
            .holds("spectro-list-namespaces-too", [alice()])
            .holds("Spectro-List-VMTemplates", [alice()])
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user who may do everything still needs companions")
            .holds("platform-admin", [alice()])
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a group's companions do not count for a user")
            .holds_both(&devs())
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("the companions of a group do not count for a user of the same name")
            .holds_both(&group("alice@case"))
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user name that only begins like a ServiceAccount's is a user's")
            .created(&role_binding(
                VM_USER,
                [user("system:serviceaccount:robot@case")],
            ))
            .refused([("User system:serviceaccount:robot@case", BOTH)]),
        case("a name with quotes, a dollar and a backslash is shown and quoted")
            .created(&role_binding(VM_USER, [user("$(id) `x` \\ @case")]))
            .refused([("User \"$(id) `x` \\ @case\"", BOTH)]),
    ]
}

fn groups() -> Vec<Case> {
    vec![
        case("a group without companions becomes no VM user")
            .created(&role_binding(VM_USER, [devs()]))
            .refused([(DEVS, BOTH)]),
        case("a group with both companions becomes a VM user")
            .holds_both(&devs())
            .created(&role_binding(VM_USER, [devs()]))
            .accepted(),
        case("a group with one companion lacks the other")
            .holds(TEMPLATES, [devs()])
            .created(&role_binding(VM_USER, [devs()]))
            .refused([(DEVS, NAMESPACES)]),
        case("a group's name in another case is another group's")
            .holds_both(&group("devs of Alice@case"))
            .created(&role_binding(VM_USER, [devs()]))
            .refused([(DEVS, BOTH)]),
        case("a user's companions do not count for a group of the same name")
            .holds_both(&alice())
            .created(&role_binding(VM_USER, [group("alice@case")]))
            .refused([("Group alice@case", BOTH)]),
        case("the group of everybody needs companions like any other")
            .created(&role_binding(VM_USER, [group("system:authenticated")]))
            .refused([("Group system:authenticated", BOTH)]),
        case("the group of all ServiceAccounts needs companions like any other")
            .created(&role_binding(VM_USER, [group("system:serviceaccounts")]))
            .refused([("Group system:serviceaccounts", BOTH)]),
        case("the group of a namespace's ServiceAccounts needs companions like any other")
            .created(&role_binding(VM_USER, [namespace_accounts()]))
            .refused([("Group system:serviceaccounts:case-ns", BOTH)]),
        case("the group of a namespace's ServiceAccounts with companions becomes a VM user")
            .holds_both(&namespace_accounts())
            .created(&role_binding(VM_USER, [namespace_accounts()]))
            .accepted(),
        case("the group of unauthenticated users needs companions like any other")
            .created(&role_binding(VM_USER, [group("system:unauthenticated")]))
            .refused([("Group system:unauthenticated", BOTH)]),
        case("the administrators whom Kubernetes itself knows are exempt")
            .created(&role_binding(
                VM_USER,
                [group("system:masters"), group("kubeadm:cluster-admins")],
            ))
            .accepted(),
        case("a user by the name of the exempt group is not exempt")
            .created(&role_binding(VM_USER, [user("system:masters")]))
            .refused([("User system:masters", BOTH)]),
    ]
}

fn service_accounts() -> Vec<Case> {
    vec![
        case("a ServiceAccount without companions becomes no VM user")
            .created(&role_binding(VM_USER, [robot()]))
            .refused([(ROBOT, BOTH)]),
        case("a ServiceAccount with both companions becomes a VM user")
            .holds_both(&robot())
            .created(&role_binding(VM_USER, [robot()]))
            .accepted(),
        case("a ServiceAccount with one companion lacks the other")
            .holds(NAMESPACES, [robot()])
            .created(&role_binding(VM_USER, [robot()]))
            .refused([(ROBOT, TEMPLATES)]),
        case("a ServiceAccount without a namespace is one of the binding's namespace")
            .created(&role_binding(VM_USER, [account_here("robot")]))
            .refused([(ROBOT, BOTH)]),
        case("a ServiceAccount without a namespace is covered as one of the binding's namespace")
            .holds_both(&robot())
            .created(&role_binding(VM_USER, [account_here("robot")]))
            .accepted(),
        case("a ServiceAccount of another namespace is another one")
            .holds_both(&account("default", "robot-case-ns"))
            .created(&role_binding(VM_USER, [account_here("robot-case-ns")]))
            .refused([("ServiceAccount case-ns/robot-case-ns", BOTH)]),
        case("a User in the ServiceAccount form is that ServiceAccount")
            .created(&role_binding(VM_USER, [robot_as_user()]))
            .refused([(ROBOT, BOTH)]),
        case("a User in the ServiceAccount form is covered by the ServiceAccount's companions")
            .holds_both(&robot())
            .created(&role_binding(VM_USER, [robot_as_user()]))
            .accepted(),
        case("a ServiceAccount is covered by companions in the User form")
            .holds_both(&robot_as_user())
            .created(&role_binding(VM_USER, [robot()]))
            .accepted(),
        case("a ServiceAccount may hold one companion in each form")
            .holds(NAMESPACES, [robot_as_user()])
            .holds(TEMPLATES, [robot()])
            .created(&role_binding(VM_USER, [account_here("robot")]))
            .accepted(),
        case("the group of its namespace covers a ServiceAccount")
            .holds_both(&namespace_accounts())
            .created(&role_binding(VM_USER, [robot(), account_here("other")]))
            .accepted(),
        case("the group of its namespace covers a ServiceAccount in the User form")
            .holds_both(&namespace_accounts())
            .created(&role_binding(VM_USER, [robot_as_user()]))
            .accepted(),
        case("the group of its namespace may give one companion and the account hold the other")
            .holds(NAMESPACES, [namespace_accounts()])
            .holds(TEMPLATES, [robot()])
            .created(&role_binding(VM_USER, [robot()]))
            .accepted(),
        case("the group of its namespace with one companion leaves the other lacking")
            .holds(TEMPLATES, [namespace_accounts()])
            .created(&role_binding(VM_USER, [robot()]))
            .refused([(ROBOT, NAMESPACES)]),
        case("the group of another namespace covers no ServiceAccount of this one")
            .holds_both(&group("system:serviceaccounts:case-ns-2"))
            .created(&role_binding(VM_USER, [robot()]))
            .refused([(ROBOT, BOTH)]),
        case("the group of a namespace's ServiceAccounts does not cover a user")
            .holds_both(&namespace_accounts())
            .created(&role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
    ]
}

fn several_subjects() -> Vec<Case> {
    let users = |count: usize| -> Vec<Value> {
        (1..=count)
            .map(|n| user(&format!("user-{n}@case")))
            .collect()
    };
    vec![
        case("subjects of all kinds that are covered pass together")
            .holds(NAMESPACES, [alice(), devs(), robot()])
            .holds(TEMPLATES, [devs(), robot_as_user(), alice()])
            .created(&role_binding(VM_USER, [alice(), devs(), robot()]))
            .accepted(),
        case("one uncovered subject among covered ones is named alone")
            .holds_both(&alice())
            .holds_both(&robot())
            .created(&role_binding(VM_USER, [alice(), devs(), robot()]))
            .refused([(DEVS, BOTH)]),
        case("each subject is told what it lacks itself")
            .holds(NAMESPACES, [alice(), robot()])
            .holds(TEMPLATES, [bob(), robot()])
            .created(&role_binding(VM_USER, [bob(), alice(), robot(), devs()]))
            .refused([(BOB, NAMESPACES), (ALICE, TEMPLATES), (DEVS, BOTH)]),
        case("a subject that is written twice is named once")
            .created(&role_binding(VM_USER, [alice(), alice()]))
            .refused([(ALICE, BOTH)]),
        case("a ServiceAccount in all its spellings is named once")
            .created(&role_binding(
                VM_USER,
                [robot_as_user(), account_here("robot"), robot()],
            ))
            .refused([(ROBOT, BOTH)]),
        case("a user and a group of one name are two subjects")
            .created(&role_binding(VM_USER, [alice(), group("alice@case")]))
            .refused([(ALICE, BOTH), ("Group alice@case", BOTH)]),
        case("five subjects are named in full")
            .created(&role_binding(VM_USER, users(5)))
            .refused([
                ("User user-1@case", BOTH),
                ("User user-2@case", BOTH),
                ("User user-3@case", BOTH),
                ("User user-4@case", BOTH),
                ("User user-5@case", BOTH),
            ]),
        case("of more than five subjects the rest is counted")
            .created(&role_binding(VM_USER, users(7)))
            .refused([
                ("User user-1@case", BOTH),
                ("User user-2@case", BOTH),
                ("User user-3@case", BOTH),
                ("User user-4@case", BOTH),
                ("User user-5@case", BOTH),
                ("and 2 more subjects", ""),
            ]),
        case("a persona binding without subjects binds nobody")
            .created(&role_binding(VM_USER, []))
            .accepted(),
        case("a persona binding whose subjects are null binds nobody")
            .created(&with(role_binding(VM_USER, []), "/subjects", Value::Null))
            .accepted(),
    ]
}

fn kubernetes_roles() -> Vec<Case> {
    vec![
        case("a user without companions becomes no cluster-admin of a namespace")
            .created(&role_binding("cluster-admin", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user without companions becomes no admin of a namespace")
            .created(&role_binding("admin", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user without companions gets no edit in a namespace")
            .created(&role_binding("edit", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user without companions gets no view of a namespace")
            .created(&role_binding("view", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user with both companions gets view of a namespace")
            .holds_both(&alice())
            .created(&role_binding("view", [alice()]))
            .accepted(),
        case("a group with one companion gets no edit in a namespace")
            .holds(NAMESPACES, [devs()])
            .created(&role_binding("edit", [devs()]))
            .refused([(DEVS, TEMPLATES)]),
        case("a ServiceAccount needs no companions for Kubernetes' own roles")
            .created(&role_binding(
                "cluster-admin",
                [robot(), account_here("other")],
            ))
            .accepted(),
        case("a ServiceAccount in the User form needs no companions for them either")
            .created(&role_binding("admin", [robot_as_user()]))
            .accepted(),
        case("a user beside a ServiceAccount is named alone")
            .created(&role_binding("view", [robot(), alice(), robot_as_user()]))
            .refused([(ALICE, BOTH)]),
        case("a group of ServiceAccounts is a group")
            .created(&role_binding("view", [namespace_accounts()]))
            .refused([("Group system:serviceaccounts:case-ns", BOTH)]),
    ]
}

fn cluster_wide() -> Vec<Case> {
    vec![
        case("a user without companions becomes no VM user cluster-wide")
            .created(&cluster_role_binding(VM_USER, [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user with both companions becomes a VM user cluster-wide")
            .holds_both(&alice())
            .created(&cluster_role_binding(VM_USER, [alice()]))
            .accepted(),
        case("a user with one companion lacks the other cluster-wide")
            .holds(TEMPLATES, [alice()])
            .created(&cluster_role_binding("spectro-vm-viewer", [alice()]))
            .refused([(ALICE, NAMESPACES)]),
        case("a group without companions becomes no VM administrator cluster-wide")
            .created(&cluster_role_binding("spectro-vm-admin", [devs()]))
            .refused([(DEVS, BOTH)]),
        case("a ServiceAccount without companions becomes no VM user cluster-wide")
            .created(&cluster_role_binding("spectro-vm-power-user", [robot()]))
            .refused([(ROBOT, BOTH)]),
        case("a ServiceAccount that its namespace's group covers becomes a VM user cluster-wide")
            .holds_both(&namespace_accounts())
            .created(&cluster_role_binding(VM_USER, [robot(), robot_as_user()]))
            .accepted(),
        case("a user without companions becomes no cluster-admin")
            .created(&cluster_role_binding("cluster-admin", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a user with both companions becomes cluster-admin")
            .holds_both(&alice())
            .created(&cluster_role_binding("cluster-admin", [alice()]))
            .accepted(),
        case("a group without companions gets no view of the cluster")
            .created(&cluster_role_binding("view", [devs(), robot()]))
            .refused([(DEVS, BOTH)]),
        case("a ServiceAccount becomes cluster-admin without companions")
            .created(&cluster_role_binding("cluster-admin", [robot()]))
            .accepted(),
    ]
}

fn no_persona() -> Vec<Case> {
    let role = |name: &str| {
        let binding = role_binding(name, [alice()]);
        with(binding, "/roleRef/kind", json!("Role"))
    };
    vec![
        case("the first companion itself can be bound")
            .created(&cluster_role_binding(NAMESPACES, [alice()]))
            .accepted(),
        case("the second companion itself can be bound")
            .created(&cluster_role_binding(TEMPLATES, [devs(), robot()]))
            .accepted(),
        case("a companion in a namespace can be bound, though it is of no use")
            .created(&role_binding(NAMESPACES, [alice()]))
            .accepted(),
        case("another ClusterRole can be bound")
            .created(&role_binding("system:basic-user", [alice()]))
            .accepted(),
        case("another ClusterRole can be bound cluster-wide")
            .created(&cluster_role_binding("platform-admin", [alice()]))
            .accepted(),
        case("a Role by a persona's name is no persona")
            .created(&role(VM_USER))
            .accepted(),
        case("a Role by the name of one of Kubernetes' own is no persona")
            .created(&role("admin"))
            .accepted(),
        case("a ClusterRole whose name begins like a persona's is none")
            .created(&role_binding("spectro-vm-users", [alice()]))
            .accepted(),
        case("a ClusterRole by a persona's name in another case is none")
            .created(&role_binding("Spectro-VM-User", [alice()]))
            .accepted(),
        case("in kube-system nothing is judged")
            .created(&objects::role_binding(
                "kube-system",
                "it-case-ns",
                VM_USER,
                [alice()],
            ))
            .accepted(),
    ]
}

fn updates() -> Vec<Case> {
    vec![
        case("a covered user can be added to a sound binding")
            .holds_both(&alice())
            .holds_both(&bob())
            .exists(&role_binding(VM_USER, [alice()]))
            .replaced(&role_binding(VM_USER, [alice(), bob()]))
            .accepted(),
        case("an uncovered user cannot be added to a sound binding")
            .holds_both(&alice())
            .holds(NAMESPACES, [bob()])
            .exists(&role_binding(VM_USER, [alice()]))
            .replaced(&role_binding(VM_USER, [alice(), bob()]))
            .refused([(BOB, TEMPLATES)]),
        case(
            "an uncovered user added to a broken binding is named alone, the old one in a warning",
        )
        .exists(&role_binding(VM_USER, [alice()]))
        .replaced(&role_binding(VM_USER, [bob(), alice()]))
        .refused([(BOB, BOTH)])
        .warned_of_old([(ALICE, BOTH)]),
        case("a covered user can be added to a broken binding, with a warning about the old one")
            .holds_both(&bob())
            .exists(&role_binding(VM_USER, [alice()]))
            .replaced(&role_binding(VM_USER, [alice(), bob()]))
            .accepted()
            .warned_of_old([(ALICE, BOTH)]),
        case("the first subject of a binding without any must be covered")
            .exists(&role_binding(VM_USER, []))
            .replaced(&role_binding(VM_USER, [devs()]))
            .refused([(DEVS, BOTH)]),
        case("an uncovered subject can be removed, and nothing is left to warn of")
            .holds_both(&bob())
            .exists(&role_binding(VM_USER, [alice(), bob()]))
            .replaced(&role_binding(VM_USER, [bob()]))
            .accepted(),
        case("a covered subject can be removed from a broken binding")
            .holds_both(&bob())
            .exists(&role_binding(VM_USER, [alice(), bob()]))
            .replaced(&role_binding(VM_USER, [alice()]))
            .accepted()
            .warned_of_old([(ALICE, BOTH)]),
        case("all subjects can be removed")
            .exists(&role_binding(VM_USER, [alice(), devs()]))
            .replaced(&role_binding(VM_USER, []))
            .accepted(),
        case("an uncovered subject cannot be exchanged for another")
            .exists(&role_binding(VM_USER, [alice()]))
            .replaced(&role_binding(VM_USER, [bob()]))
            .refused([(BOB, BOTH)]),
        case("an uncovered user cannot become a group of the same name")
            .exists(&role_binding(VM_USER, [alice()]))
            .replaced(&role_binding(VM_USER, [group("alice@case")]))
            .refused([("Group alice@case", BOTH)]),
        case("a covered user's name cannot change its case")
            .holds_both(&alice())
            .exists(&role_binding(VM_USER, [alice()]))
            .replaced(&role_binding(VM_USER, [user("Alice@case")]))
            .refused([("User Alice@case", BOTH)]),
        case("an uncovered ServiceAccount may change its spelling, since it stays who it is")
            .exists(&role_binding(VM_USER, [robot_as_user()]))
            .replaced(&role_binding(VM_USER, [account_here("robot")]))
            .accepted()
            .warned_of_old([(ROBOT, BOTH)]),
        case("uncovered subjects may change their order and be doubled")
            .holds(TEMPLATES, [devs()])
            .exists(&role_binding(VM_USER, [alice(), devs()]))
            .replaced(&role_binding(VM_USER, [devs(), alice(), devs()]))
            .accepted()
            .warned_of_old([(DEVS, NAMESPACES), (ALICE, BOTH)]),
        case("a label on a sound binding passes without a word")
            .holds_both(&alice())
            .exists(&role_binding(VM_USER, [alice()]))
            .labelled()
            .accepted(),
        case("a label on a broken binding passes with a warning")
            .holds(NAMESPACES, [alice()])
            .exists(&role_binding(VM_USER, [alice()]))
            .labelled()
            .accepted()
            .warned_of_old([(ALICE, TEMPLATES)]),
        case("a user cannot be added to a binding of cluster-admin to a ServiceAccount")
            .exists(&role_binding("cluster-admin", [robot()]))
            .replaced(&role_binding("cluster-admin", [robot(), alice()]))
            .refused([(ALICE, BOTH)]),
        case("a ServiceAccount can be added to a broken binding of view")
            .exists(&role_binding("view", [alice()]))
            .replaced(&role_binding("view", [alice(), robot()]))
            .accepted()
            .warned_of_old([(ALICE, BOTH)]),
    ]
}

fn cluster_wide_updates() -> Vec<Case> {
    vec![
        case("an uncovered group cannot be added cluster-wide")
            .holds_both(&alice())
            .exists(&cluster_role_binding(VM_USER, [alice()]))
            .replaced(&cluster_role_binding(VM_USER, [alice(), devs()]))
            .refused([(DEVS, BOTH)]),
        case("a covered ServiceAccount can be added cluster-wide")
            .holds_both(&alice())
            .holds_both(&robot())
            .exists(&cluster_role_binding(VM_USER, [alice()]))
            .replaced(&cluster_role_binding(VM_USER, [alice(), robot()]))
            .accepted(),
        case("a label on a broken cluster-wide binding passes with a warning")
            .exists(&cluster_role_binding("admin", [devs()]))
            .labelled()
            .accepted()
            .warned_of_old([(DEVS, BOTH)]),
        case("an uncovered subject can be removed cluster-wide")
            .exists(&cluster_role_binding(VM_USER, [alice(), devs()]))
            .replaced(&cluster_role_binding(VM_USER, [alice()]))
            .accepted()
            .warned_of_old([(ALICE, BOTH)]),
        case("subjects of a companion binding can change")
            .exists(&cluster_role_binding(TEMPLATES, [alice(), devs()]))
            .replaced(&cluster_role_binding(TEMPLATES, [devs(), bob()]))
            .accepted(),
    ]
}

fn deletions() -> Vec<Case> {
    vec![
        case("a broken binding can be deleted")
            .exists(&role_binding(VM_USER, [alice(), robot()]))
            .deleted()
            .accepted(),
        case("a sound binding can be deleted")
            .holds_both(&alice())
            .exists(&role_binding("edit", [alice()]))
            .deleted()
            .accepted(),
        case("a broken cluster-wide binding can be deleted")
            .exists(&cluster_role_binding("cluster-admin", [alice()]))
            .deleted()
            .accepted(),
        case("a companion binding can be deleted")
            .exists(&cluster_role_binding(NAMESPACES, [alice()]))
            .deleted()
            .accepted(),
    ]
}

/// The object with another value at a path.
fn with(mut object: Value, path: &str, value: Value) -> Value {
    *object.pointer_mut(path).expect("the path exists") = value;
    object
}
