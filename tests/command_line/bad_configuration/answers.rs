//! What an API server answers, or something in its place.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::case::{Case, case};

const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"RESOURCE is forbidden: User \"lead\" cannot VERB resource \"RESOURCE\" in API group \"GROUP\" at the cluster scope"}"#;
const UNAUTHORIZED: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#;
const BUSY: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too many requests, please try again later","reason":"TooManyRequests","code":429}"#;

/// Something at a port of 127.0.0.1 that answers every request like this, for as long as the tests
/// run.
fn answering(status: &'static str, body: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n")
                && connection.read(&mut byte).is_ok_and(|read| read > 0)
            {
                head.extend(byte);
            }
            // Whoever asked may be gone.
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    port
}

/// A command and a cluster at an address.
fn at(title: &'static str, command: &str, server: &str) -> Case {
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n\
         contexts: [{{name: dev, context: {{cluster: dev, user: dev}}}}]\n\
         clusters: [{{name: dev, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: dev, user: {{token: t}}}}]\n"
    );
    case(title, format!("{command} --kubeconfig admin.conf"))
        .file("admin.conf", kubeconfig)
        .unshown()
}

/// A command of somebody who may not do something.
fn forbidden(title: &'static str, command: &str, [verb, resource, group]: [&str; 3]) -> Case {
    let body = FORBIDDEN
        .replace("VERB", verb)
        .replace("RESOURCE", resource)
        .replace("GROUP", group);
    let port = answering("403 Forbidden", &body);
    at(title, command, &format!("http://127.0.0.1:{port}")).names("forbidden")
}

const RBAC: &str = "rbac.authorization.k8s.io";
const REGISTRATION: &str = "admissionregistration.k8s.io";

pub(crate) fn cases() -> Vec<Case> {
    let bindings = ["list", "clusterrolebindings", RBAC];
    let at_port = |title, status, body: &str| {
        let port = answering(status, body);
        at(title, "bindguard scan", &format!("http://127.0.0.1:{port}"))
    };
    let tls = answering("200 OK", "{}");
    // Bound and never listened to by anybody else: a connection to it is refused.
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let refused = closed.local_addr().expect("it is bound").port();
    drop(closed);
    vec![
        forbidden("to scan without the right", "bindguard scan", bindings),
        forbidden(
            "to explain without the right",
            "bindguard explain --user alice",
            bindings,
        ),
        forbidden(
            "to check beside a cluster without the right",
            "bindguard check -f folder --cluster",
            bindings,
        ),
        forbidden(
            "to fix a cluster without the right",
            "bindguard fix --cluster",
            bindings,
        ),
        forbidden("to prune without the right", "bindguard prune", bindings),
        forbidden(
            "to read denials without any right",
            "bindguard denials",
            ["get", "configmaps", ""],
        ),
        forbidden(
            "to read denials of a namespace without any right",
            "bindguard denials -n red",
            ["list", "events", "events.k8s.io"],
        ),
        forbidden(
            "to rotate certificates without the right",
            "bindguard certs rotate",
            ["get", "secrets", ""],
        ),
        forbidden(
            "to unregister without the right",
            "bindguard unregister",
            ["delete", "validatingwebhookconfigurations", REGISTRATION],
        ),
        at_port(
            "an API server that does not know who calls",
            "401 Unauthorized",
            UNAUTHORIZED,
        )
        .names("Unauthorized"),
        at_port("an API server that is busy", "429 Too Many Requests", BUSY).names("too many"),
        at_port(
            "something else than an API server",
            "200 OK",
            "<html>Welcome</html>",
        ),
        at_port(
            "a proxy that finds no API server",
            "502 Bad Gateway",
            "<html>Bad Gateway</html>",
        )
        .names("502"),
        at(
            "nobody at the address",
            "bindguard scan",
            &format!("https://127.0.0.1:{refused}"),
        )
        .names("refused")
        .unstable(format!(":{refused}"), ":6443"),
        at(
            "an address that does not speak TLS",
            "bindguard scan",
            &format!("https://127.0.0.1:{tls}"),
        )
        .unstable(format!(":{tls}"), ":6443"),
        at(
            "a name without an address",
            "bindguard scan",
            "https://nowhere.invalid:6443",
        )
        .names("lookup")
        .unstable_after(
            "failed to lookup address information: ",
            "what the resolver says",
        ),
    ]
}
