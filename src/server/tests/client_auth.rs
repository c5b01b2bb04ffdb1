//! `--client-ca`: who is taken for the API server.

use axum::http::StatusCode;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::client::{Client, Identity, handshake_as};
use super::running::{H1, H2, PATIENT, Running};
use crate::certificates::client_ca::ClientCa;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn trusted(&self) -> ClientCa {
        ClientCa::from_pem(self.0.pem().as_bytes()).unwrap()
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            chain: vec![CertificateDer::from(certificate)],
            key: PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        }
    }

    fn client(&self) -> Identity {
        self.sign(|_| {})
    }
}

/// Whether a client gets an answer. In TLS 1.3 it is refused after its own handshake, at its first
/// call.
async fn is_answered(server: &Running, identity: Option<Identity>, alpn: &str) -> bool {
    let mut answers = Vec::new();
    for version in [&TLS12, &TLS13] {
        let identity = identity.as_ref().map(Identity::copy);
        let stream = handshake_as(server.webhook, &server.ca, &[alpn], &[version], identity).await;
        let answered = match stream {
            Err(_) => false,
            Ok(stream) => match Client::over(stream, alpn).await {
                Err(_) => false,
                Ok(mut client) => client
                    .post("/validate", "{}")
                    .await
                    .is_ok_and(|reply| reply.status == StatusCode::OK),
            },
        };
        answers.push(answered);
    }
    assert_eq!(answers[0], answers[1], "TLS 1.2 and 1.3 differ");
    answers[0]
}

#[tokio::test]
async fn a_client_whose_certificate_the_authority_signed_is_answered() {
    let authority = Authority::new();
    let server = Running::start_for(PATIENT, Some(&authority.trusted())).await;
    for alpn in [H1, H2] {
        assert!(is_answered(&server, Some(authority.client()), alpn).await);
    }
}

#[tokio::test]
async fn any_other_client_is_refused_and_counted() {
    let authority = Authority::new();
    let server = Running::start_for(PATIENT, Some(&authority.trusted())).await;
    let strangers = [
        ("none", None),
        ("of another authority", Some(Authority::new().client())),
        (
            "expired",
            Some(authority.sign(|params| params.not_after = date_time_ymd(2020, 1, 1))),
        ),
        (
            "for servers",
            Some(authority.sign(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            })),
        ),
    ];
    for (what, identity) in strangers {
        assert!(!is_answered(&server, identity, H2).await, "{what}");
    }
    server.until("bindguard_tls_handshake_errors_total 8").await;
    assert!(is_answered(&server, Some(authority.client()), H2).await);
}

#[tokio::test]
async fn where_nothing_is_demanded_a_certificate_does_no_harm() {
    let server = Running::start(PATIENT).await;
    assert!(is_answered(&server, Some(Authority::new().client()), H2).await);
}

#[tokio::test]
async fn authorities_that_are_replaced_count_from_the_next_connection_on() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = Running::start_for(PATIENT, Some(&old.trusted())).await;
    let stream = handshake_as(
        server.webhook,
        &server.ca,
        &[H2],
        &[&TLS13],
        Some(old.client()),
    )
    .await
    .unwrap();
    let mut open = Client::over(stream, H2).await.unwrap();
    assert!(open.post("/validate", "{}").await.is_ok());
    server.tls.demand(&new.trusted());
    assert!(open.post("/validate", "{}").await.is_ok());
    assert!(!is_answered(&server, Some(old.client()), H2).await);
    assert!(is_answered(&server, Some(new.client()), H2).await);
}
