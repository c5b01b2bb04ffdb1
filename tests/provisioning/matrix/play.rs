//! A case tried: the binding as it was before, what the requester sends, and what is stored then.

use std::collections::BTreeMap;
use std::time::Duration;

use bindguard::domain::identity::Identity;
use bindguard::kubernetes::client::{ClientOptions, connect};
use bindguard::provisioning::guard::epoch::EpochValue;
use bindguard::provisioning::order::Order;
use bindguard::telemetry::clock;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};

use super::case::{Case, Kind, REQUESTERS, Regime, Requester, Sent};
use super::ground::{COVERED, EXEMPT, NAMESPACE, SOURCES, user_of};
use super::model::{WHO_ORDERED, signer};
use crate::stage::PROVISION;
use crate::support::{ADMIN, ControlPlane};
use crate::world::{ORDER, ORDERED_BY, user};

/// For whom the orders are that stay on bindings whose subjects change.
pub(super) const KEPT_FOR: &str = "who-was-there-before";
/// How often a request is sent anew that nobody decided.
const ATTEMPTS: usize = 5;

/// A case with names of its own.
pub(super) struct Trial {
    pub(super) case: Case,
    /// The binding's name.
    name: String,
    /// Whom the requester binds.
    pub(super) subject: String,
}

impl Trial {
    pub(super) fn new(number: usize, case: Case) -> Self {
        let subject = match case.regime {
            Regime::Covered => COVERED.to_owned(),
            _ => format!("subject-{number}"),
        };
        Self {
            case,
            name: format!("case-{number}"),
            subject,
        }
    }
}

/// Everybody who acts.
pub(super) struct Players {
    requesters: BTreeMap<(Requester, bool), Player>,
    admin: Client,
    planter: Client,
    /// The epoch that is over, and the one of now.
    pub(super) before: EpochValue,
    pub(super) epoch: EpochValue,
}

struct Player {
    name: String,
    client: Client,
}

impl Players {
    pub(super) async fn gather(plane: &ControlPlane, before: EpochValue) -> Self {
        let mut requesters = BTreeMap::new();
        for requester in REQUESTERS {
            for is_exempt in [false, true] {
                let (name, kubeconfig) = user_of(plane, requester, is_exempt);
                let client = client(kubeconfig).await;
                requesters.insert((requester, is_exempt), Player { name, client });
            }
        }
        Self {
            requesters,
            admin: client(plane.kubeconfig(ADMIN)).await,
            planter: client(plane.kubeconfig(user("carol", &["create"]))).await,
            epoch: before.clone(),
            before,
        }
    }

    pub(super) fn name_of(&self, case: Case) -> &str {
        &self.player(case).name
    }

    fn player(&self, case: Case) -> &Player {
        &self.requesters[&(case.requester, case.regime == Regime::ExemptRequester)]
    }

    /// Whether RBAC lets a requester create this companion binding by hand.
    pub(super) async fn may_by_hand(&self, requester: Requester, role: &str) -> bool {
        let object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "by-hand"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        });
        let object = serde_json::from_value(object).expect("a binding");
        let client = self.requesters[&(requester, false)].client.clone();
        let api: Api<ClusterRoleBinding> = Api::all(client);
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        match api.create(&dry_run, &object).await {
            Ok(_) => true,
            Err(Error::Api(status)) if status.code == 403 => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Plants what is there before the guard is.
    pub(super) async fn plant(&self, trial: &Trial) {
        if trial.case.sent == Sent::FromBeforeTheGuard {
            let order = order(&self.before, 0, &trial.subject);
            let object = trial.object(None, Some((&order, WHO_ORDERED)));
            create(&api(&self.planter, trial.case), &object).await;
        }
    }

    /// Makes what is there before the requester comes, by somebody who may order.
    pub(super) async fn prepare(&self, trial: &Trial) {
        let owner = &self.requesters[&(Requester::Both, false)];
        assert_eq!(owner.name, WHO_ORDERED);
        let signed = |name: &str| order(&self.epoch, 0, name);
        let api = api(&owner.client, trial.case);
        match trial.case.sent {
            Sent::KeptWhileSubjectsChange => {
                let order = signed(KEPT_FOR);
                let object = trial.object(Some(KEPT_FOR), Some((&order, WHO_ORDERED)));
                create(&api, &object).await;
            }
            Sent::RecreatedAfterDelete => {
                let order = signed(&trial.subject);
                create(&api, &trial.object(None, Some((&order, WHO_ORDERED)))).await;
            }
            Sent::Copied => {
                let order = signed(&trial.subject);
                let mut source = trial.object(None, Some((&order, WHO_ORDERED)));
                source["kind"] = json!("RoleBinding");
                source["metadata"]["namespace"] = json!(SOURCES);
                create(&sources(&owner.client), &source).await;
            }
            _ => {}
        }
    }

    /// Has the requester do it: what they were told, and whether the binding is stored as they want
    /// it.
    pub(super) async fn play(&self, trial: &Trial) -> (bool, String) {
        let player = self.player(trial.case);
        let (api, admin) = (
            api(&player.client, trial.case),
            api(&self.admin, trial.case),
        );
        let told = if trial.case.is_update() {
            let change = json!({"subjects": [subject(&trial.subject)]});
            decided(async || {
                let change = Patch::Merge(&change);
                api.patch(&trial.name, &PatchParams::default(), &change)
                    .await
            })
            .await
        } else {
            let object = self.sent(trial, &player.name, &admin).await;
            decided(async || api.create(&PostParams::default(), &object).await).await
        };
        let stored = admin.get_opt(&trial.name).await.expect("it can be read");
        let stored = stored.is_some_and(|stored| {
            stored.data["subjects"][0]["name"].as_str() == Some(&trial.subject)
        });
        (stored, told.err().unwrap_or_default())
    }

    async fn sent(&self, trial: &Trial, name: &str, admin: &Api<DynamicObject>) -> DynamicObject {
        let subject = &trial.subject;
        let text = match trial.case.sent {
            Sent::Absent => None,
            Sent::ForgedInOwnName | Sent::ForgedInAnothersName => {
                Some(order(&self.epoch, 0, subject))
            }
            Sent::DatedAhead => Some(order(&self.epoch, 3_600, subject)),
            Sent::OfAnotherCluster => {
                let other = EpochValue::fresh().expect("random numbers");
                Some(order(&other, 0, subject))
            }
            Sent::Canary => Some("canary".to_owned()),
            Sent::Copied => Some(order_on(&sources(&self.admin), &trial.name).await),
            Sent::RecreatedAfterDelete => {
                let text = order_on(admin, &trial.name).await;
                let deleted = admin.delete(&trial.name, &DeleteParams::default()).await;
                deleted.expect("an administrator may delete it");
                Some(text)
            }
            Sent::KeptWhileSubjectsChange | Sent::FromBeforeTheGuard => {
                unreachable!("they are updates")
            }
        };
        let by = signer(trial.case.sent, name).unwrap_or_default();
        let object = trial.object(Some(subject), text.as_deref().map(|text| (text, &*by)));
        serde_json::from_value(object).expect("an object")
    }
}

