//! Clients that mean no good. Each is one connection, or one after the other.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The first bytes of a handshake record that is 512 bytes long.
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
/// How slow the slow ones are: a byte in this time, so that there is always a sign of life.
const DRIP: Duration = Duration::from_millis(700);
/// Between one connection and the next: elsewhere clients do not take the server's own processors
/// from it.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the server closes the connection, dripping a byte now and then.
async fn drip<S>(stream: S, byte: u8)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let drip = async {
        while writer.write_all(&[byte]).await.is_ok() && writer.flush().await.is_ok() {
            sleep(DRIP).await;
        }
    };
    let mut buffer = [0; 1024];
    let read = async { while matches!(reader.read(&mut buffer).await, Ok(1..)) {} };
    tokio::select! {
        () = drip => {}
        () = read => {}
    }
}

/// Never completes its handshake.
pub(crate) async fn slow_handshake(endpoint: Endpoint) -> io::Result<()> {
    let mut stream = endpoint.tcp().await?;
    stream.write_all(HALF_HELLO).await?;
    drip(stream, 0).await;
    Ok(())
}

/// Never completes the head of its request.
pub(crate) async fn slow_head(endpoint: Endpoint) -> io::Result<()> {
    let mut stream = endpoint.http1().await?;
    stream
        .write_all(b"POST /validate HTTP/1.1\r\nhost: a\r\nx: ")
        .await?;
    drip(stream, b'y').await;
    Ok(())
}

/// The same in HTTP/2.
pub(crate) async fn slow_headers(endpoint: Endpoint) -> io::Result<()> {
    let mut stream = endpoint.http2().await?;
    stream.write_all(PREFACE).await?;
    // A frame of headers that announces 4,096 bytes.
    stream
        .write_all(b"\0\x10\0\x01\x04\0\0\0\x01\x82\x87")
        .await?;
    drip(stream, 0x82).await;
    Ok(())
}

/// Never completes its body.
pub(crate) async fn slow_body(endpoint: Endpoint) -> io::Result<()> {
    let mut stream = endpoint.http1().await?;
    let head = "POST /validate?timeout=30s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 1000000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await?;
    drip(stream, b' ').await;
    Ok(())
}

/// Connections with nothing begun on them, which are nobody's business for two minutes.
pub(crate) async fn idle(endpoint: &Endpoint, http2: bool) -> io::Result<TlsStream<TcpStream>> {
    if http2 {
        let mut stream = endpoint.http2().await?;
        stream.write_all(PREFACE).await?;
        stream.flush().await?;
        Ok(stream)
    } else {
        endpoint.http1().await
    }
}

/// Heads without end, one connection after the other.
pub(crate) async fn endless_head(endpoint: Endpoint) -> io::Result<()> {
    loop {
        sleep(PAUSE).await;
        let mut stream = endpoint.http1().await?;
        stream.write_all(b"POST /validate HTTP/1.1\r\n").await?;
        let line = format!("x: {}\r\n", "y".repeat(1_000));
        while stream.write_all(line.as_bytes()).await.is_ok() {}
    }
}

/// Frames that go on with the headers of one request without end.
pub(crate) async fn endless_headers(endpoint: Endpoint) -> io::Result<()> {
    loop {
        sleep(PAUSE).await;
        let mut stream = endpoint.http2().await?;
        stream.write_all(PREFACE).await?;
        stream.write_all(b"\0\0\x01\x01\0\0\0\0\x01\x82").await?;
        // A literal header that is never indexed, "x: yyy...", in a frame of its own.
        let mut frame = b"\0\x04\0\x09\0\0\0\0\x01\x10\x01x\x7f\xf9\x06".to_vec();
        frame.resize(9 + 1_024, b'y');
        while stream.write_all(&frame).await.is_ok() {}
    }
}

/// No TLS at all.
pub(crate) async fn garbage(endpoint: Endpoint) -> io::Result<()> {
    let garbage: Vec<u8> = (0..4_096_u32)
        .map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    for first in (0..=255_u8).cycle() {
        sleep(PAUSE).await;
        let mut stream = endpoint.tcp().await?;
        // It closes when it has seen enough.
        let _ = stream.write_all(&[&[first], &garbage[..]].concat()).await;
        let _ = stream.read(&mut [0; 64]).await;
    }
    Ok(())
}

/// Opens streams and resets them at once, without end.
pub(crate) async fn resets(endpoint: Endpoint) -> io::Result<()> {
    open_and_reset(endpoint, false).await
}

/// Opens streams, and resets them when their calls are in flight.
pub(crate) async fn abandoned_calls(endpoint: Endpoint) -> io::Result<()> {
    open_and_reset(endpoint, true).await
}

/// A hundred at a time over one connection until it is closed, and then the next. Whether each is
/// given the time to be looked at makes the difference: the others are nothing but a flood.
async fn open_and_reset(endpoint: Endpoint, accepted: bool) -> io::Result<()> {
    loop {
        sleep(PAUSE).await;
        let stream = endpoint.http2().await?;
        let Ok((mut sender, mut connection)) = h2::client::handshake(stream).await else {
            continue;
        };
        let mut pings = connection.ping_pong().unwrap();
        let connection = tokio::spawn(connection);
        let request = || {
            http::Request::post("https://localhost/validate")
                .header("content-type", "application/json")
                .body(())
                .unwrap()
        };
        'open: loop {
            let mut streams = Vec::new();
            for _ in 0..100 {
                match sender.ready().await {
                    Ok(ready) => sender = ready,
                    Err(_closed) => break 'open,
                }
                match sender.send_request(request(), false) {
                    Ok((_answer, body)) => streams.push(body),
                    Err(_closed) => break 'open,
                }
            }
            if accepted && pings.ping(h2::Ping::opaque()).await.is_err() {
                break;
            }
            for stream in &mut streams {
                stream.send_reset(h2::Reason::CANCEL);
            }
            tokio::task::yield_now().await;
        }
        connection.abort();
    }
}

/// Answers that are asked for and never taken.
pub(crate) async fn no_window(endpoint: Endpoint) -> io::Result<()> {
    loop {
        sleep(PAUSE).await;
        let mut stream = endpoint.http2().await?;
        stream.write_all(&PREFACE[..24]).await?;
        // Settings: no window for any stream.
        stream
            .write_all(b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0")
            .await?;
        for number in 0..100_u8 {
            // GET /x, by the static table.
            let mut frame = b"\0\0\x09\x01\x05\0\0\0\0\x82\x87\x44\x02/x\x41\x01a".to_vec();
            frame[8] = 2 * number + 1;
            if stream.write_all(&frame).await.is_err() {
                break;
            }
        }
        let mut buffer = [0; 4_096];
        while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
    }
}
