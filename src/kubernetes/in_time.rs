//! Calls that somebody waits for only so long.

use std::time::Duration;

use tokio::time::timeout;

use crate::telemetry::causes::WithCauses;

/// What a call answers, or in words why there is no answer within this time.
///
/// # Errors
///
/// If the call fails, or takes longer.
pub async fn in_time<T>(
    patience: Duration,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, String> {
    match timeout(patience, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(WithCauses(&error).to_string()),
        Err(_elapsed) => Err(format!("no answer within {patience:?}")),
    }
}
