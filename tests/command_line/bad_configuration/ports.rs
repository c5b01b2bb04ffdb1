//! Addresses to listen on.

use std::net::TcpListener;
use std::sync::OnceLock;

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let listen = |title, address| {
        case(title, format!("bindguard serve --listen {address}")).names("--listen")
    };
    let taken = taken_port();
    vec![
        listen("no port", "8443"),
        listen("no port behind the colon", "127.0.0.1:"),
        listen("a port by name", ":https"),
        listen("a port that is too high", ":65536"),
        listen("a port below zero", ":-1"),
        listen("nothing", "''"),
        listen("an IPv4 address with a number too high", "10.0.0.256:8443"),
        listen("an IPv6 address without brackets", "::1:8443"),
        listen("an IPv6 address with a bracket too few", "[::1:8443"),
        listen("a name that is none", "'my host:8443'"),
        listen("a URL", "https://0.0.0.0:8443").names("https://0.0.0.0"),
        case(
            "the admin port likewise",
            "bindguard serve --admin-listen 8080",
        )
        .names("--admin-listen"),
        listen("a name without an address", "nowhere.invalid:8443")
            .names("nowhere.invalid")
            .unstable_after(
                "failed to lookup address information: ",
                "what the resolver says",
            ),
        // TEST-NET-1 of RFC 5737, which no machine has.
        listen("an address of another machine", "192.0.2.1:8443").names("192.0.2.1:8443"),
        case(
            "a port that another program has",
            format!("bindguard serve --listen 127.0.0.1:{taken}"),
        )
        .names("--listen")
        .names("in use")
        .unstable(format!(":{taken}"), ":8443"),
        case(
            "an admin port that another program has",
            format!("bindguard serve --admin-listen 127.0.0.1:{taken}"),
        )
        .names("--admin-listen")
        .names("in use")
        .unstable(format!(":{taken}"), ":8080"),
    ]
}

/// A port that is taken for as long as the tests run.
fn taken_port() -> u16 {
    static HOLDER: OnceLock<TcpListener> = OnceLock::new();
    let holder = HOLDER.get_or_init(|| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    holder
        .local_addr()
        .expect("a bound port has an address")
        .port()
}
