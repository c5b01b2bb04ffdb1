//! From what is watched to readiness and metrics.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::certificates::authority::Authority;
use crate::certificates::manage::Watches;
use crate::certificates::pair::Validity;
use crate::certificates::secret::{read_authorities, read_serving};
use crate::server::readiness::{Condition, Readiness};
use crate::telemetry::labels::Certificate;
use crate::telemetry::metrics::Metrics;

/// How often it is looked at though nothing changes.
const INTERVAL: Duration = Duration::from_secs(1);
/// A watch that fails for so long is more than an API server that starts again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Keeps readiness and gauges right. Never ends.
///
/// Who manages no certificates needs no right to look at them, and is ready without.
pub(super) async fn watches(
    watches: &Watches,
    is_external: bool,
    readiness: &Readiness,
    metrics: &Metrics,
) -> Infallible {
    let mut changes = watches.changes();
    let mut fresh_at = None;
    loop {
        if is_external || watches.are_fresh() {
            fresh_at = Some(Instant::now());
        }
        let works = fresh_at.is_some_and(|at| at.elapsed() < PATIENCE);
        readiness.set(Condition::Watching, works);
        show(watches, metrics);
        let _ = timeout(INTERVAL, changes.next()).await;
    }
}

fn show(watches: &Watches, metrics: &Metrics) {
    let life = |validity: Validity| (validity.not_after.as_second(), validity.life());
    let authorities = read_authorities(watches.authorities.current().object());
    let serving = read_serving(watches.serving.current().object());
    let signing = authorities.authorities.signing.as_ref();
    // Where somebody else signs, the Secret may name the authority beside the certificate.
    let named = serving.authorities.first();
    let authority = signing.map(Authority::certificate).or(named);
    metrics.set_certificate(Certificate::Ca, authority.map(|ca| life(ca.validity())));
    let serving = serving.serving.as_ref();
    let serving = serving.map(|serving| life(serving.facts.validity));
    metrics.set_certificate(Certificate::Serving, serving);
}
