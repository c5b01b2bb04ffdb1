//! Orders from kubectl to the stored binding, with everything at work but what carries them out.

use std::collections::BTreeSet;
use std::time::Duration;

use bindguard::provisioning::order::Order;
use serde_json::{Value, json};

use crate::stage::{PROVISION, Stage, asking, stage};
use crate::support::{ADMIN, Bindguard, Serve, User, eventually, unique};
use crate::watchman::published;
use crate::world::{
    ORDER, ORDERED_BY, ORDERS, both, cluster_role_binding, namespace_admin, ordered, role_binding,
    user,
};

/// What a stored binding has of an order: for whom, and by whom.
#[track_caller]
fn order_on(stage: &Stage, object: &Value) -> Option<(BTreeSet<String>, String)> {
    let stored = stage.stored(object);
    let annotations = &stored["metadata"]["annotations"];
    let text = annotations[ORDER].as_str()?;
    let order = Order::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let epoch = published(stage.plane)["epoch"].as_str().unwrap().to_owned();
    assert_eq!(order.epoch().as_str(), epoch);
    let names = order
        .identities()
        .map(|one| one.name().1.to_owned())
        .collect();
    Some((names, annotations[ORDERED_BY].as_str().unwrap().to_owned()))
}

fn for_alice_by(who: &str) -> (BTreeSet<String>, String) {
    (BTreeSet::from(["alice".to_owned()]), who.to_owned())
}

/// A binding of a user of its own, so that tests do not cover each other's.
fn binding_of(name: &str, mut object: Value) -> Value {
    object["subjects"][0]["name"] = json!(name);
    object
}

#[test]
fn who_may_make_companions_orders_them_for_either_kind_of_binding() {
    let stage = stage();
    let name = unique("team");
    let boris = both();
    for object in [
        role_binding(&stage.plane.namespace(), &name),
        cluster_role_binding(&name),
    ] {
        let output = stage.create(&boris, &asking(object.clone()));
        assert!(output.succeeded(), "{output}");
        let warning = "spectro-list-namespaces, spectro-list-vmtemplates will be bound to User \
                       alice, as ordered";
        assert!(output.stderr.contains(warning), "{output}");
        assert_eq!(order_on(&stage, &object), Some(for_alice_by("boris")));
    }
}

#[test]
fn an_apply_places_one_order_and_the_next_changes_nothing() {
    let stage = stage();
    for args in [
        &["apply", "--server-side", "--filename", "-"][..],
        &["apply", "--filename", "-"],
    ] {
        let object = role_binding(&stage.plane.namespace(), "team");
        let text = asking(object.clone()).to_string();
        stage
            .plane
            .kubectl_stdin(both(), args, &text)
            .expect_success();
        let first = stage.stored(&object);
        assert_eq!(order_on(&stage, &object), Some(for_alice_by("boris")));
        stage
            .plane
            .kubectl_stdin(both(), args, &text)
            .expect_success();
        assert_eq!(stage.stored(&object), first);
    }
}

#[test]
fn names_to_be_made_up_and_dry_runs_are_no_different_and_a_dry_run_stores_nothing() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let mut object = asking(role_binding(&namespace, "x"));
    object["metadata"].as_object_mut().unwrap().remove("name");
    object["metadata"]["generateName"] = json!("team-");
    let output = stage.create_with(both(), &["--dry-run=server"], &object);
    assert!(output.succeeded(), "{output}");
    let told = "would be bound to User alice, as ordered";
    assert!(output.stderr.contains(told), "{output}");
    let list = [
        "get",
        "rolebindings",
        "--namespace",
        &namespace,
        "--output=json",
    ];
    let stored = || -> Value {
        serde_json::from_str(&stage.plane.kubectl(ADMIN, &list).expect_success()).unwrap()
    };
    assert_eq!(stored()["items"], json!([]));
    stage.create(both(), &object).expect_success();
    let items = stored()["items"].take();
    let annotations = &items[0]["metadata"]["annotations"];
    Order::parse(annotations[ORDER].as_str().unwrap()).unwrap();
    assert_eq!(annotations[ORDERED_BY], "boris");
}

