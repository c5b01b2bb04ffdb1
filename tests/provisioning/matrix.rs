//! Every kind of requester with every kind of order, whichever of the webhooks is out of the way:
//! no order is stored that counts, and no companion is made, but of those whom RBAC would let make
//! the companions by hand.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::MutexGuard;
use std::time::Duration;

use bindguard::domain::binding::{Binding, BindingKind, RoleRef, Subject};
use bindguard::domain::identity::{Identity, SubjectKind};
use bindguard::domain::policy::Policy;
use bindguard::provisioning::guard::epoch::EpochValue;
use bindguard::provisioning::order::{Conditions, Order, Placed, judge};
use bindguard::telemetry::clock;
use serde_json::{Value, json};

use crate::stage::{PROVISION, Stage, stage};
use crate::support::{ADMIN, Controller, User, eventually, unique};
use crate::watchman::published;
use crate::world::{
    ORDER, ORDERED_BY, POLICY, both, cluster_role_binding, namespace_admin, ordered, policy,
    policy_file, role_binding, user,
};

/// Somebody who writes bindings, whether they may order, and what they call themselves.
struct Requester {
    what: &'static str,
    may_order: bool,
    name: String,
    kubeconfig: PathBuf,
}

const WEBHOOKS: [&str; 2] = [
    "validatingwebhookconfiguration",
    "mutatingwebhookconfiguration",
];

fn requesters(stage: &Stage, namespace: &str) -> Vec<Requester> {
    let by_user = |what, may_order, user: User| Requester {
        what,
        may_order,
        name: user.name().to_owned(),
        kubeconfig: stage.plane.kubeconfig(&user),
    };
    let by_account = |what, may_order, name: &str| Requester {
        what,
        may_order,
        name: format!("system:serviceaccount:ci:{name}"),
        kubeconfig: stage.plane.service_account_kubeconfig("ci", name),
    };
    vec![
        by_user("none", false, user("norman", &[])),
        by_user("create only", false, user("carol", &["create"])),
        by_user("bind only", false, user("bea", &["bind"])),
        by_user("holds", false, user("hugo", &["create", "hold"])),
        by_user("namespaced", false, namespace_admin(stage.plane, namespace)),
        by_user("robot", false, user("rosa", &["create", "bind", "robots"])),
        by_account("unlisted", false, "unlisted"),
        by_account("listed", true, "listed"),
        by_user("both", true, both()),
        by_user("admin", true, User::from(ADMIN)),
    ]
}

/// What a binding is sent with.
const ORDERS: [&str; 7] = [
    "absent",
    "forged in one's own name",
    "forged in another's name",
    "copied",
    "dated ahead",
    "of another cluster",
    "canary",
];

/// For whom the order is that is copied. Other tests need those to lack companions whom they name.
const COPIED_FOR: &str = "somebody-else-s-order";

struct World<'s> {
    stage: &'s MutexGuard<'static, Stage>,
    policy: Policy,
    epoch: EpochValue,
    /// The order of somebody who may, for [`COPIED_FOR`], on another binding.
    genuine: String,
}

/// An order for a user, dated so many seconds ahead.
fn order(ahead: u64, epoch: &EpochValue, name: &str) -> String {
    let time = clock::now() + Duration::from_secs(ahead);
    let order = Order::new(epoch.clone(), time, [Identity::User(name)]);
    order.encode().unwrap()
}

