//! Whether a requester may create companions, where the API server itself is slow to say, or cannot.

use std::time::Duration;

use serde_json::Value;

use crate::moody;
use crate::stage::{Stage, asking};
use crate::support::{ADMIN, ControlPlane, eventually, unique};
use crate::world::{ORDER, POLICY, role_binding, user};

#[test]
fn who_is_not_known_to_have_the_rights_is_judged_as_without_and_told_why() {
    let flags = moody::start();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let plane = Box::leak(Box::new(ControlPlane::start(&flags)));
    let stage = Stage::on(plane, POLICY);
    stage.wait_until_orders_are_taken();
    let namespace = plane.namespace();
    let create = |mood: &str| {
        // Of whom nothing is remembered.
        let who = user(&unique(mood), &["create"]);
        let object = asking(role_binding(&namespace, &unique("team")));
        (stage.create(&who, &object), object)
    };
    // The authorizer is asked, and an answer that takes a while is waited for.
    for mood in ["granted", "late"] {
        let (output, object) = create(mood);
        assert!(output.succeeded(), "{output}");
        let told = "will be bound to User alice, as ordered";
        assert!(output.stderr.contains(told), "{output}");
        assert!(stage.stored(&object)["metadata"]["annotations"][ORDER].is_string());
    }
    for (mood, why) in [
        (
            "slow",
            "whether its requester may create companions was not found out within 2000 ms",
        ),
        (
            "broken",
            "whether its requester may create companions could not be found out: ",
        ),
        (
            "plain",
            "lacks the verb \"bind\" on ClusterRole spectro-list-",
        ),
    ] {
        let (output, object) = create(mood);
        assert!(!output.succeeded(), "{mood}: {output}");
        let warning = output
            .stderr
            .lines()
            .find(|line| line.starts_with("Warning: "));
        let warning = warning.unwrap_or_default();
        assert!(
            warning.starts_with("Warning: bindguard: nothing is ordered: ")
                && warning.contains(why),
            "{mood}: {output}"
        );
        for told in [
            "admission webhook \"validate.bindguard.dev\" denied the request",
            "User alice lacks",
            "kubectl create clusterrolebinding",
            "has no effect: no order was placed; a warning says why",
        ] {
            assert!(output.stderr.contains(told), "{mood}: {output}");
        }
        let name = object["metadata"]["name"].as_str().unwrap();
        let get = ["get", "rolebinding", name, "--namespace", &namespace];
        assert!(!plane.kubectl(ADMIN, &get).succeeded());
    }
    // What failed is no answer for the next.
    let (_, metrics) = stage.bindguard.admin("/metrics").unwrap();
    let of = |result: &str| {
        let series = format!("bindguard_access_reviews_total{{result=\"{result}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
        line.and_then(|value| value.parse::<u32>().ok()).unwrap()
    };
    assert_eq!((of("failed"), of("denied")), (2, 1), "{metrics}");
}

#[test]
fn where_the_server_may_not_ask_it_says_so_until_it_may() {
    let stage = crate::stage::stage();
    let role = ["clusterrole", "bindguard", "--output=json"];
    let text = stage.plane.kubectl(ADMIN, &[&["get"], &role[..]].concat());
    let mut role: Value = serde_json::from_str(&text.expect_success()).unwrap();
    let rules = role["rules"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| rule["resources"] != serde_json::json!(["subjectaccessreviews"]));
    assert_eq!(rules.len(), before - 1);
    let rules = serde_json::json!({"rules": rules});
    stage.patch(ADMIN, &role, &rules).expect_success();
    // Somebody of whom nothing is remembered.
    let fresh = user(&unique("fresh"), &["create", "bind"]);
    let namespace = stage.plane.namespace();
    let output = stage.create(&fresh, &asking(role_binding(&namespace, "team")));
    assert!(!output.succeeded(), "{output}");
    for told in [
        "Warning: bindguard: nothing is ordered: whether its requester may create companions could \
         not be found out",
        "User alice lacks",
    ] {
        assert!(output.stderr.contains(told), "{output}");
    }
    stage.plane.accounts().restore(stage.plane);
    let again = eventually(Duration::from_secs(20), || {
        let output = stage.create(&fresh, &asking(role_binding(&namespace, &unique("team"))));
        output.succeeded().then_some(output)
    });
    let again = again.expect("the right counts again");
    assert!(again.stderr.contains("as ordered"), "{again}");
}
