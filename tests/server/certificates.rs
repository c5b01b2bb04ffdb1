//! Certificates of one's own.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::client::{Call, Client, Protocol};
use super::review::{create, role_binding, user};
use super::support::{Serve, fresh_folder};
use super::world::{BINARY, COMPANIONS, address, verdict, within};

/// An authority's certificate, and a pair of its making in these files.
fn make(certificate: &Path, key_file: &Path) -> String {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    std::fs::write(certificate, leaf.pem()).unwrap();
    std::fs::write(key_file, key.serialize_pem()).unwrap();
    authority.pem()
}

#[test]
fn files_that_are_renewed_are_served_within_ten_seconds_and_a_broken_one_never() {
    let folder = fresh_folder("certificates");
    let manifests = folder.join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    std::fs::write(manifests.join("companions.yaml"), COMPANIONS).unwrap();
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    let old = make(&certificate, &key);
    let bindguard = Serve::new(BINARY)
        .args(&["--manifests", manifests.to_str().unwrap()])
        .certificate(&certificate, &key)
        .start();
    let trusts = |authority: &str| {
        let client = Client::new(address(&bindguard), authority);
        client.connect(Protocol::Http2).is_ok()
    };
    let counts = |result: &str| {
        let series = format!("bindguard_certificate_reloads_total{{result=\"{result}\"}} 1\n");
        bindguard.admin("/metrics").unwrap().1.contains(&series)
    };
    std::fs::write(&key, "no key").unwrap();
    within(10, "the broken key is counted", || counts("failed"));
    assert!(trusts(&old));
    let new = make(&certificate, &key);
    within(10, "the new pair is served", || trusts(&new));
    assert!(!trusts(&old));
    within(1, "and counted", || counts("ok"));
}

#[test]
fn a_certificate_from_files_is_served_to_whoever_trusts_its_authority() {
    let folder = fresh_folder("certificates");
    let manifests = folder.join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    std::fs::write(manifests.join("companions.yaml"), COMPANIONS).unwrap();
    let (certificate, key_file) = (folder.join("tls.crt"), folder.join("tls.key"));
    let authority = make(&certificate, &key_file);

    let bindguard = Serve::new(BINARY)
        .args(&["--manifests", manifests.to_str().unwrap()])
        .certificate(&certificate, &key_file)
        .start();
    let client = Client::new(address(&bindguard), &authority);
    let review = create(&role_binding("spectro-vm-user", &[user("alice")]));
    for protocol in Protocol::BOTH {
        let call = Call::post("/validate", review.to_string());
        let reply = client.connect(protocol).unwrap().send(call).unwrap();
        assert!(verdict(&review, &reply).allowed);
    }
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let stranger = Client::new(address(&bindguard), &other.cert.pem());
    assert!(stranger.connect(Protocol::Http2).is_err());
}