#[test]
fn who_lacks_a_right_is_told_which_and_refused_with_the_remedy() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    for (who, lacks) in [
        (
            user("norman", &[]),
            "norman lacks \"create\" on clusterrolebindings, in the whole cluster",
        ),
        (
            user("otto", &["create", "bind-one"]),
            "otto lacks the verb \"bind\" on ClusterRole spectro-list-vmtemplates",
        ),
        (
            namespace_admin(stage.plane, &namespace),
            "lacks \"create\" on clusterrolebindings, in the whole cluster",
        ),
    ] {
        let output = stage.create(&who, &asking(role_binding(&namespace, "team")));
        assert!(!output.succeeded(), "{output}");
        for told in [
            "Warning: bindguard: nothing is ordered: ",
            lacks,
            "admission webhook \"validate.bindguard.dev\" denied the request",
            "kubectl create clusterrolebinding",
            "has no effect: no order was placed",
        ] {
            assert!(output.stderr.contains(told), "{told}\n{output}");
        }
    }
    let output = stage.create(user("norman", &[]), &role_binding(&namespace, "team"));
    let how = "Or have them made: set the annotation bindguard.dev/provision: \"true\"";
    assert!(output.stderr.contains(how), "{output}");
}

#[test]
fn an_unlisted_service_account_is_refused_and_told_why() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let kubeconfig = stage.plane.service_account_kubeconfig("ci", "unlisted");
    let object = asking(role_binding(&namespace, "team")).to_string();
    let output = stage
        .plane
        .kubectl_with(&kubeconfig, &["create", "--filename", "-"], &object);
    let why = "has no effect: a ServiceAccount may order companions only if the policy lists it";
    assert!(
        !output.succeeded() && output.stderr.contains(why),
        "{output}"
    );
}

#[test]
fn a_forged_copied_or_restored_order_is_taken_off_and_judged_as_without() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let object = role_binding(&namespace, "team");
    stage
        .create(both(), &asking(object.clone()))
        .expect_success();
    let genuine = stage.stored(&object);
    let text = genuine["metadata"]["annotations"][ORDER].as_str().unwrap();

    let norman = user("norman", &[]);
    for by in ["boris", "norman"] {
        let mut copy = ordered(role_binding(&namespace, "copy"), text, by);
        copy["metadata"]["annotations"][PROVISION] = json!("true");
        let output = stage.create(&norman, &copy);
        assert!(!output.succeeded(), "{output}");
        assert!(output.stderr.contains("User alice lacks"), "{output}");
    }
    // An administrator restores a binding with everything that was in it: the order becomes his.
    let mut restored = asking(role_binding(&namespace, "restored"));
    restored["metadata"]["annotations"] = genuine["metadata"]["annotations"].clone();
    stage.create(ADMIN, &restored).expect_success();
    assert_eq!(order_on(&stage, &restored), Some(for_alice_by(ADMIN)));
    // Where nothing is judged, it is taken off as well.
    let mut elsewhere = ordered(role_binding(&namespace, "elsewhere"), text, "boris");
    elsewhere["subjects"] = Value::Null;
    stage.create(&norman, &elsewhere).expect_success();
    assert_eq!(order_on(&stage, &elsewhere), None);
    let mut exempt = ordered(
        role_binding("kube-system", &unique("exempt")),
        text,
        "boris",
    );
    exempt["subjects"] = Value::Null;
    stage.create(&norman, &exempt).expect_success();
    assert_eq!(order_on(&stage, &exempt), None);

    // With the webhook out of the way, the guard stands alone.
    let mutating = ["delete", "mutatingwebhookconfiguration", "bindguard"];
    stage.plane.kubectl(ADMIN, &mutating).expect_success();
    let refused = eventually(Duration::from_secs(20), || {
        let copy = ordered(role_binding(&namespace, &unique("copy")), text, "norman");
        let output = stage.create(&norman, &copy);
        output
            .stderr
            .contains("ValidatingAdmissionPolicy")
            .then_some(output)
    });
    let told = refused.expect("the guard's refusal");
    assert!(
        told.refusal_by(ORDERS)
            .contains("\"create\" on clusterrolebindings")
    );
    let copy = ordered(role_binding(&namespace, "copy"), text, ADMIN);
    // He may, but it does not ask for companions, and so it is judged as without an order.
    let output = stage.create(ADMIN, &copy);
    assert!(!output.succeeded(), "{output}");
    assert!(output.stderr.contains("User alice lacks"), "{output}");
}

