//! What one client may take of the server, where HTTP and the system set the limits.
//!
//! The others are where they are kept: [`places`](super::places) for connections,
//! [`activity`](super::activity) for time, [`load`](super::load) for memory,
//! [`body`](super::body) for bodies.

use std::net::SocketAddr;

use axum_server::Server;
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

use super::acceptor::PING_INTERVAL;
use super::descriptors;

/// The most connections of the webhook port. An API server has one, over HTTP/2, or as many as it
/// has calls at once over HTTP/1.1.
const MAX_WEBHOOK: usize = 2_048;
/// The most connections of the admin port.
const MAX_ADMIN: usize = 256;
/// File descriptors that are not for connections: the ports, the log, the watch of the cluster,
/// files that are read, and what the runtime has.
const OWN_DESCRIPTORS: usize = 24;
/// Calls at once on an HTTP/2 connection; what Go's server takes.
const MAX_CONCURRENT_STREAMS: u32 = 250;
/// What a client may send of one body, and of all on a connection, before it must wait to be told
/// to go on. The default of 64 KiB would cost a body of 7 MiB a hundred round trips. Fixed, where
/// hyper could adapt it to the line: that takes a ping for every few frames.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// The head of a request, which takes the API server some 400 bytes. In HTTP/1.1 it is also what is
/// read of a body at once. (hyper takes no more than 100 headers by itself.)
const MAX_HEAD_HTTP1: usize = 32 * 1024;
/// The same in HTTP/2, as it is once it is unpacked.
const MAX_HEAD_HTTP2: u32 = 16 * 1024;
/// Streams that a client reset before they were looked at; more end the connection.
const MAX_PENDING_RESETS: usize = 20;
/// Streams that we had to reset because their client broke the rules; more end the connection.
const MAX_ERROR_RESETS: usize = 100;

/// How many connections each port takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PortPlaces {
    pub(super) webhook: usize,
    pub(super) admin: usize,
}

/// As many as the process has file descriptors for, within reason: where connections took them
/// all, the next would wait in the kernel until one of the others ends, the API server's too.
pub(super) fn places() -> PortPlaces {
    places_within(descriptors::limit().unwrap_or(usize::MAX))
}

fn places_within(descriptors: usize) -> PortPlaces {
    let free = descriptors.saturating_sub(OWN_DESCRIPTORS);
    PortPlaces {
        // The rest is for those that are told to make way and are not gone yet.
        webhook: (free / 4 * 3).clamp(8, MAX_WEBHOOK),
        admin: (free / 8).clamp(4, MAX_ADMIN),
    }
}

/// A server on this port that keeps to the limits of this page.
///
/// It has no time-outs of its own for heads and idle connections; the streams of its acceptor do.
pub(super) fn server(listener: TcpListener) -> Server<SocketAddr> {
    let mut server = Server::from_listener(listener);
    set(server.http_builder());
    server
        .http_builder()
        .http2()
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    server
}

/// Sets those limits that need no clock.
pub(super) fn set<E>(http: &mut Builder<E>) {
    http.http1().max_buf_size(MAX_HEAD_HTTP1);
    http.http2()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEAD_HTTP2)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS);
}

#[cfg(test)]
mod tests {
    use super::{OWN_DESCRIPTORS, places_within};

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        for limit in [64, 100, 256, 1_024, 4_096, 1_048_576, usize::MAX] {
            let places = places_within(limit);
            let slack = (places.webhook / 8).max(1) + (places.admin / 8).max(1);
            assert!(places.webhook + places.admin + slack + OWN_DESCRIPTORS <= limit);
        }
    }

    #[test]
    fn there_are_places_however_few_the_descriptors() {
        let places = places_within(0);
        assert_eq!((places.webhook, places.admin), (8, 4));
        let places = places_within(usize::MAX);
        assert_eq!((places.webhook, places.admin), (2_048, 256));
    }
}
