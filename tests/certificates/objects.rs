//! What the API server is told of an installation: webhooks, and guards.

use serde_json::{Value, json};

use crate::support::{ADMIN, clean_command, fresh_folder, run};
use crate::world::{BINARY, World};

impl World {
    /// Puts the guards in force, but that of orders, under names of their own.
    pub(crate) fn guard(&self) {
        let mut wanted = vec!["companions.", "webhooks."];
        wanted.extend(self.trust.map(|_| "trust."));
        let printed = self.manifests();
        let guards = printed.into_iter().filter_map(|mut object| {
            let name = object["metadata"]["name"].as_str().expect("a name");
            let own = name.replace("bindguard.dev", &self.name);
            if !wanted.iter().any(|one| own.starts_with(one)) {
                return None;
            }
            if object["spec"].get("policyName").is_some() {
                object["spec"]["policyName"] = own.as_str().into();
            }
            object["metadata"]["name"] = own.into();
            Some(object)
        });
        let guards: Vec<Value> = guards.collect();
        assert_eq!(guards.len(), 2 * wanted.len(), "guards and their bindings");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": guards});
        self.plane.apply(ADMIN, &list.to_string()).expect_success();
    }

    /// What `bindguard manifests` prints for this installation.
    fn manifests(&self) -> Vec<Value> {
        let name = &self.name;
        let mut command = clean_command(BINARY.as_ref(), &fresh_folder("manifests"));
        command.args(["manifests", "--service", &format!("{name}/bindguard")]);
        command.args(["--controller", &format!("{name}/bindguard-controller")]);
        command.args(["--webhook-configuration", name]);
        command.args(["--certificates", self.trust.unwrap_or("self-managed")]);
        let text = run("bindguard manifests".to_owned(), command, "").expect_success();
        serde_saphyr::from_multiple(&text).expect("YAML")
    }

    /// What the API server is told of the webhooks that refuse, without any `caBundle`.
    pub(crate) fn configuration(&self) -> String {
        let [validating, _] = self.configurations_by_service();
        validating.to_string()
    }

    /// Both configurations. Only what happens in this namespace is asked about, so that tests
    /// don't meet.
    fn configurations_by_service(&self) -> [Value; 2] {
        let name = &self.name;
        let mut documents = self.manifests().into_iter();
        [(); 2].map(|()| {
            let mut object = documents.next().expect("two documents");
            for webhook in object["webhooks"].as_array_mut().expect("webhooks") {
                webhook["namespaceSelector"] = json!({
                    "matchLabels": {"kubernetes.io/metadata.name": name},
                });
            }
            object
        })
    }

    /// Registers the webhooks of both configurations, by the URL of the first replica.
    pub(crate) fn register_by_url(&self) {
        for mut object in self.configurations_by_service() {
            for webhook in object["webhooks"].as_array_mut().expect("webhooks") {
                let path = webhook["clientConfig"]["service"]["path"].as_str();
                let url = format!("https://{}:8443{}", self.address(1), path.expect("a path"));
                webhook["clientConfig"] = json!({"url": url});
            }
            self.plane
                .apply(ADMIN, &object.to_string())
                .expect_success();
        }
    }

    /// Registers the webhooks, as Helm does.
    pub(crate) fn register(&self) {
        let args = [
            "apply",
            "--server-side",
            "--field-manager=helm",
            "--filename",
            "-",
        ];
        self.plane
            .kubectl_stdin(ADMIN, &args, &self.configuration())
            .expect_success();
    }
}
