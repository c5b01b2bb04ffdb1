use axum::http::StatusCode;
use rustls::version::{TLS12, TLS13};

use super::super::body::MAX_BODY_BYTES;
use super::super::run::{Server, ServerError};
use super::client::{Client, handshake};
use super::running::{H1, H2, PATIENT, Running, certificate};

#[tokio::test]
async fn both_versions_of_http_are_answered_over_tls() {
    let server = Running::start(PATIENT).await;
    for alpn in [H1, H2] {
        let mut client = server.client(alpn).await;
        for body in ["first", "second"] {
            let reply = client.post("/validate?timeout=10s", body).await.unwrap();
            assert_eq!(reply.status, StatusCode::OK);
            assert_eq!(reply.headers["content-type"], "application/json");
            assert_eq!(reply.headers["content-length"], body.len().to_string());
            assert!(!reply.headers.contains_key("connection"));
            assert_eq!(reply.body, body);
        }
    }
}

#[tokio::test]
async fn the_largest_body_passes_whole_over_both() {
    let server = Running::start(PATIENT).await;
    for alpn in [H1, H2] {
        let body = vec![b'x'; MAX_BODY_BYTES];
        let reply = server
            .client(alpn)
            .await
            .post("/validate", body)
            .await
            .unwrap();
        assert_eq!(
            (reply.status, reply.body.len()),
            (StatusCode::OK, MAX_BODY_BYTES)
        );
    }
}

#[tokio::test]
async fn a_client_that_sends_too_much_learns_why() {
    let server = Running::start(PATIENT).await;
    for alpn in [H1, H2] {
        for (path, words) in [
            ("/validate", "larger than 7 MiB"),
            ("/x", "nothing at this path"),
        ] {
            let body = vec![b'x'; 3 * MAX_BODY_BYTES];
            let mut client = server.client(alpn).await;
            let reply = client.post(path, body).await.unwrap();
            let message = String::from_utf8_lossy(&reply.body);
            assert!(message.contains(words), "{alpn} {path}: {message}");
            assert!(
                client.post("/validate", "{}").await.is_ok(),
                "{alpn} {path}"
            );
        }
    }
}

#[tokio::test]
async fn http_2_is_chosen_where_the_client_knows_it() {
    let server = Running::start(PATIENT).await;
    for (offered, chosen) in [
        (vec![H1, H2], Some(H2)),
        (vec![H1], Some(H1)),
        (vec![], None),
    ] {
        for version in [&TLS12, &TLS13] {
            let stream = handshake(server.webhook, &server.ca, &offered, &[version])
                .await
                .unwrap();
            let (_, connection) = stream.get_ref();
            let alpn = connection
                .alpn_protocol()
                .map(|alpn| str::from_utf8(alpn).unwrap());
            assert_eq!(alpn, chosen, "{offered:?}");
            assert_eq!(connection.protocol_version(), Some(version.version));
        }
    }
}

#[tokio::test]
async fn a_client_that_trusts_another_ca_is_counted_and_others_are_served() {
    let server = Running::start(PATIENT).await;
    let stranger = certificate().ca_pem;
    assert!(
        Client::connect(server.webhook, &stranger, H2)
            .await
            .is_err()
    );
    server.until("bindguard_tls_handshake_errors_total 1").await;
    let reply = server
        .client(H2)
        .await
        .post("/validate", "{}")
        .await
        .unwrap();
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_certificate_that_is_replaced_is_shown_from_the_next_connection_on() {
    let server = Running::start(PATIENT).await;
    let mut before = server.client(H2).await;
    let new = certificate();
    server.certificate.replace(new.pair);
    assert!(before.post("/validate", "{}").await.is_ok());
    assert!(
        Client::connect(server.webhook, &server.ca, H2)
            .await
            .is_err()
    );
    assert!(
        Client::connect(server.webhook, &new.ca_pem, H2)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_call_that_panics_harms_no_other_on_its_connection() {
    let server = Running::start(PATIENT).await;
    for alpn in [H1, H2] {
        let mut client = server.client(alpn).await;
        let reply = client.post("/mutate", "no number").await.unwrap();
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        let reply = client.post("/validate", "{}").await.unwrap();
        assert_eq!(reply.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_connection_counts_while_it_is_open() {
    let server = Running::start(PATIENT).await;
    let mut client = server.client(H2).await;
    client.post("/validate", "{}").await.unwrap();
    server.until("bindguard_connections 1").await;
    drop(client);
    server.until("bindguard_connections 0").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_flag_and_address() {
    let free = "127.0.0.1:0".parse().unwrap();
    let holder = Server::bind(&free, &free).await.unwrap();
    let taken = holder.admin_address();
    for (listen, admin, flag) in [
        (taken.to_string(), free.to_string(), "--listen"),
        (free.to_string(), taken.to_string(), "--admin-listen"),
    ] {
        let error = Server::bind(&listen.parse().unwrap(), &admin.parse().unwrap())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot listen on {taken} ({flag})")
        );
        assert!(matches!(error, ServerError::Bind { source, .. }
            if source.kind() == std::io::ErrorKind::AddrInUse));
    }
}