impl World<'_> {
    /// The binding as it is sent, for a user of its own; a copied order is for whom it is.
    fn sent(&self, what: &str, by: &str, mut object: Value) -> Value {
        object["subjects"][0]["name"] = match what {
            "copied" => COPIED_FOR.into(),
            _ => unique("subject").into(),
        };
        let name = subject_of(&object);
        let order = |ahead, epoch: &EpochValue| order(ahead, epoch, &name);
        let mut object = match what {
            "absent" => ordered(object, "", ""),
            "forged in one's own name" => ordered(object, &order(0, &self.epoch), by),
            "forged in another's name" => ordered(object, &order(0, &self.epoch), "boris"),
            "copied" => ordered(object, &self.genuine, "boris"),
            "dated ahead" => ordered(object, &order(3_600, &self.epoch), by),
            "of another cluster" => ordered(object, &order(0, &EpochValue::fresh().unwrap()), by),
            "canary" => ordered(object, "canary", by),
            other => panic!("{other}"),
        };
        let annotations = object["metadata"]["annotations"].as_object_mut().unwrap();
        if what == "absent" {
            annotations.clear();
        }
        annotations.insert(PROVISION.to_owned(), json!("true"));
        object
    }

    /// For whom the order counts that is stored with an object, if it is stored at all.
    fn counts(&self, object: &Value) -> Option<bool> {
        let args = [
            "get",
            "--output=json",
            "--ignore-not-found",
            "--filename",
            "-",
        ];
        let plane = self.stage.plane;
        let text = plane.kubectl_stdin(ADMIN, &args, &object.to_string());
        let mut stored: Value = serde_json::from_str(text.stdout.trim()).ok()?;
        if let Some(items) = stored.get_mut("items") {
            stored = items.get_mut(0)?.take();
        }
        let annotation = |key: &str| stored["metadata"]["annotations"][key].as_str();
        let kind = BindingKind::parse(stored["kind"].as_str().unwrap()).unwrap();
        let binding = Binding {
            kind,
            namespace: stored["metadata"]["namespace"].as_str(),
            name: stored["metadata"]["name"].as_str().unwrap(),
            role: RoleRef::new(
                None,
                "ClusterRole",
                stored["roleRef"]["name"].as_str().unwrap(),
            ),
            subjects: vec![Subject {
                kind: SubjectKind::User,
                name: stored["subjects"][0]["name"].as_str().unwrap(),
                namespace: None,
            }],
        };
        let conditions = Conditions {
            policy: &self.policy,
            epoch: Ok(&self.epoch),
            now: clock::now(),
            companions: 0,
        };
        let placed = Placed {
            order: annotation(ORDER).unwrap_or_default(),
            ordered_by: annotation(ORDERED_BY).unwrap_or_default(),
            provision: annotation(PROVISION),
        };
        Some(judge(conditions, placed, &binding).is_ok())
    }
}

fn subject_of(object: &Value) -> String {
    object["subjects"][0]["name"].as_str().unwrap().to_owned()
}

/// For whom companions have been made.
fn made_for(stage: &Stage) -> BTreeSet<String> {
    let selector = "--selector=app.kubernetes.io/part-of=bindguard";
    let args = ["get", "clusterrolebindings", selector, "--output=json"];
    let text = stage.plane.kubectl(ADMIN, &args).expect_success();
    let list: Value = serde_json::from_str(&text).unwrap();
    let made = list["items"].as_array().unwrap().iter().filter(|binding| {
        let annotations = &binding["metadata"]["annotations"];
        annotations["bindguard.dev/ordered-for"].is_string()
    });
    made.map(subject_of).collect()
}

/// Takes webhooks out of the way, and waits until nobody asks them.
fn bypass(stage: &Stage, bypassed: &[&str]) {
    for kind in bypassed {
        let args = ["delete", kind, "bindguard", "--ignore-not-found"];
        stage.plane.kubectl(ADMIN, &args).expect_success();
    }
    let asks = |kind: &str| !bypassed.contains(&kind);
    let mut object = role_binding("default", "probe");
    object["subjects"][0]["name"] = json!("somebody-without-companions");
    let quiet = eventually(Duration::from_secs(20), || {
        let dry = [
            "create",
            "--dry-run=server",
            "--output=json",
            "--filename",
            "-",
        ];
        let plain = stage.plane.kubectl_stdin(both(), &dry, &object.to_string());
        let mut asking = object.clone();
        asking["metadata"]["annotations"] = json!({PROVISION: "true"});
        let asked = stage.plane.kubectl_stdin(both(), &dry, &asking.to_string());
        let validates = !plain.succeeded();
        let mutates = asked.stdout.contains(ORDER) || asked.stderr.contains("as ordered");
        (validates == asks(WEBHOOKS[0]) && mutates == asks(WEBHOOKS[1])).then_some(())
    });
    assert!(quiet.is_some(), "without {bypassed:?}");
}

