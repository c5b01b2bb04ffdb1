//! Words and values on the command line, and the same in the environment.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("a command that does not exist", "bindguard servee").names("servee"),
        case(
            "a command of `policy` that does not exist",
            "bindguard policy chek",
        )
        .names("check"),
        case("`policy` alone", "bindguard policy --output json").names("--output"),
        case(
            "a flag that does not exist",
            "bindguard serve --manifest folder",
        )
        .names("--manifests"),
        case("a word that belongs to no flag", "bindguard serve folder").names("folder"),
        case("a flag without its value", "bindguard serve --policy").names("--policy <FILE>"),
        case("an empty value", "bindguard serve --policy ''").names("--policy <FILE>"),
        case(
            "a flag twice",
            "bindguard serve --log-level info --log-level debug",
        )
        .names("--log-level"),
        case(
            "a folder and a kubeconfig",
            "bindguard serve --manifests folder --kubeconfig admin.conf",
        )
        .names("--kubeconfig"),
        case(
            "a folder and a context",
            "bindguard serve --manifests folder --context prod",
        )
        .names("--context"),
        case(
            "a certificate without its key",
            "bindguard serve --manifests folder --tls-cert tls.crt",
        )
        .names("--tls-key"),
        case(
            "a key without its certificate",
            "bindguard serve --manifests folder --tls-key tls.key",
        )
        .names("--tls-cert"),
        case(
            "a certificate, and a file for the CA of another",
            "bindguard serve --tls-cert tls.crt --tls-key tls.key --write-ca ca.pem",
        )
        .names("--write-ca"),
        case(
            "a log level that does not exist",
            "bindguard serve --log-level loud",
        )
        .names("--log-level")
        .names("warn"),
        case(
            "a log level for a part, that does not exist",
            "bindguard serve --log-level info,kube=loud",
        )
        .names("--log-level")
        .names("kube=loud"),
        case("an empty log level", "bindguard serve --log-level ''").names("--log-level"),
        case(
            "a log format that does not exist",
            "bindguard serve --log-format yaml",
        )
        .names("--log-format"),
        case("a linger without a unit", "bindguard serve --linger 5").names("--linger"),
        case("a linger that is too long", "bindguard serve --linger 1m").names("25s"),
        case(
            "a linger of less than nothing",
            "bindguard serve --linger=-1s",
        )
        .names("--linger"),
        case("a linger that is a word", "bindguard serve --linger long").names("--linger"),
        case(
            "an output that does not exist",
            "bindguard version --output xml",
        )
        .names("table"),
        case(
            "an output that only other commands have",
            "bindguard policy show -o table",
        )
        .names("--output"),
        case("no shell", "bindguard completion").names("<SHELL>"),
        case("a shell that is not known", "bindguard completion tcsh").names("zsh"),
        case("no file to check", "bindguard policy check").names("<FILE>"),
        case("two files to check", "bindguard policy check a.yaml b.yaml").names("b.yaml"),
    ]
}

/// An error must name the variable: whoever reads only of a flag has written none.
pub(crate) fn environment_cases() -> Vec<Case> {
    vec![
        case("an address", "BINDGUARD_LISTEN=8443 bindguard serve").names("BINDGUARD_LISTEN"),
        case(
            "the address of the admin port",
            "BINDGUARD_ADMIN_LISTEN=localhost bindguard serve",
        )
        .names("BINDGUARD_ADMIN_LISTEN"),
        case("a linger", "BINDGUARD_LINGER=30 bindguard serve").names("BINDGUARD_LINGER"),
        case("a log level", "BINDGUARD_LOG_LEVEL=verbose bindguard serve")
            .names("BINDGUARD_LOG_LEVEL"),
        case("a log format", "BINDGUARD_LOG_FORMAT=JSON bindguard serve")
            .names("BINDGUARD_LOG_FORMAT"),
        case("an output", "BINDGUARD_OUTPUT=wide bindguard version").names("BINDGUARD_OUTPUT"),
        case("a variable that is set to nothing", "BINDGUARD_POLICY= bindguard policy show")
            .names("BINDGUARD_POLICY"),
        case(
            "a variable against a flag",
            "BINDGUARD_KUBECONFIG=admin.conf bindguard serve --manifests folder",
        )
        .names("BINDGUARD_KUBECONFIG"),
        case(
            "two variables against each other",
            "BINDGUARD_URL=https://a:1 BINDGUARD_SERVICE=a/b BINDGUARD_CA=ca.pem bindguard manifests",
        )
        .names("BINDGUARD_URL")
        .names("BINDGUARD_SERVICE"),
        case("a certificate without its key", "BINDGUARD_TLS_CERT=tls.crt bindguard serve")
            .names("--tls-key"),
        case("a policy", "BINDGUARD_POLICY=missing.yaml bindguard serve").names("missing.yaml"),
        case("a folder", "BINDGUARD_MANIFESTS=missing bindguard serve").names("missing"),
        case("a URL", "BINDGUARD_URL=host:8443 BINDGUARD_CA=ca.pem bindguard manifests")
            .names("--url"),
        case("a Service", "BINDGUARD_SERVICE=webhook bindguard manifests").names("--service"),
        case("a controller", "BINDGUARD_SERVICE=a/b BINDGUARD_CONTROLLER=a/B bindguard manifests")
            .names("--controller"),
    ]
}
