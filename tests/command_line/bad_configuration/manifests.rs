//! The flags of `bindguard manifests`.

use crate::case::{Case, case};
use crate::pems::{CUT_OFF, NO_X509, good};

pub(crate) fn cases() -> Vec<Case> {
    let pair = good();
    let url = |title, url| {
        case(
            title,
            format!("bindguard manifests --url {url} --ca ca.pem"),
        )
        .names("--url")
    };
    let service = |title, service| {
        case(title, format!("bindguard manifests --service {service}")).names("--service")
    };
    let ca = |title, contents: &str| {
        case(
            title,
            "bindguard manifests --url https://10.0.0.5:8443 --ca ca.pem",
        )
        .file("ca.pem", contents)
        .unshown()
        .names("--ca")
        .names("ca.pem")
    };
    vec![
        case("neither URL nor Service", "bindguard manifests")
            .names("--url")
            .names("--service"),
        case(
            "both",
            "bindguard manifests --url https://10.0.0.5:8443 --service a/b --ca ca.pem",
        )
        .names("--service"),
        case(
            "a URL without a CA",
            "bindguard manifests --url https://10.0.0.5:8443",
        )
        .names("--ca"),
        url("a URL without its scheme", "10.0.0.5:8443"),
        url("a URL of plain HTTP", "http://10.0.0.5:8443"),
        url("a URL with a path", "https://10.0.0.5:8443/validate"),
        url("a URL with a query", "https://10.0.0.5:8443?timeout=5s"),
        url("a URL with a fragment", "https://10.0.0.5:8443#validate"),
        url("a URL with a user", "https://admin@10.0.0.5:8443"),
        url("a URL without a host", "https://:8443"),
        url("a URL of nothing but its scheme", "https://"),
        url(
            "a URL with a port that is too high",
            "https://10.0.0.5:84430",
        ),
        url("a URL with an empty port", "https://10.0.0.5:"),
        url("a URL with a space", "'https://10.0.0.5: 8443'"),
        service("a Service without its namespace", "webhook"),
        service("a Service with a port", "bindguard/webhook:443"),
        service("a Service with three parts", "bindguard/webhook/443"),
        service("a Service without a name", "bindguard/"),
        service("a Service in upper case", "Bindguard/webhook"),
        case(
            "a CA that is missing",
            "bindguard manifests --url https://10.0.0.5:8443 --ca missing.pem",
        )
        .names("missing.pem"),
        case(
            "a CA that is a folder",
            "bindguard manifests --url https://10.0.0.5:8443 --ca folder",
        )
        .names("folder"),
        ca("an empty CA", ""),
        ca("a CA that is not PEM", "0\u{1}\u{2}"),
        ca("a CA that breaks off", CUT_OFF),
        ca("a CA that is no X.509", NO_X509),
        ca("a key for a CA", &pair.key),
        ca(
            "a CA with its key",
            &format!("{}{}", pair.certificate, pair.key),
        )
        .names("private key"),
        case(
            "a controller without its namespace",
            "bindguard manifests --service a/b --controller controller",
        )
        .names("--controller"),
        case(
            "a name that no webhook configuration can have",
            "bindguard manifests --service a/b --webhook-configuration 'a b'",
        )
        .names("--webhook-configuration"),
        case(
            "a policy that is missing",
            "bindguard manifests --service bindguard/webhook --policy missing.yaml",
        )
        .names("missing.yaml"),
    ]
}
