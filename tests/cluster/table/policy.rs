//! A policy that changes what can be changed.

use serde_json::{Value, json};

use super::{Case, by_policy_test, case, check, cluster_role_binding, role_binding, world};
use crate::lab::{lab, policy_file};
use crate::objects::{self, BOTH, NAMESPACES, TEMPLATES, account, account_here, group, user};
use crate::stage::create;

const POLICY: &str = "
matchRoles: true
companions:
- {clusterRole: spectro-list-namespaces, impliedBy: [console-reader]}
- {clusterRole: spectro-list-vmtemplates, impliedBy: [template-reader, console-reader]}
personas:
- {name: vm, clusterRoles: [spectro-vm-user, view], subjectKinds: [User, Group, ServiceAccount]}
- {name: light, clusterRoles: [spectro-vm-viewer], subjectKinds: [User, Group], companions: [spectro-list-namespaces]}
- {name: robots, clusterRoles: [edit], subjectKinds: [ServiceAccount]}
- {name: soft, clusterRoles: [spectro-vm-power-user], subjectKinds: [User], action: Warn}
- {name: silent, clusterRoles: [spectro-vm-admin], subjectKinds: [User], action: Audit}
exempt:
  namespaces: [sandbox]
  subjects:
  - {kind: User, name: root@example.com}
  - {kind: ServiceAccount, namespace: ops, name: agent}
";

#[test]
fn every_case_of_a_policy_of_ones_own_comes_out_as_its_sentence_says() {
    let lab = lab();
    let cases = cases();
    by_policy_test::check(Some(&policy_file(POLICY)), &cases, &[]);
    let mut before = world(&cases);
    before.push(objects::namespace("sandbox"));
    create(&lab.plane, &before);
    let bindguard = lab.bindguard(POLICY);
    let _registration = bindguard.register(&lab.plane);
    check(&lab.plane, &cases);
}

fn alice() -> Value {
    user("alice@case")
}

fn robot() -> Value {
    account("case-ns", "robot")
}

/// A RoleBinding to a Role of this name.
fn to_role(name: &str, subjects: impl Into<Vec<Value>>) -> Value {
    let mut binding = role_binding(name, subjects);
    binding["roleRef"]["kind"] = json!("Role");
    binding
}

const ALICE: &str = "User alice@case";
const ROBOT: &str = "ServiceAccount case-ns/robot";

fn cases() -> Vec<Case> {
    [implied(), roles(), personas(), actions(), exemptions()].concat()
}

