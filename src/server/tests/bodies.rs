use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{EXPECT, HeaderValue};
use futures::stream;
use tokio::time::{Instant, sleep};

use super::super::body::MAX_BODY_BYTES;
use super::calls::{expect_status, post, send, text};

/// A body that comes in pieces, its length untold, each after a pause.
fn in_pieces(pieces: Vec<io::Result<Bytes>>, pause: Duration) -> Body {
    Body::from_stream(stream::unfold(
        pieces.into_iter(),
        move |mut rest| async move {
            let next = rest.next()?;
            sleep(pause).await;
            Some((next, rest))
        },
    ))
}

#[tokio::test]
async fn a_body_of_seven_mebibytes_is_read_and_one_byte_more_is_not() {
    let largest = vec![b' '; MAX_BODY_BYTES];
    let response = send(post("/validate", largest.clone())).await;
    assert!(text(response).await.starts_with("7340032 bytes"));
    let too_large = [largest, vec![b' ']].concat();
    let response = send(post("/validate", too_large)).await;
    expect_status(response, StatusCode::PAYLOAD_TOO_LARGE, "larger than 7 MiB").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_of_untold_length_is_read_up_to_the_same_size() {
    let pieces = |bytes: usize| {
        let piece = Bytes::from(vec![b' '; 64 * 1024]);
        let mut pieces: Vec<_> = (0..bytes / piece.len())
            .map(|_| Ok(piece.clone()))
            .collect();
        pieces.push(Ok(piece.slice(..bytes % piece.len())));
        in_pieces(pieces, Duration::ZERO)
    };
    let response = send(post("/validate", pieces(MAX_BODY_BYTES))).await;
    assert!(text(response).await.starts_with("7340032 bytes"));
    let response = send(post("/validate", pieces(MAX_BODY_BYTES + 1))).await;
    expect_status(response, StatusCode::PAYLOAD_TOO_LARGE, "larger than 7 MiB").await;
    let one_piece = vec![Ok(Bytes::from(vec![b' '; MAX_BODY_BYTES + 1]))];
    let response = send(post("/validate", in_pieces(one_piece, Duration::ZERO))).await;
    expect_status(response, StatusCode::PAYLOAD_TOO_LARGE, "larger than 7 MiB").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_wants_is_waited_for_no_longer_than_two_seconds() {
    let endless = || {
        let pieces = (0..1_000).map(|_| Ok(Bytes::from_static(b"x"))).collect();
        in_pieces(pieces, Duration::from_secs(1))
    };
    let started = Instant::now();
    let response = send(post("/elsewhere", endless())).await;
    assert_eq!(started.elapsed().as_secs(), 2);
    assert_eq!(response.status(), StatusCode::NOT_FOUND);

    // Who asks before sending is told at once.
    let mut request = post("/elsewhere", endless());
    request
        .headers_mut()
        .insert(EXPECT, HeaderValue::from_static("100-continue"));
    let started = Instant::now();
    let response = send(request).await;
    assert_eq!(started.elapsed().as_secs(), 0);
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pieces_are_put_together_in_their_order() {
    let pieces = ["", "a", "", "bc", "d", ""].map(|piece| Ok(piece.into()));
    let body = in_pieces(pieces.into(), Duration::ZERO);
    assert_eq!(text(send(post("/mutate", body)).await).await, "abcd");
    let nothing = in_pieces(Vec::new(), Duration::ZERO);
    assert_eq!(text(send(post("/mutate", nothing)).await).await, "");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let pieces = vec![Ok("{".into()), Err(io::ErrorKind::ConnectionReset.into())];
    let response = send(post("/validate", in_pieces(pieces, Duration::ZERO))).await;
    expect_status(
        response,
        StatusCode::BAD_REQUEST,
        "ended before it was complete",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_waited_for_no_longer_than_the_caller_waits() {
    for (uri, seconds) in [
        ("/validate", 10),
        ("/validate?timeout=30s", 10),
        ("/validate?timeout=2s", 2),
    ] {
        let started = Instant::now();
        let pieces = vec![Ok("{".into()), Ok("}".into())];
        let response = send(post(uri, in_pieces(pieces, Duration::from_mins(1)))).await;
        assert_eq!(started.elapsed().as_secs(), seconds);
        expect_status(response, StatusCode::BAD_REQUEST, "did not arrive within").await;
    }
}