#[test]
fn labels_owners_finalizers_and_deletion_order_nothing_and_are_not_stuck() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let object = role_binding(&namespace, "old");
    // From before anything was in force.
    let warn = ["delete", "validatingwebhookconfiguration", "bindguard"];
    stage.plane.kubectl(ADMIN, &warn).expect_success();
    let created = eventually(Duration::from_secs(20), || {
        stage.create(ADMIN, &object).succeeded().then_some(())
    });
    created.expect("nobody judges it");
    stage
        .plane
        .apply(ADMIN, &stage.bindguard.manifests())
        .expect_success();
    stage.wait_until_orders_are_taken();

    let norman = user("norman", &[]);
    for (who, change) in [
        (
            User::from(ADMIN),
            json!({"metadata": {"labels": {"a": "b"}}}),
        ),
        (
            norman.clone(),
            json!({"metadata": {"finalizers": ["example.com/wait"]}}),
        ),
        (both(), json!({"metadata": {"annotations": {"other": "x"}}})),
    ] {
        stage.patch(who, &object, &change).expect_success();
        assert_eq!(order_on(&stage, &object), None);
    }
    // Somebody who may, and who asks.
    let asks = json!({"metadata": {"annotations": {PROVISION: "true"}}});
    stage.patch(both(), &object, &asks).expect_success();
    assert_eq!(order_on(&stage, &object), Some(for_alice_by("boris")));
    let order = stage.stored(&object)["metadata"]["annotations"][ORDER].take();
    let label = json!({"metadata": {"labels": {"a": "c"}}});
    stage.patch(&norman, &object, &label).expect_success();
    let stored = stage.stored(&object);
    assert_eq!(stored["metadata"]["annotations"][ORDER], order);

    let args = [
        "delete",
        "rolebinding",
        "old",
        "--namespace",
        &namespace,
        "--wait=false",
    ];
    stage.plane.kubectl(&norman, &args).expect_success();
    assert!(stage.stored(&object)["metadata"]["deletionTimestamp"].is_string());
    let ending = json!({"metadata": {"finalizers": null}});
    stage.patch(&norman, &object, &ending).expect_success();
    let get = ["get", "rolebinding", "old", "--namespace", &namespace];
    assert!(!stage.plane.kubectl(ADMIN, &get).succeeded());
}

#[test]
fn an_update_orders_for_whom_it_adds() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let mut object = role_binding(&namespace, "team");
    object["subjects"] = json!([]);
    stage
        .create(both(), &asking(object.clone()))
        .expect_success();
    assert_eq!(order_on(&stage, &object), None);
    let subject =
        |name: &str| json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name});
    let add = json!({"subjects": [subject("bob")]});
    let output = stage.patch(user("norman", &[]), &object, &add);
    assert!(!output.succeeded(), "{output}");
    stage.patch(both(), &object, &add).expect_success();
    let expected = (BTreeSet::from(["bob".to_owned()]), "boris".to_owned());
    assert_eq!(order_on(&stage, &object), Some(expected));
}

#[test]
fn hostile_names_are_ordered_exactly() {
    let stage = stage();
    let hostile = "eve\u{1b}[2J\n\"'\\ \u{202e}\u{0}😀";
    let object = binding_of(hostile, role_binding(&stage.plane.namespace(), "team"));
    let output = stage.create(both(), &asking(object.clone()));
    assert!(output.succeeded(), "{output}");
    assert!(!output.stderr.contains('\u{1b}'), "{output}");
    let (names, _) = order_on(&stage, &object).unwrap();
    assert_eq!(names, BTreeSet::from([hostile.to_owned()]));
}

#[test]
fn a_server_is_ready_where_nobody_publishes_an_epoch_and_takes_no_orders() {
    let stage = stage();
    let elsewhere = Serve::new(env!("CARGO_BIN_EXE_bindguard"))
        .kubeconfig(stage.plane.kubeconfig(ADMIN))
        .args(&["--bindguard-namespace", "nowhere"])
        .start();
    let taken = |bindguard: &Bindguard| {
        let (_, metrics) = bindguard.admin("/metrics").expect("metrics are served");
        metrics.contains("bindguard_orders_taken 1\n")
    };
    assert!(taken(&stage.bindguard));
    let told = eventually(Duration::from_secs(10), || {
        let why = "there is no ConfigMap nowhere/bindguard-epoch";
        elsewhere.stderr().contains(why).then_some(())
    });
    assert!(told.is_some(), "{}", elsewhere.stderr());
    assert!(!taken(&elsewhere));
}

