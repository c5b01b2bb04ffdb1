//! What Helm runs before and after.

use serde_json::{Value, json};

use crate::chart::Rendering;
use crate::matrix::cases;

fn hooks(object: &Value) -> Option<&str> {
    object
        .pointer("/metadata/annotations/helm.sh~1hook")?
        .as_str()
}

#[test]
fn hooks_bring_their_rights_first_and_take_them_away_again() {
    for case in cases() {
        for object in &case.rendering.objects {
            let component = &object["metadata"]["labels"]["app.kubernetes.io/component"];
            let is_of_hook = component == "verify" || component == "unregister";
            assert_eq!(
                hooks(object).is_some(),
                is_of_hook,
                "{}: {object:#}",
                case.name
            );
            if is_of_hook {
                let annotations = &object["metadata"]["annotations"];
                let weight = if object["kind"] == "Job" { "0" } else { "-10" };
                assert_eq!(annotations["helm.sh/hook-weight"], weight);
                assert_eq!(
                    annotations["helm.sh/hook-delete-policy"],
                    "before-hook-creation,hook-succeeded"
                );
            }
        }
        case.rendering.object("Job", "bindguard-unregister");
    }
}

#[test]
fn the_check_runs_after_install_and_upgrade_unless_it_is_switched_off_or_could_see_nothing() {
    let when = |values: Value, namespace: &str| {
        let rendering = Rendering::in_release("bindguard", namespace, &values);
        let jobs = rendering.of_kind("Job").into_iter();
        let mut checks = jobs.filter(|job| job["metadata"]["name"] == "bindguard-verify");
        checks.next().map(|job| hooks(job).unwrap().to_owned())
    };
    let always = Some("post-install,post-upgrade,test".to_owned());
    assert_eq!(when(json!({}), "bindguard"), always);
    let off = json!({"startupCheck": {"enabled": false}});
    assert_eq!(when(off, "bindguard"), Some("test".to_owned()));
    assert_eq!(when(json!({}), "kube-system"), None);
    assert_eq!(
        when(json!({"policy": {"action": "Audit"}}), "bindguard"),
        None
    );
    let warns = json!({"policy": {"action": "Audit", "personas": [{"name": "a", "clusterRoles": ["x"], "action": "Warn"}]}});
    assert_eq!(when(warns, "bindguard"), always);
}
