//! Where the policy says `provisioning.mode: Always`.

use std::time::Duration;

use serde_json::Value;

use crate::crew::{Crew, both_kinds, subject_of};
use crate::support::ControlPlane;
use crate::world::{both, user};

const ALWAYS: &str = "apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
spec:
  provisioning: {mode: Always}
";

#[test]
fn every_binding_orders_without_being_asked_if_its_requester_may() {
    let plane = Box::leak(Box::new(ControlPlane::start(&[])));
    let crew = Crew::gather(plane, ALWAYS);
    crew.restore();
    let namespace = plane.namespace();
    for object in both_kinds(&namespace) {
        let dry_run = crew.create_with(both(), &["--dry-run=server"], &object);
        assert!(dry_run.succeeded(), "{dry_run}");
        assert!(
            dry_run.stderr.contains("would be bound to User"),
            "{dry_run}"
        );
        let output = crew.create(both(), &object);
        assert!(output.succeeded(), "{output}");
        assert!(output.stderr.contains("will be bound to User"), "{output}");
        crew.wait_for_companions(subject_of(&object));
    }
    // Others are refused as ever, and are told why nothing is ordered for them.
    let [object, _] = both_kinds(&namespace);
    let refused = crew.create(user("norman", &[]), &object).expect_failure();
    assert!(
        refused.contains("norman lacks \"create\" on clusterrolebindings"),
        "{refused}"
    );
    assert!(refused.contains("denied the request"), "{refused}");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(crew.made_for(subject_of(&object)), Vec::<Value>::new());
}
