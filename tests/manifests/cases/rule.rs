//! What is judged, and what covers.

use super::case::{Case, case, check, files};
use super::{
    ALICE, BOB, BUILDER, DEVS, NAMESPACES, TEMPLATES, binding, cluster_role_binding, companions,
    role_binding,
};

#[test]
fn the_rule_on_manifests() {
    check("rule", &cases());
}

pub(super) fn cases() -> Vec<Case> {
    let joined = |parts: &[String]| parts.join("---\n");
    vec![
        case(
            "nothing is held",
            role_binding("spectro-vm-user", &[ALICE, DEVS, BUILDER]),
        ),
        case(
            "both companions in the same file",
            joined(&[
                companions(&[ALICE]),
                role_binding("spectro-vm-user", &[ALICE]),
            ]),
        ),
        case(
            "companions that come after the binding count as well",
            joined(&[
                role_binding("spectro-vm-user", &[ALICE]),
                companions(&[ALICE]),
            ]),
        ),
        files(
            "companions in another file count as well",
            &[
                ("a.yaml", role_binding("spectro-vm-user", &[ALICE])),
                ("b/c.yaml", companions(&[ALICE])),
            ],
        ),
        case(
            "one companion of two",
            joined(&[
                cluster_role_binding(TEMPLATES, &[ALICE, BOB]),
                cluster_role_binding(NAMESPACES, &[BOB]),
                role_binding("spectro-vm-admin", &[ALICE, BOB]),
            ]),
        ),
        case(
            "a RoleBinding to a companion gives nothing",
            joined(&[
                cluster_role_binding(TEMPLATES, &[ALICE]),
                binding(
                    "RoleBinding",
                    "{name: a, namespace: dev}",
                    NAMESPACES,
                    &[ALICE],
                ),
                role_binding("view", &[ALICE]),
            ]),
        ),
        case(
            "a persona by ClusterRoleBinding",
            cluster_role_binding("cluster-admin", &[ALICE, BUILDER]),
        ),
        case(
            "Kubernetes' own roles need companions for Users and Groups alone",
            role_binding("edit", &[ALICE, DEVS, BUILDER]),
        ),
        case(
            "a role that is no persona",
            role_binding("system:node", &[ALICE]),
        ),
        case(
            "a Role with a persona's name is no persona",
            role_binding("view", &[ALICE]).replace("kind: ClusterRole,", "kind: Role,"),
        ),
        case(
            "a Role with a persona's name, by a policy that judges it",
            role_binding("view", &[ALICE]).replace("kind: ClusterRole,", "kind: Role,"),
        )
        .policy("matchRoles: true"),
        case(
            "a namespace that is exempt",
            binding(
                "RoleBinding",
                "{name: a, namespace: kube-system}",
                "view",
                &[ALICE],
            ),
        ),
        case(
            "a subject that is exempt",
            cluster_role_binding(
                "cluster-admin",
                &["{kind: Group, name: 'system:masters'}", DEVS],
            ),
        ),
        case(
            "a group that Kubernetes hands out covers its members",
            joined(&[
                companions(&["{kind: Group, name: 'system:serviceaccounts:ci'}"]),
                role_binding("spectro-vm-user", &[BUILDER, ALICE]),
            ]),
        ),
        case(
            "any other group covers nobody but itself",
            joined(&[
                companions(&[DEVS]),
                role_binding("spectro-vm-user", &[DEVS, ALICE]),
            ]),
        ),
        case(
            "a policy that only warns",
            role_binding("spectro-vm-user", &[ALICE]),
        )
        .policy("action: Warn"),
        case(
            "the worst comes first, whatever the order of the files",
            joined(&[
                role_binding("view", &[ALICE]),
                binding(
                    "RoleBinding",
                    "{name: b, namespace: dev}",
                    "spectro-vm-user",
                    &[BOB],
                ),
            ]),
        )
        .policy(
            "personas:\n- {name: k, clusterRoles: [view], subjectKinds: [User], action: Audit}\n\
             - {name: vm, clusterRoles: [spectro-vm-user], subjectKinds: [User]}",
        ),
        case(
            "a role that implies a companion",
            joined(&[
                cluster_role_binding("reader", &[ALICE]),
                cluster_role_binding(NAMESPACES, &[ALICE]),
                role_binding("spectro-vm-user", &[ALICE, BOB]),
            ]),
        )
        .policy(
            "companions:\n- {clusterRole: spectro-list-namespaces}\n\
             - {clusterRole: spectro-list-vmtemplates, impliedBy: [reader]}",
        ),
        case(
            "of two bindings of one name the later is what a cluster has",
            joined(&[
                companions(&[ALICE]),
                companions(&[BOB]),
                role_binding("spectro-vm-user", &[ALICE, BOB]),
            ]),
        ),
        case(
            "no subjects, in every way to write that",
            joined(&[
                role_binding("view", &[]),
                role_binding("edit", &[]).replace("subjects:\n", "subjects: []\n"),
                role_binding("admin", &[]).replace("subjects:\n", ""),
            ]),
        ),
    ]
}
