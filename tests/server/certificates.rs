//! Certificates of one's own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::client::{Call, Client, Protocol};
use super::review::{create, role_binding, user};
use super::support::{Serve, fresh_folder};
use super::world::{BINARY, COMPANIONS, address, verdict};

#[test]
fn a_certificate_from_files_is_served_to_whoever_trusts_its_authority() {
    let folder = fresh_folder("certificates");
    let manifests = folder.join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    std::fs::write(manifests.join("companions.yaml"), COMPANIONS).unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let (certificate, key_file) = (folder.join("tls.crt"), folder.join("tls.key"));
    std::fs::write(&certificate, leaf.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();

    let bindguard = Serve::new(BINARY)
        .args(&["--manifests", manifests.to_str().unwrap()])
        .certificate(&certificate, &key_file)
        .start();
    let client = Client::new(address(&bindguard), &authority.pem());
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
