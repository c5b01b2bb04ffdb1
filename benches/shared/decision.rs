//! One whole decision, without a socket.

use bindguard::admission::respond::Response;
use bindguard::admission::review::decode;
use bindguard::domain::assess::assess;
use bindguard::domain::conclude::{Allowed, Decision, Evidence, conclude};
use bindguard::state::snapshot::Snapshot;

/// From the bytes of a review to the bytes of its answer, which must be that all are covered.
pub(crate) fn decide(body: &[u8], snapshot: &Snapshot) -> Vec<u8> {
    let review = decode(body).expect("the body is a review");
    let binding = review.binding().expect("a binding is under review");
    let policy = snapshot.policy();
    let assessment = assess(policy, &binding, review.previous().as_ref(), snapshot);
    let requester = &review.requester;
    let evidence = Evidence {
        requester_exempt: policy.exempts_requester(&requester.username, &requester.groups),
        dry_run: review.dry_run,
        ordered: &[],
    };
    let decision = conclude(policy, assessment, evidence);
    assert!(
        matches!(decision, Decision::Allow(Allowed::Covered)),
        "not covered: {decision:?}"
    );
    Response::allow(&review.uid).encode()
}
