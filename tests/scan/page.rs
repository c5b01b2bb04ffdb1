//! The controller's page, over HTTP and in a browser.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use crate::world::World;

/// The answer to a GET of this path with this Host and these further headers, head and body.
fn get(world: &World, request: &str) -> (u16, String, String) {
    let address = (Ipv4Addr::LOCALHOST, world.controller.report_port());
    let mut stream = TcpStream::connect(address).expect("the page is served");
    let request = format!("{request}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    (
        status.expect("a status"),
        head.to_lowercase(),
        body.to_owned(),
    )
}

#[test]
fn the_page_is_for_this_machine_alone_and_runs_nothing_but_its_own() {
    let world = World::new();
    for host in [
        "localhost",
        "localhost:8082",
        "LOCALHOST:1",
        "127.0.0.1:8082",
        "127.1.2.3",
        "[::1]:8082",
    ] {
        let (status, head, body) = get(&world, &format!("GET / HTTP/1.1\r\nHost: {host}"));
        assert_eq!(status, 200, "{host}: {head}");
        assert!(body.contains("<h1>bindguard</h1>"), "{host}");
    }
    for host in [
        "",
        "bindguard.example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "example.com:8082",
        "10.0.0.1",
        "[::2]",
        "localhost@example.com",
        "0.0.0.0:8082",
        "127.1",
    ] {
        let (status, head, body) = get(&world, &format!("GET / HTTP/1.1\r\nHost: {host}"));
        assert_eq!(status, 421, "{host}: {head}");
        assert!(
            !body.contains("<h1>") && body.contains("forward a port"),
            "{host}: {body}"
        );
    }
    let (status, _, _) = get(&world, "GET / HTTP/1.0");
    assert_eq!(status, 421);
    let (status, head, _) = get(
        &world,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0",
    );
    assert_eq!(status, 405, "{head}");
    let (status, head, _) = get(&world, "GET /metrics HTTP/1.1\r\nHost: localhost");
    assert_eq!(status, 404, "{head}");

    let (_, head, body) = get(&world, "GET / HTTP/1.1\r\nHost: localhost");
    for line in [
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "; connect-src 'self'; frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: no-referrer",
        "cache-control: no-cache",
        "content-type: text/html; charset=utf-8",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(!head.contains("unsafe"), "{head}");
    assert!(body.contains("id=\"live\""), "{body}");

    let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    let tag = tag.expect("a tag").to_owned();
    let again = format!("GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {tag}");
    assert_eq!(get(&world, &again).0, 304);
    world.take_away();
    world.wait_until(|| world.is_on_page());
    assert_eq!(get(&world, &again).0, 200);
}
