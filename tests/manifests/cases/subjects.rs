//! Who a subject is, however it is written.

use super::case::{Case, case, check};
use super::{ALICE, BUILDER, binding, companions, role_binding};

#[test]
fn subjects_in_manifests() {
    check("subjects", &cases());
}

pub(super) fn cases() -> Vec<Case> {
    let joined = |parts: &[String]| parts.join("---\n");
    let one = |subject: &str| role_binding("spectro-vm-user", &[subject]);
    vec![
        case(
            "a ServiceAccount and its user name are the same",
            joined(&[
                companions(&["{kind: User, name: 'system:serviceaccount:ci:builder'}"]),
                one(BUILDER),
            ]),
        ),
        case(
            "and the other way round",
            joined(&[
                companions(&[BUILDER]),
                one("{kind: User, name: 'system:serviceaccount:ci:builder'}"),
            ]),
        ),
        case(
            "a user name in the form of a ServiceAccount is of that kind",
            role_binding(
                "view",
                &[
                    "{kind: User, name: 'system:serviceaccount:ci:builder'}",
                    ALICE,
                ],
            ),
        ),
        case(
            "a ServiceAccount without a namespace has that of the RoleBinding",
            joined(&[
                companions(&["{kind: ServiceAccount, name: builder, namespace: dev}"]),
                role_binding(
                    "spectro-vm-user",
                    &[
                        "{kind: ServiceAccount, name: builder}",
                        "{kind: ServiceAccount, name: other}",
                    ],
                ),
            ]),
        ),
        case(
            "a RoleBinding that names no namespace is in default",
            binding(
                "RoleBinding",
                "{name: vm}",
                "spectro-vm-user",
                &["{kind: ServiceAccount, name: builder}"],
            ),
        ),
        case(
            "or in the one that is given",
            binding(
                "RoleBinding",
                "{name: vm}",
                "spectro-vm-user",
                &["{kind: ServiceAccount, name: builder}"],
            ),
        )
        .with(&["--namespace", "team"]),
        case(
            "a namespace that is given does not count for a RoleBinding that names its own",
            role_binding(
                "spectro-vm-user",
                &["{kind: ServiceAccount, name: builder}"],
            ),
        )
        .with(&["--namespace", "kube-system"]),
        case(
            "a RoleBinding that names no namespace may be in an exempt one",
            binding("RoleBinding", "{name: vm}", "spectro-vm-user", &[ALICE]),
        )
        .with(&["--namespace", "kube-system"]),
        case(
            "an apiGroup that is written out, empty or absent is the same",
            joined(&[
                companions(&[
                    "{apiGroup: rbac.authorization.k8s.io, kind: User, name: a}",
                    "{apiGroup: '', kind: User, name: b}",
                ]),
                role_binding(
                    "spectro-vm-user",
                    &[
                        "{kind: User, name: a}",
                        "{kind: User, name: b}",
                        "{apiGroup: '', kind: User, name: c}",
                    ],
                ),
            ]),
        ),
        case(
            "a subject that stands twice is found once, where it stands first",
            role_binding("spectro-vm-user", &[ALICE, BUILDER, ALICE, ALICE]),
        ),
        case(
            "names are compared exactly",
            joined(&[
                companions(&["{kind: User, name: Alice}", "{kind: User, name: 'alice '}"]),
                one(ALICE),
            ]),
        ),
        case(
            "a User and a Group of one name are two",
            joined(&[companions(&[ALICE]), one("{kind: Group, name: alice}")]),
        ),
        case(
            "a namespace on a User means nothing",
            joined(&[
                companions(&[ALICE]),
                one("{kind: User, name: alice, namespace: dev}"),
            ]),
        ),
        case(
            "a binding whose name is yet to be generated",
            binding(
                "RoleBinding",
                "{generateName: vm-, namespace: dev}",
                "view",
                &[ALICE],
            ),
        ),
        case(
            "names that a terminal would act on",
            role_binding(
                "spectro-vm-user",
                &[
                    r#"{kind: User, name: "\e[31mred"}"#,
                    r#"{kind: User, name: "\u202Ereversed"}"#,
                    r#"{kind: Group, name: "two\nlines"}"#,
                ],
            ),
        ),
        case(
            "nobody in particular is covered by no group",
            joined(&[
                companions(&["{kind: Group, name: 'system:authenticated'}"]),
                role_binding(
                    "view",
                    &[
                        "{kind: User, name: 'system:anonymous'}",
                        "{kind: Group, name: 'system:unauthenticated'}",
                        ALICE,
                    ],
                ),
            ]),
        ),
    ]
}
