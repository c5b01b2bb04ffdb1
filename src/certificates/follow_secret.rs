//! Following the Secret that holds what is served.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use tokio::time::timeout;

use super::follow::Outcome;
use super::pair::{Pair, Validity};
use super::secret::{ServingError, read_pair};
use super::served::ServedCertificate;
use crate::kubernetes::object_watch::ObjectWatch;
use crate::telemetry::causes::WithCauses;

/// How often a pair that was rejected is looked at again: the time alone can make it good.
const AGAIN: Duration = Duration::from_secs(5);

/// Serves what the Secret holds, whenever that changes and is a pair. Never ends.
///
/// A pair that is broken or expired is logged and given to `observe` once; the one before it stays
/// in use, and so it does when the Secret is deleted. Watches the Secret itself.
pub async fn follow_secret(
    watch: &ObjectWatch<Secret>,
    served: Arc<ServedCertificate>,
    now: impl Fn() -> Timestamp,
    mut observe: impl FnMut(&Outcome<ServingError>),
) -> Infallible {
    let mut known = watch.subscribe();
    let following = async {
        let mut rejected = None;
        loop {
            let secret = known.borrow_and_update().object().cloned();
            match secret.as_ref().map(|secret| next(secret, &served, now())) {
                None => {}
                Some(Ok(None)) => rejected = None,
                Some(Ok(Some(pair))) => {
                    rejected = None;
                    let Validity {
                        not_before,
                        not_after,
                    } = pair.validity();
                    served.replace(pair);
                    tracing::info!(
                        %not_before,
                        %not_after,
                        "the certificate of the Secret is served from the next connection on"
                    );
                    observe(&Outcome::InForce);
                }
                Some(Err(error)) => {
                    let version = secret.and_then(|secret| secret.metadata.resource_version);
                    // Told once of each state of the Secret: the time alone may make it good.
                    if rejected.as_ref() != Some(&version) {
                        let in_use = served.validity();
                        let in_use = in_use.map(|validity| validity.not_after.to_string());
                        tracing::error!(
                            error = %WithCauses(&error),
                            in_use_until = in_use,
                            "the Secret cannot be used; a certificate before it stays in use"
                        );
                        rejected = Some(version);
                        observe(&Outcome::Rejected(error));
                    }
                }
            }
            // That the sender is gone does not happen: the watch outlives this.
            let _ = timeout(AGAIN, known.changed()).await;
        }
    };
    tokio::select! {
        never = following => never,
        never = watch.run() => never,
    }
}

/// The pair that the Secret holds, if it is another than the one in use.
fn next(
    secret: &Secret,
    served: &ServedCertificate,
    now: Timestamp,
) -> Result<Option<Pair>, ServingError> {
    let Some((chain, key)) = read_pair(secret)? else {
        return Ok(None);
    };
    let in_use = served.current();
    if in_use.is_some_and(|pair| pair.chain() == chain.certificates()) {
        return Ok(None);
    }
    Ok(Some(Pair::new(chain, key, now)?))
}

#[cfg(test)]
#[path = "follow_secret_tests.rs"]
mod tests;
