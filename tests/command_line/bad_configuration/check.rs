//! The flags and files of `bindguard check` and `bindguard fix`.

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
        case("nothing to fix", "bindguard fix")
            .names("--filename")
            .names("--cluster"),
        case(
            "the input of a cluster",
            "bindguard fix --cluster --with-input",
        )
        .names("--filename"),
        case(
            "the input and what is applied",
            "bindguard fix -f folder --with-input --cluster --apply",
        )
        .names("--with-input")
        .names("--apply"),
        case(
            "to apply without a cluster",
            "bindguard fix -f folder --apply",
        )
        .names("--cluster"),
        case(
            "an answer to a question that is not asked",
            "bindguard fix --cluster --yes",
        )
        .names("--apply"),
        case(
            "a style that there is not",
            "bindguard fix -f folder --style per-namespace",
        )
        .names("--style"),
        case("a function that is given nothing", "bindguard krm").names("ResourceList"),
    ]
}