impl Trial {
    /// A persona binding that asks for companions, with an order by somebody.
    fn object(&self, whom: Option<&str>, order: Option<(&str, &str)>) -> Value {
        let (kind, namespace) = match self.case.kind {
            Kind::RoleBinding => ("RoleBinding", Some(namespace_of(self.case))),
            Kind::ClusterRoleBinding => ("ClusterRoleBinding", None),
        };
        let role = match self.case.regime {
            Regime::Warn => "spectro-vm-viewer",
            _ => "spectro-vm-user",
        };
        let mut object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": self.name, "annotations": {PROVISION: "true"}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": whom.map(subject).into_iter().collect::<Vec<_>>(),
        });
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if let Some((text, by)) = order {
            object["metadata"]["annotations"][ORDER] = json!(text);
            object["metadata"]["annotations"][ORDERED_BY] = json!(by);
        }
        object
    }
}

fn namespace_of(case: Case) -> &'static str {
    match case.regime {
        Regime::ExemptNamespace => EXEMPT,
        _ => NAMESPACE,
    }
}

fn subject(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name})
}

/// An order for a user, dated so many seconds ahead.
fn order(epoch: &EpochValue, ahead: u64, name: &str) -> String {
    let time = clock::now() + Duration::from_secs(ahead);
    let order = Order::new(epoch.clone(), time, [Identity::User(name)]);
    order.encode().expect("a short name")
}

async fn order_on(api: &Api<DynamicObject>, name: &str) -> String {
    let stored = api.get(name).await.expect("it was prepared");
    stored.metadata.annotations.expect("an order")[ORDER].clone()
}

async fn client(kubeconfig: std::path::PathBuf) -> Client {
    let options = ClientOptions {
        kubeconfig: Some(kubeconfig),
        ..ClientOptions::default()
    };
    connect(&options).await.expect("a client")
}

fn api(client: &Client, case: Case) -> Api<DynamicObject> {
    let client = client.clone();
    match case.kind {
        Kind::RoleBinding => {
            let resource = ApiResource::erase::<RoleBinding>(&());
            Api::namespaced_with(client, namespace_of(case), &resource)
        }
        Kind::ClusterRoleBinding => {
            let resource = ApiResource::erase::<ClusterRoleBinding>(&());
            Api::all_with(client, &resource)
        }
    }
}

fn sources(client: &Client) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<RoleBinding>(&());
    Api::namespaced_with(client.clone(), SOURCES, &resource)
}

async fn create(api: &Api<DynamicObject>, object: &Value) {
    let object = serde_json::from_value(object.clone()).expect("an object");
    let created = api.create(&PostParams::default(), &object).await;
    created.unwrap_or_else(|error| panic!("{object:?}: {error}"));
}

/// Sends a request until somebody decides; the refusal, if it is one.
async fn decided<T>(send: impl AsyncFn() -> kube::Result<T>) -> Result<(), String> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match send().await {
            Ok(_) => return Ok(()),
            Err(Error::Api(status)) if status.code == 403 => return Err(status.message.clone()),
            // The attempt before was stored, and its answer lost.
            Err(Error::Api(status)) if status.code == 409 && !last.is_empty() => return Ok(()),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("nobody decides: {last}");
}
