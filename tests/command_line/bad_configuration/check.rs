//! The flags and files of `bindguard check`.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("nothing to check", "bindguard check").names("--filename"),
        case("an empty path", "bindguard check -f ''").names("--filename"),
        case(
            "a namespace that cannot be one",
            "bindguard check -f folder -n Team_A",
        )
        .names("--namespace"),
        case(
            "a format that no command has",
            "bindguard check -f folder -o xml",
        )
        .names("--output"),
        case(
            "a cluster that is not configured",
            "bindguard check -f folder --cluster",
        )
        .names("--kubeconfig"),
        case(
            "a policy that is missing",
            "bindguard check -f folder --policy missing.yaml",
        )
        .names("missing.yaml"),
    ]
}
