//! A request's body, read whole and within bounds.

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use bytes::BytesMut;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use tokio::time::{self, Instant};

use super::load::{Busy, Charge};
use super::refusal::Refusal;

/// The largest body that is read: an UPDATE review holds two objects, and the API server takes
/// objects of up to 3 MiB.
pub(super) const MAX_BODY_BYTES: usize = 7 * 1024 * 1024;

/// How much of a body that nobody wants is let in, and for how long.
const DISCARDED_BYTES: usize = 32 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Reads a body that is complete within the time given, and says how long it was waited for. What
/// it holds is charged as it comes.
pub(super) async fn read(
    body: &mut Body,
    within: Duration,
    charge: &mut Charge,
) -> Result<(Bytes, Duration), Refusal> {
    let mut reading = pin!(read_whole(body, charge));
    // Most bodies are there together with their head, and no clock is needed.
    if let Some(read) = reading.as_mut().now_or_never() {
        return Ok((read?, Duration::ZERO));
    }
    let began = Instant::now();
    let read = time::timeout(within, reading).await;
    let bytes = read.unwrap_or(Err(Refusal::BodyLate(within)))?;
    Ok((bytes, began.elapsed()))
}

/// Lets the rest of a refused body in, within bounds, and drops it.
///
/// A client that still sends while its request is answered, and the connection or stream closed,
/// often sees the reset and not the answer (Go and curl both do), and so never learns the reason.
pub(super) async fn discard(mut body: Body, headers: &HeaderMap) {
    // Who asked whether to send it at all has not sent it, and will not.
    if headers.contains_key(EXPECT) {
        return;
    }
    let rest = async {
        let mut discarded = 0;
        while discarded < DISCARDED_BYTES
            && let Ok(Some(data)) = next_data(&mut body).await
        {
            discarded = discarded.saturating_add(data.len());
        }
    };
    // What is not over by then is cut off.
    drop(time::timeout(DISCARD_TIME, rest).await);
}

async fn read_whole(body: &mut Body, charge: &mut Charge) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |bytes| bytes > MAX_BODY_BYTES) {
        return Err(Refusal::TooLarge);
    }
    // Most bodies come in one piece, which is not copied. Of the others no list is kept: pieces of
    // one byte each would cost 40 times what they hold.
    let Some(first) = next_data(body).await? else {
        return Ok(Bytes::new());
    };
    charge.grow(first.len()).map_err(|Busy| Refusal::Busy)?;
    if first.len() > MAX_BODY_BYTES {
        return Err(Refusal::TooLarge);
    }
    let mut joined = BytesMut::new();
    while let Some(data) = next_data(body).await? {
        charge.grow(data.len()).map_err(|Busy| Refusal::Busy)?;
        if joined.is_empty() {
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&data);
        if joined.len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.freeze()
    })
}

async fn next_data(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a request's body broke off");
            Refusal::BodyBroken
        })?;
        // Anything else is trailers, of which nothing is expected.
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