#[test]
fn no_order_counts_but_of_those_who_could_make_the_companions_by_hand() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let mut genuine = role_binding(&namespace, "genuine");
    genuine["subjects"][0]["name"] = COPIED_FOR.into();
    let mut asking = genuine.clone();
    asking["metadata"]["annotations"] = json!({PROVISION: "true"});
    stage.create(both(), &asking).expect_success();
    let text = stage.stored(&genuine)["metadata"]["annotations"][ORDER].take();
    let epoch = published(stage.plane)["epoch"].as_str().unwrap().to_owned();
    let world = World {
        policy: policy(),
        epoch: EpochValue::parse(&epoch).unwrap(),
        genuine: text.as_str().unwrap().to_owned(),
        stage: &stage,
    };
    let controller = Controller::start(
        env!("CARGO_BIN_EXE_bindguard"),
        stage.plane,
        &policy_file(POLICY),
    );
    let mut by_those_who_may = BTreeSet::from([COPIED_FOR.to_owned()]);
    let mut to_be_made = BTreeSet::new();
    let requesters = requesters(&stage, &namespace);
    let (mut cases, mut stored, mut counted) = (0, 0, 0);
    let mut wrong = Vec::new();
    for bypassed in [&[][..], &WEBHOOKS[..1], &WEBHOOKS[1..], &WEBHOOKS[..]] {
        stage
            .plane
            .apply(ADMIN, &stage.bindguard.manifests())
            .expect_success();
        bypass(&stage, bypassed);
        for requester in &requesters {
            for what in ORDERS {
                let name = unique("case");
                for object in [role_binding(&namespace, &name), cluster_role_binding(&name)] {
                    let sent = world.sent(what, &requester.name, object);
                    let args = ["create", "--filename", "-"];
                    let output =
                        stage
                            .plane
                            .kubectl_with(&requester.kubeconfig, &args, &sent.to_string());
                    cases += 1;
                    if !output.succeeded() {
                        continue;
                    }
                    let Some(counts) = world.counts(&sent) else {
                        continue;
                    };
                    if requester.may_order {
                        by_those_who_may.insert(subject_of(&sent));
                    }
                    if counts {
                        to_be_made.insert(subject_of(&sent));
                    }
                    stored += 1;
                    counted += usize::from(counts);
                    if counts && !requester.may_order {
                        wrong.push(format!("{} {what} without {bypassed:?}", requester.what));
                    }
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    let all = eventually(Duration::from_mins(1), || {
        to_be_made.is_subset(&made_for(&stage)).then_some(())
    });
    let made = made_for(&stage);
    let log = controller.process.stderr();
    assert!(all.is_some(), "{:?}\n{log}", to_be_made.difference(&made));
    let nothing_waits = eventually(Duration::from_mins(1), || {
        let metrics = controller.metrics();
        metrics
            .contains("bindguard_orders_waiting 0\n")
            .then_some(())
    });
    assert!(nothing_waits.is_some(), "{log}");
    let made = made_for(&stage);
    let escalated: Vec<_> = made.difference(&by_those_who_may).collect();
    assert!(escalated.is_empty(), "{escalated:?}\n{log}");
    assert!(cases >= 500, "{cases}");
    // Else nothing would be proved.
    assert!(
        stored >= 100 && counted >= 50,
        "{stored} stored, {counted} of them count"
    );
    eprintln!(
        "figure: {cases} cases, {stored} stored, {counted} with an order that counts, companions for {}",
        made.len()
    );
}