fn implied() -> Vec<Case> {
    vec![
        case("a role that implies both companions covers for both")
            .holds("console-reader", [alice()])
            .created(&role_binding("spectro-vm-user", [alice()]))
            .accepted(),
        case("a role that implies one companion leaves the other lacking")
            .holds("template-reader", [alice()])
            .created(&cluster_role_binding("view", [alice()]))
            .refused([(ALICE, NAMESPACES)]),
        case("an implying role and the other companion cover together")
            .holds("template-reader", [alice()])
            .holds(NAMESPACES, [alice()])
            .created(&cluster_role_binding("view", [alice()]))
            .accepted(),
        case("an implying role by RoleBinding covers nobody")
            .given(&objects::role_binding(
                "case-ns",
                "here",
                "console-reader",
                [alice()],
            ))
            .created(&role_binding("spectro-vm-user", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("an implying role covers in either spelling of a ServiceAccount")
            .holds(
                "console-reader",
                [user("system:serviceaccount:case-ns:robot")],
            )
            .created(&role_binding("view", [account_here("robot")]))
            .accepted(),
        case("an implying role bound to the group of the namespace covers")
            .holds("console-reader", [group("system:serviceaccounts:case-ns")])
            .created(&role_binding("view", [robot()]))
            .accepted(),
        case("an implying role can be bound itself")
            .created(&cluster_role_binding("console-reader", [alice()]))
            .accepted(),
    ]
}

fn roles() -> Vec<Case> {
    vec![
        case("a Role by a persona's name is judged like the persona")
            .created(&to_role("spectro-vm-user", [alice()]))
            .refused([(ALICE, BOTH)]),
        case("a Role by the name of one of Kubernetes' own is judged as well")
            .holds(NAMESPACES, [alice()])
            .created(&to_role("view", [alice()]))
            .refused([(ALICE, TEMPLATES)]),
        case("a covered user gets a Role by a persona's name")
            .holds_both(&alice())
            .created(&to_role("spectro-vm-user", [alice()]))
            .accepted(),
        case("a Role by another name is nobody's concern")
            .created(&to_role("spectro-vm-users", [alice()]))
            .accepted(),
        case("a label on an old binding of a Role passes with a warning")
            .exists(&to_role("view", [alice()]))
            .labelled()
            .accepted()
            .warned_of_old([(ALICE, BOTH)]),
    ]
}

fn personas() -> Vec<Case> {
    vec![
        case("a persona with one companion needs that one")
            .created(&role_binding("spectro-vm-viewer", [alice()]))
            .refused([(ALICE, NAMESPACES)]),
        case("a persona with one companion needs no other")
            .holds(NAMESPACES, [alice()])
            .created(&role_binding("spectro-vm-viewer", [alice()]))
            .accepted(),
        case("a persona for users and groups asks nothing of ServiceAccounts")
            .created(&role_binding("spectro-vm-viewer", [robot()]))
            .accepted(),
        case("a persona for ServiceAccounts asks nothing of users")
            .created(&role_binding("edit", [alice(), group("devs@case")]))
            .accepted(),
        case("a persona for ServiceAccounts judges one among users")
            .created(&role_binding("edit", [alice(), robot()]))
            .refused([(ROBOT, BOTH)]),
        case("a persona for ServiceAccounts judges their User form")
            .created(&role_binding(
                "edit",
                [user("system:serviceaccount:case-ns:robot")],
            ))
            .refused([(ROBOT, BOTH)]),
        case("a role that this policy does not name is no persona")
            .created(&cluster_role_binding("cluster-admin", [alice()]))
            .accepted(),
    ]
}

fn actions() -> Vec<Case> {
    vec![
        case("a persona that warns lets its binding pass with a warning")
            .created(&role_binding("spectro-vm-power-user", [alice()]))
            .accepted()
            .warned([(ALICE, BOTH)], ""),
        case("a persona that warns is silent about a covered user")
            .holds_both(&alice())
            .created(&role_binding("spectro-vm-power-user", [alice()]))
            .accepted(),
        case("a persona that audits lets its binding pass silently")
            .created(&role_binding("spectro-vm-admin", [alice()]))
            .recorded(),
    ]
}

fn exemptions() -> Vec<Case> {
    vec![
        case("an exempt user needs no companions, others beside do")
            .created(&role_binding(
                "spectro-vm-user",
                [user("root@example.com"), alice()],
            ))
            .refused([(ALICE, BOTH)]),
        case("an exempt user needs no companions")
            .created(&cluster_role_binding("view", [user("root@example.com")]))
            .accepted(),
        case("an exempt ServiceAccount is exempt in its User form")
            .created(&role_binding(
                "edit",
                [
                    user("system:serviceaccount:ops:agent"),
                    account("ops", "agent"),
                ],
            ))
            .accepted(),
        case("in an exempt namespace nothing is judged")
            .created(&objects::role_binding(
                "sandbox",
                "it-case-ns",
                "spectro-vm-user",
                [alice()],
            ))
            .accepted(),
        case("where the policy names other namespaces, kube-system is judged")
            .created(&objects::role_binding(
                "kube-system",
                "it-case-ns",
                "spectro-vm-user",
                [alice()],
            ))
            .refused([(ALICE, BOTH)]),
        case("where the policy names other subjects, system:masters is judged")
            .created(&role_binding("view", [group("system:masters")]))
            .refused([("Group system:masters", BOTH)]),
    ]
}
