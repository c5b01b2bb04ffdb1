//! Companions bound to the groups of everybody, which cover the whole cluster.

use serde_json::Value;

use super::{Case, by_policy_test, case, check, cluster_role_binding, role_binding, world};
use crate::lab::{Lab, lab, policy_file};
use crate::objects::{self, BOTH, NAMESPACES, TEMPLATES, account, group, user};
use crate::stage::create;
use crate::support::unique;

const VM_USER: &str = "spectro-vm-user";

/// Everybody lists namespaces, and every ServiceAccount lists templates, while the cases run.
fn check_under_umbrellas(spec: &str, cases: &[Case]) {
    let lab = lab();
    let mut world = world(cases);
    let umbrellas = [
        (NAMESPACES, "system:authenticated"),
        (TEMPLATES, "system:serviceaccounts"),
    ]
    .map(|(role, name)| objects::cluster_role_binding(&unique("umbrella"), role, [group(name)]));
    by_policy_test::check(Some(&policy_file(spec)), cases, &umbrellas);
    world.extend(umbrellas);
    create(&lab.plane, &world);
    // Whatever comes of it, since these would cover the subjects of other tests.
    world.retain(|object| object["kind"] == "ClusterRoleBinding");
    let _removed = Removed(&lab, world);

    let bindguard = lab.bindguard(spec);
    let _registration = bindguard.register(&lab.plane);
    check(&lab.plane, cases);
}

/// Deletes objects in the end.
struct Removed<'a>(&'a Lab, Vec<Value>);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        self.0.delete(&self.1);
    }
}

#[test]
fn umbrella_groups_cover_whom_kubernetes_counts_to_them() {
    let robot = account("case-ns", "robot");
    let robot_as_user = user("system:serviceaccount:case-ns:robot");
    check_under_umbrellas(
        "action: Deny",
        &[
            case("everybody's companion covers a user, who lacks the other alone")
                .created(&role_binding(VM_USER, [user("alice@case")]))
                .refused([("User alice@case", TEMPLATES)]),
            case("a user needs to hold only what not everybody holds")
                .holds(TEMPLATES, [user("alice@case")])
                .created(&cluster_role_binding("cluster-admin", [user("alice@case")]))
                .accepted(),
            case("everybody's companion covers a group")
                .created(&role_binding(VM_USER, [group("devs@case")]))
                .refused([("Group devs@case", TEMPLATES)]),
            case("a ServiceAccount is covered by both umbrellas")
                .created(&role_binding(VM_USER, [robot.clone()]))
                .accepted(),
            case("a ServiceAccount in the User form is covered by both umbrellas")
                .created(&cluster_role_binding(VM_USER, [robot_as_user]))
                .accepted(),
            case("the group of a namespace's ServiceAccounts is covered by both umbrellas")
                .created(&role_binding(
                    "view",
                    [group("system:serviceaccounts:case-ns")],
                ))
                .accepted(),
            case("the group of all ServiceAccounts holds one and is covered for the other")
                .created(&role_binding(VM_USER, [group("system:serviceaccounts")]))
                .accepted(),
            case("the group of everybody holds what it holds and nothing else")
                .created(&role_binding(VM_USER, [group("system:authenticated")]))
                .refused([("Group system:authenticated", TEMPLATES)]),
            case("the anonymous user is nobody's member")
                .created(&role_binding(VM_USER, [user("system:anonymous")]))
                .refused([("User system:anonymous", BOTH)]),
            case("unauthenticated users are not authenticated ones")
                .created(&role_binding(VM_USER, [group("system:unauthenticated")]))
                .refused([("Group system:unauthenticated", BOTH)]),
            case("a user whose name only begins like a ServiceAccount's is no ServiceAccount")
                .created(&role_binding(
                    VM_USER,
                    [user("system:serviceaccount:robot@case")],
                ))
                .refused([("User system:serviceaccount:robot@case", TEMPLATES)]),
        ],
    );
}

#[test]
fn umbrella_groups_cover_nobody_but_themselves_where_the_policy_ignores_them() {
    let robot = account("case-ns", "robot");
    check_under_umbrellas(
        "coverage: {umbrellaGroups: Ignore}",
        &[
            case("a user is not covered by everybody's companion")
                .created(&role_binding(VM_USER, [user("alice@case")]))
                .refused([("User alice@case", BOTH)]),
            case("a ServiceAccount is covered by no umbrella")
                .created(&role_binding(VM_USER, [robot.clone()]))
                .refused([("ServiceAccount case-ns/robot", BOTH)]),
            case("a ServiceAccount is not covered by the group of its namespace either")
                .holds_both(&group("system:serviceaccounts:case-ns"))
                .created(&role_binding(VM_USER, [robot.clone()]))
                .refused([("ServiceAccount case-ns/robot", BOTH)]),
            case("what a ServiceAccount holds by its own name counts")
                .holds_both(&robot)
                .created(&role_binding(VM_USER, [robot]))
                .accepted(),
            case("what the group itself holds counts for the group")
                .holds(TEMPLATES, [group("system:authenticated")])
                .created(&role_binding(VM_USER, [group("system:authenticated")]))
                .accepted(),
        ],
    );
}
