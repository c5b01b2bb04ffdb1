//! The serving certificate, and where the CA of a self-signed one goes.

use crate::case::{Case, case};
use crate::pems::{CUT_OFF, ENCRYPTED_KEY, NO_X509, expired, good};

pub(crate) fn cases() -> Vec<Case> {
    let (pair, other, old) = (good(), good(), expired());
    let serve = |title, certificate: &str, key: &str| {
        case(
            title,
            "bindguard serve --manifests folder --tls-cert tls.crt --tls-key tls.key",
        )
        .file("tls.crt", certificate)
        .file("tls.key", key)
        .unshown()
    };
    let client_ca = |title, text: &str| {
        case(
            title,
            "bindguard serve --manifests folder --client-ca client-ca.crt",
        )
        .file("client-ca.crt", text)
        .unshown()
        .names("client CA file \"client-ca.crt\"")
    };
    let both = format!("{}{}", pair.certificate, other.certificate);
    vec![
        case(
            "a certificate that is missing",
            "bindguard serve --manifests folder --tls-cert missing.crt --tls-key tls.key",
        )
        .names("missing.crt"),
        case(
            "a key that is missing",
            "bindguard serve --manifests folder --tls-cert tls.crt --tls-key missing.key",
        )
        .file("tls.crt", &pair.certificate)
        .unshown()
        .names("missing.key"),
        case(
            "a certificate that is a folder",
            "bindguard serve --manifests folder --tls-cert folder --tls-key tls.key",
        )
        .names("folder"),
        case(
            "a key that may not be read",
            "bindguard serve --manifests folder --tls-cert tls.crt --tls-key locked.yaml",
        )
        .file("tls.crt", &pair.certificate)
        .unshown()
        .names("locked.yaml"),
        serve("an empty certificate", "", &pair.key).names("tls.crt"),
        serve("an empty key", &pair.certificate, "").names("tls.key"),
        serve("a certificate that is not PEM", "0\u{1}\u{2}", &pair.key).names("tls.crt"),
        serve("a certificate that breaks off", CUT_OFF, &pair.key).names("tls.crt"),
        serve("a certificate that is no X.509", NO_X509, &pair.key).names("tls.crt"),
        serve("a key that is not PEM", &pair.certificate, "0\u{1}\u{2}").names("tls.key"),
        serve("an encrypted key", &pair.certificate, ENCRYPTED_KEY)
            .names("tls.key")
            .names("encrypted"),
        serve("certificate and key swapped", &pair.key, &pair.certificate).names("tls.crt"),
        serve(
            "the certificate twice",
            &pair.certificate,
            &pair.certificate,
        )
        .names("tls.key"),
        serve(
            "the key of another certificate",
            &pair.certificate,
            &other.key,
        )
        .names("tls.crt")
        .names("tls.key"),
        serve("a chain in the wrong order", &both, &other.key).names("first"),
        serve("a certificate that has expired", &old.certificate, &old.key)
            .names("expired at 2020-01-01")
            .unstable_after("and now it is ", "NOW"),
        case(
            "a CA file in a folder that is missing",
            "bindguard serve --manifests folder --write-ca missing/ca.pem",
        )
        .names("missing/ca.pem"),
        case(
            "a CA file in a folder that is read-only",
            "bindguard serve --manifests folder --write-ca read-only/ca.pem",
        )
        .names("read-only/ca.pem"),
        case(
            "a CA file that is a folder",
            "bindguard serve --manifests folder --write-ca folder",
        )
        .names("folder"),
        case(
            "a client CA that is missing",
            "bindguard serve --manifests folder --client-ca missing.crt",
        )
        .names("missing.crt"),
        client_ca("an empty client CA", ""),
        client_ca("a client CA that is a key", &pair.key).names("no certificate"),
        client_ca("a client CA that breaks off", CUT_OFF),
        client_ca("a client CA that is no X.509", NO_X509),
    ]
}

pub(crate) fn managed_cases() -> Vec<Case> {
    let controller = |title, flags: &str| {
        case(
            title,
            format!("bindguard controller {flags}")
                .trim_end()
                .to_owned(),
        )
    };
    vec![
        controller(
            "a certificate that would outlive its CA",
            "--ca-lifetime 24h --certificate-lifetime 48h",
        )
        .names("--certificate-lifetime"),
        controller("a CA that does not live long enough", "--ca-lifetime 59s")
            .names("--ca-lifetime"),
        controller("a lifetime that is none", "--certificate-lifetime soon")
            .names("--certificate-lifetime"),
        controller(
            "a name that no certificate can be for",
            "--dns-name *.example.com",
        )
        .names("--dns-name")
        .names("*.example.com"),
        controller("certificates of an unknown kind", "--certificates mine")
            .names("--certificates"),
        controller("a Service of an impossible name", "--service a/b").names("--service"),
        controller("an empty namespace", "--bindguard-namespace=").names("--bindguard-namespace"),
        controller("a controller without a cluster", "").names("--kubeconfig"),
        controller(
            "a controller with a missing policy",
            "--policy missing.yaml",
        )
        .names("missing.yaml"),
        case(
            "a certificate of a file and of a Secret",
            "bindguard serve --tls-cert a --tls-key b --tls-secret c",
        )
        .names("--tls-secret"),
        case(
            "a certificate of a Secret where there is no cluster",
            "bindguard serve --manifests folder --tls-secret bindguard-tls",
        )
        .names("--tls-secret"),
        case(
            "the authority of a certificate that somebody else made",
            "bindguard serve --tls-secret bindguard-tls --write-ca ca.pem",
        )
        .names("--write-ca"),
        case(
            "trust of webhook configurations where there is no cluster",
            "bindguard serve --manifests folder --verify-ca-bundle",
        )
        .names("--verify-ca-bundle"),
        case(
            "a Secret of an impossible name",
            "bindguard serve --tls-secret Bindguard_TLS",
        )
        .names("--tls-secret"),
        case("certificates of no cluster", "bindguard certs check").names("--kubeconfig"),
        case("a group of nobody", "bindguard certs show --as-group devs").names("--as"),
        case(
            "a wait that is to last and not to be",
            "bindguard certs rotate --no-wait --timeout 5m",
        )
        .names("--no-wait"),
        case(
            "an unreadable length of a wait",
            "bindguard certs rotate --timeout forever",
        )
        .names("--timeout"),
    ]
}
