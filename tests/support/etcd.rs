//! What can be asked of etcd behind the API server's back.

use serde_json::{Value, json};

use super::{ControlPlane, http};

impl ControlPlane {
    /// Makes etcd forget every revision but the newest, as the API server does every five minutes:
    /// a watch that goes on from an older one is told that it is gone.
    pub fn compact(&self) {
        // Any key will do; every answer names the revision. Keys are base64.
        let answer = self.ask_etcd("/v3/kv/range", &json!({"key": "AA=="}));
        let revision = &answer["header"]["revision"];
        assert!(revision.is_string(), "no revision in {answer}");
        self.ask_etcd(
            "/v3/kv/compaction",
            &json!({"revision": revision, "physical": true}),
        );
    }

    fn ask_etcd(&self, path: &str, question: &Value) -> Value {
        let (status, body) = http::post(self.etcd_port, path, &question.to_string())
            .unwrap_or_else(|error| panic!("etcd does not answer {path}: {error}"));
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("etcd answers JSON")
    }
}