#[test]
fn what_is_posted_straight_to_the_port_and_replayed_is_refused_by_the_guard() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let object = asking(role_binding(&namespace, "forged"));
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "RoleBinding"},
            "resource": {"group": "rbac.authorization.k8s.io", "version": "v1", "resource": "rolebindings"},
            "operation": "CREATE", "namespace": namespace, "name": "forged", "dryRun": false,
            "userInfo": {"username": "admin", "groups": ["system:masters"]},
            "object": object,
        },
    });
    let url = format!("{}/mutate", stage.bindguard.url());
    let authority = stage.bindguard.authority_file().display().to_string();
    let script = format!(
        "curl --silent --show-error --cacert {authority} --header 'Content-Type: application/json' \
         --data-binary @- {url} <<'EOF'\n{review}\nEOF"
    );
    let answer = stage.plane.bash(ADMIN, &script).expect_success();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let patch: k8s_openapi::ByteString =
        serde_json::from_value(answer["response"]["patch"].clone()).unwrap();
    let patch: Value = serde_json::from_slice(&patch.0).unwrap();
    let order = patch[0]["value"].as_str().unwrap();
    Order::parse(order).unwrap();

    let mutating = ["delete", "mutatingwebhookconfiguration", "bindguard"];
    stage.plane.kubectl(ADMIN, &mutating).expect_success();
    let norman = user("norman", &[]);
    for by in ["admin", "norman"] {
        let mut replayed = ordered(object.clone(), order, by);
        replayed["metadata"]["annotations"][PROVISION] = json!("true");
        let refused = eventually(Duration::from_secs(20), || {
            let output = stage.create(&norman, &replayed);
            output
                .stderr
                .contains("ValidatingAdmissionPolicy")
                .then_some(output)
        });
        refused.expect("the guard's refusal").refusal_by(ORDERS);
    }
    let get = ["get", "rolebinding", "forged", "--namespace", &namespace];
    assert!(!stage.plane.kubectl(ADMIN, &get).succeeded());
}

#[test]
fn without_the_guard_nothing_is_ordered_and_what_was_planted_meanwhile_never_counts() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let epoch = published(stage.plane)["epoch"].as_str().unwrap().to_owned();
    let guard = ["delete", "validatingadmissionpolicy", ORDERS];
    stage.plane.kubectl(ADMIN, &guard).expect_success();
    let mutating = ["delete", "mutatingwebhookconfiguration", "bindguard"];
    stage.plane.kubectl(ADMIN, &mutating).expect_success();
    stage.watchman.look().not_in_place("does not exist");

    let asks = asking(role_binding(&namespace, "asks"));
    let why = "has no effect: ValidatingAdmissionPolicy orders.bindguard.dev does not exist";
    let told = eventually(Duration::from_secs(15), || {
        let output = stage.create(both(), &asks);
        output.stderr.contains(why).then_some(())
    });
    assert!(told.is_some(), "{}", stage.bindguard.stderr());

    // Norman, who may order nothing, plants an order in the epoch that was.
    let value = bindguard::provisioning::guard::epoch::EpochValue::parse(&epoch).unwrap();
    let now = bindguard::telemetry::clock::now();
    let bob = bindguard::domain::identity::Identity::User("bob");
    let order = Order::new(value, now, [bob]).encode().unwrap();
    let mut planted = ordered(role_binding(&namespace, "planted"), &order, "norman");
    planted["metadata"]["annotations"][PROVISION] = json!("true");
    planted["subjects"] = Value::Null;
    let norman = user("norman", &[]);
    let accepted = eventually(Duration::from_secs(20), || {
        stage.create(&norman, &planted).succeeded().then_some(())
    });
    accepted.expect("nobody guards it");

    stage.restore_guard();
    assert_ne!(published(stage.plane)["epoch"], epoch);
    let add = json!({"subjects": [
        {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "bob"}
    ]});
    let output = stage.patch(&norman, &planted, &add);
    assert!(!output.succeeded(), "{output}");
    let why = "its order does not count: it was placed while the guard of orders was another";
    assert!(output.stderr.contains(why), "{output}");
}

impl Stage {
    fn restore_guard(&self) {
        self.plane
            .apply(ADMIN, &self.bindguard.manifests())
            .expect_success();
        self.wait_until_orders_are_taken();
    }
}
