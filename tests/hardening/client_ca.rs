//! `--client-ca`, with a real API server that is told to show its certificate, as
//! `certs/README.md` says.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use serde_json::json;

use super::lab::{BINARY, runtime};
use super::support::{ADMIN, ControlPlane, Serve, fresh_folder};

/// An authority, and a client's certificate that it signed.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = fresh_folder("client-ca");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut client = CertificateParams::default();
        client
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&key, &authority).unwrap();
        fs::write(folder.join("client-ca.crt"), authority.pem()).unwrap();
        fs::write(folder.join("client.crt"), client.pem()).unwrap();
        fs::write(folder.join("client.key"), key.serialize_pem()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The configuration of an API server that shows the certificate to this host.
    fn admission_configuration(&self, host: &str) -> PathBuf {
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "users": [{
                "name": host,
                "user": {
                    "client-certificate": self.path("client.crt"),
                    "client-key": self.path("client.key"),
                },
            }],
        });
        fs::write(self.path("kubeconfig"), kubeconfig.to_string()).unwrap();
        let plugin = |name: &str| {
            json!({
                "name": name,
                "configuration": {
                    "apiVersion": "apiserver.config.k8s.io/v1",
                    "kind": "WebhookAdmissionConfiguration",
                    "kubeConfigFile": self.path("kubeconfig"),
                },
            })
        };
        let configuration = json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AdmissionConfiguration",
            "plugins": [
                plugin("ValidatingAdmissionWebhook"),
                plugin("MutatingAdmissionWebhook"),
            ],
        });
        let path = self.folder.join("admission.yaml");
        fs::write(&path, configuration.to_string()).unwrap();
        path
    }
}

#[test]
fn an_api_server_that_shows_its_certificate_is_answered_and_nobody_else_is() {
    let files = Files::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let bindguard = Serve::new(BINARY)
        .args(&[
            "--manifests",
            examples,
            "--client-ca",
            &files.path("client-ca.crt"),
        ])
        .start();
    let host = bindguard.url().replace("https://", "");
    let configuration = files.admission_configuration(&host);
    let flag = format!(
        "--admission-control-config-file={}",
        configuration.display()
    );
    let plane = ControlPlane::start(&[&flag]);
    let _registration = bindguard.register(&plane);

    let namespace = plane.namespace();
    let create = [
        "create",
        "rolebinding",
        "vm-users",
        "--clusterrole=spectro-vm-user",
        "--user=bob",
        "--namespace",
        &namespace,
    ];
    let refused = plane.kubectl(ADMIN, &create);
    assert!(!refused.succeeded());
    assert!(
        refused.stderr.contains("lacks spectro-list-namespaces"),
        "{refused}"
    );
    let lines = bindguard.audit_lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["caller"], "verified");

    let ca = fs::read_to_string(bindguard.authority_file()).unwrap();
    let endpoint = super::endpoint::Endpoint::new(host.parse().unwrap(), &ca);
    let stranger = runtime().block_on(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        // In TLS 1.3 a client learns that it is refused when it reads.
        let mut stream = endpoint.http1().await?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await?;
        stream.read(&mut [0; 64]).await
    });
    let refusal = stranger.expect_err("it is refused");
    assert!(
        refusal.to_string().contains("CertificateRequired"),
        "{refusal}"
    );
}
