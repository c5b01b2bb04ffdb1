//! Names, labels and annotations.

use serde_json::{Value, json};

use crate::chart::{Rendering, at, workloads};
use crate::matrix::cases;

#[test]
fn names_follow_the_release_and_fit_wherever_they_are_used() {
    let name = |release: &str, values: Value| {
        let rendering = Rendering::in_release(release, "other", &values);
        let services = rendering.of_kind("Service");
        let name = services[0]["metadata"]["name"].as_str().unwrap().to_owned();
        for object in &rendering.objects {
            let own = object["metadata"]["name"].as_str().unwrap();
            // A cluster has one bindguard that takes orders.
            let is_of_orders = ["bindguard-epoch", "bindguard-orders"].contains(&own);
            if own.ends_with(".bindguard.dev") || is_of_orders {
                continue;
            }
            assert!(own.starts_with(&name) && own.len() <= 63, "{own}");
        }
        name
    };
    assert_eq!(name("bindguard", json!({})), "bindguard");
    assert_eq!(name("my-bindguard", json!({})), "my-bindguard");
    assert_eq!(name("vmo", json!({})), "vmo-bindguard");
    assert_eq!(name("vmo", json!({"nameOverride": "guard"})), "vmo-guard");
    assert_eq!(name("vmo", json!({"fullnameOverride": "x"})), "x");
    assert_eq!(name("a.b", json!({})), "a-b-bindguard");
    let long = name(&"r".repeat(53), json!({}));
    assert_eq!(long, "r".repeat(50));
    let whole = format!("f{}", "o".repeat(49));
    assert_eq!(name("vmo", json!({ "fullnameOverride": whole })), whole);
}

#[test]
fn labels_and_annotations_of_the_user_are_everywhere_and_replace_none_that_mean_something() {
    let case = cases()
        .iter()
        .find(|case| case.name == "many labels")
        .unwrap();
    for object in &case.rendering.objects {
        let metadata = &object["metadata"];
        assert_eq!(metadata["labels"]["team"], "platform");
        assert_eq!(metadata["labels"]["app.kubernetes.io/part-of"], "bindguard");
        assert_eq!(metadata["annotations"]["note"], "x: y");
    }
    for workload in workloads(&case.rendering) {
        let pod = at(workload, "/spec/template/metadata");
        assert_eq!(pod["labels"]["team"], "platform");
        assert_eq!(pod["labels"]["pod"], "1");
        assert_ne!(pod["labels"]["app.kubernetes.io/component"], "other");
        assert_eq!(pod["annotations"]["numbers"], "12");
    }
}

#[test]
fn the_pod_monitor_reads_the_port_of_both_and_of_no_job() {
    let case = cases()
        .iter()
        .find(|case| case.name == "all that can be added")
        .unwrap();
    let monitor = case.rendering.object("PodMonitor", "bindguard");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(
        *at(monitor, "/spec/podMetricsEndpoints"),
        json!([{"port": "admin", "interval": "1m"}])
    );
    let component = at(monitor, "/spec/selector/matchExpressions/0/values");
    assert_eq!(*component, json!(["serve", "controller"]));
    let everywhere = cases()
        .iter()
        .filter(|case| !case.rendering.of_kind("PodMonitor").is_empty());
    assert_eq!(everywhere.count(), 1, "only where it is asked for");
}
