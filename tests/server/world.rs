//! A running server, the folder that is its cluster, and somebody who asks it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::client::{Call, Client, Connection, Protocol, Reply};
use super::contract;
use super::support::{Bindguard, Serve, eventually, fresh_folder};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_bindguard");

/// Alice holds both companions, Team Blue too, Carol one of them.
pub(crate) const COMPANIONS: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: list-namespaces}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-list-namespaces}
subjects:
- {kind: User, name: alice}
- {kind: User, name: carol}
- {kind: Group, name: Team Blue}
- {kind: ServiceAccount, namespace: dev, name: pipeline}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: list-vmtemplates}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-list-vmtemplates}
subjects:
- {kind: User, name: alice}
- {kind: Group, name: Team Blue}
- {kind: ServiceAccount, namespace: dev, name: pipeline}
";

/// Both companions for one user.
pub(crate) fn companions_of(user: &str) -> String {
    ["spectro-list-namespaces", "spectro-list-vmtemplates"]
        .map(|role| {
            format!(
                "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n\
                 metadata: {{name: {user}-{role}}}\n\
                 roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n\
                 subjects: [{{kind: User, name: {user}}}]\n"
            )
        })
        .concat()
}

/// A policy with this under `spec`.
pub(crate) fn policy(spec: &str) -> String {
    format!(
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nmetadata: {{name: test}}\nspec: {{{spec}}}\n"
    )
}

pub(crate) struct World {
    folder: PathBuf,
    pub(crate) bindguard: Bindguard,
    pub(crate) client: Client,
}

/// What the server said of a review.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    pub(crate) message: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) annotations: Value,
}

impl Verdict {
    fn of(response: &Value) -> Self {
        let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
        Self {
            allowed: response["allowed"].as_bool().unwrap(),
            message: response["status"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            warnings: warnings
                .iter()
                .map(|text| text.as_str().unwrap().to_owned())
                .collect(),
            annotations: response["auditAnnotations"].clone(),
        }
    }

    /// `allow`, `warn`, `audit` or `deny`, with what goes with each.
    #[track_caller]
    pub(crate) fn decision(&self) -> &str {
        let decision = self.annotations["decision"].as_str().unwrap_or("allow");
        assert_eq!(self.allowed, decision != "deny", "{self:?}");
        assert_eq!(self.message.is_empty(), self.allowed, "{self:?}");
        match decision {
            "allow" | "audit" => assert!(self.warnings.is_empty(), "{self:?}"),
            "warn" => assert!(!self.warnings.is_empty(), "{self:?}"),
            _ => {}
        }
        assert_eq!(self.annotations.is_null(), decision == "allow", "{self:?}");
        decision
    }
}

impl World {
    /// With [`COMPANIONS`] and the built-in policy.
    pub(crate) fn new() -> Self {
        Self::with(None, &[])
    }

    pub(crate) fn with_policy(policy: &str) -> Self {
        Self::with(Some(policy), &[])
    }

    pub(crate) fn with(policy: Option<&str>, arguments: &[&str]) -> Self {
        let folder = fresh_folder("world");
        fs::create_dir(folder.join("manifests")).unwrap();
        fs::write(folder.join("manifests/companions.yaml"), COMPANIONS).unwrap();
        let manifests = folder.join("manifests");
        let mut serve = Serve::new(BINARY)
            .args(&["--manifests", manifests.to_str().unwrap()])
            .args(arguments);
        if let Some(policy) = policy {
            fs::write(folder.join("policy.yaml"), policy).unwrap();
            serve = serve.policy(folder.join("policy.yaml"));
        }
        let bindguard = serve.start();
        let ca = fs::read_to_string(bindguard.authority_file()).unwrap();
        let client = Client::new(address(&bindguard), &ca);
        Self {
            folder,
            bindguard,
            client,
        }
    }

    /// Replaces a file in one step, as editors and kubelet do.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.folder.join(name);
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, path).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn connect(&self) -> Connection {
        self.client.connect(Protocol::Http2).unwrap()
    }

    /// Asks `/validate`, and holds the answer against the contract.
    #[track_caller]
    pub(crate) fn ask(&self, review: &Value) -> Verdict {
        let call = Call::post("/validate?timeout=10s", review.to_string());
        let reply = self.connect().send(call).unwrap();
        verdict(review, &reply)
    }

    /// The same for many at a time, which then share the reads that confirm what is missing.
    #[track_caller]
    pub(crate) fn ask_all(&self, reviews: &[Value]) -> Vec<Verdict> {
        let calls = reviews
            .iter()
            .map(|review| Call::post("/validate?timeout=10s", review.to_string()))
            .collect();
        let replies = self.client.all(Protocol::Http2, calls);
        let answered = reviews.iter().zip(&replies);
        answered
            .map(|(review, reply)| verdict(review, reply))
            .collect()
    }

    /// The value of a series in `/metrics`, such as `bindguard_decisions_total{decision="deny"}`.
    #[track_caller]
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let (status, text) = self.bindguard.admin("/metrics").unwrap();
        assert_eq!(status, 200);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("no {series} in\n{text}"));
        value
            .parse()
            .unwrap_or_else(|error| panic!("{error}: {value}"))
    }

    /// Nothing went wrong in the server so far: it runs, and nothing in it panicked.
    #[track_caller]
    pub(crate) fn check_health(&self) {
        let log = self.bindguard.stderr();
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains(r#""level":"ERROR""#), "{log}");
        let process = Path::new("/proc").join(self.bindguard.id().to_string());
        assert!(process.exists(), "it is gone\n{log}");
        assert_eq!(
            self.bindguard.admin("/livez").unwrap(),
            (200, "ok\n".to_owned())
        );
    }
}

pub(crate) fn address(bindguard: &Bindguard) -> SocketAddr {
    bindguard
        .url()
        .strip_prefix("https://")
        .unwrap()
        .parse()
        .unwrap()
}

#[track_caller]
pub(crate) fn verdict(review: &Value, reply: &Reply) -> Verdict {
    assert_eq!(reply.status, 200, "{review}\n{:?}", reply.body);
    let answer = reply.json();
    contract::check(review, &answer, true);
    Verdict::of(&answer["response"])
}

/// Waits until a condition holds; fails the test if it does not within this time.
#[track_caller]
pub(crate) fn within(seconds: u64, what: &str, mut condition: impl FnMut() -> bool) {
    let held = eventually(Duration::from_secs(seconds), || condition().then_some(()));
    assert!(held.is_some(), "not within {seconds} s: {what}");
}
