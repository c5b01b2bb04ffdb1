//! Kubeconfig files, one for each identity.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ControlPlane;
use super::user::{ADMIN, User};
use super::{fresh_folder, unique};

/// A kubeconfig of a test, with another port of 127.0.0.1 for the API server's.
pub fn by_way_of(port: u16, kubeconfig: &Path) -> PathBuf {
    let text = fs::read_to_string(kubeconfig).expect("a kubeconfig that was written");
    let mut config: Value = serde_json::from_str(&text).expect("it is JSON");
    config["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{port}").into();
    let file = fresh_folder("by-way-of").join("kubeconfig");
    fs::write(&file, config.to_string()).expect("a kubeconfig can be written");
    file
}

impl ControlPlane {
    /// The kubeconfig of a user, who comes into being by being asked for.
    pub fn kubeconfig(&self, user: impl Into<User>) -> PathBuf {
        let user = user.into();
        let mut known = self
            .kubeconfigs
            .lock()
            .expect("writing a kubeconfig has not panicked");
        let file = known.entry(user).or_insert_with_key(|user| {
            let pair = self.authority.client(user);
            let folder = self.folder.join(unique("user"));
            fs::create_dir(&folder).expect("a folder for the user's certificate");
            let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
            fs::write(&certificate, pair.certificate)
                .expect("the user's certificate can be written");
            fs::write(&key, pair.key).expect("the user's key can be written");
            self.write_kubeconfig(&json!({"client-certificate": certificate, "client-key": key}))
        });
        file.clone()
    }

    /// The kubeconfig of a ServiceAccount that exists already, good for a day.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> PathBuf {
        let args = [
            "create",
            "token",
            name,
            "--namespace",
            namespace,
            "--duration",
            "24h",
        ];
        let token = self.kubectl(ADMIN, &args).expect_success();
        self.write_kubeconfig(&json!({"token": token.trim()}))
    }

    fn write_kubeconfig(&self, credentials: &Value) -> PathBuf {
        // JSON is YAML, so no name or path needs quoting here.
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "test",
                "cluster": {"server": self.url(), "certificate-authority": self.authority_file()},
            }],
            "users": [{"name": "test", "user": credentials}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        });
        let file = self.folder.join(format!("{}.kubeconfig", unique("user")));
        fs::write(&file, config.to_string()).expect("a kubeconfig can be written");
        file
    }
}
