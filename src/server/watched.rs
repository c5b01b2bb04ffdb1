//! A connection's stream, which ends by itself when its client takes too long, or has to make way.
//!
//! hyper has a time-out for reading a head, and counts idle time as part of it. So either a client
//! that drips its head byte by byte is given two minutes, or an idle connection is closed while the
//! API server is about to use it. Here the two are told apart by what came and what goes on.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::telemetry::labels::Cut;
use crate::telemetry::metrics::Metrics;

use super::activity::{Activity, HEAD_TIMEOUT, SEND_TIMEOUT};
use super::framing::{Framing, Progress};
use super::places::MakeWay;

/// How often a connection is looked at: limits are kept to within this. A timer that runs on costs
/// less than one that is set anew with each request.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The stream of a connection after its handshake.
#[derive(Debug)]
pub(super) struct Watched<IO> {
    io: IO,
    activity: Arc<Activity>,
    make_way: Option<MakeWay>,
    metrics: Metrics,
    framing: Framing,
    /// When the part of HTTP/2 began that is not complete.
    partial_since: Option<Instant>,
    /// Since when the client takes nothing, though there is something for it.
    blocked_since: Option<Instant>,
    next_look: Pin<Box<Sleep>>,
}

impl<IO> Watched<IO> {
    pub(super) fn new(
        io: IO,
        activity: Arc<Activity>,
        make_way: Option<MakeWay>,
        metrics: Metrics,
    ) -> Self {
        Self {
            io,
            activity,
            make_way,
            metrics,
            framing: Framing::default(),
            partial_since: None,
            blocked_since: None,
            next_look: Box::pin(sleep_until(Instant::now() + LOOK_EVERY)),
        }
    }

    /// Takes note of bytes that came.
    fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        self.framing.receive(bytes);
        match self.framing.progress() {
            Progress::Http1 => {
                self.partial_since = None;
                self.activity.received_http1(now);
            }
            Progress::Complete => self.partial_since = None,
            Progress::Partial => {
                self.partial_since.get_or_insert(now);
            }
        }
        // One that never stops sending never comes to wait for the timer.
        if now >= self.next_look.deadline() {
            self.look(now)?;
        }
        Ok(())
    }

    /// To be called whenever the stream waits for its client, so that it is woken to be looked at.
    fn waits(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(make_way) = &mut self.make_way {
            match make_way.poll_unpin(context) {
                Poll::Ready(Ok(())) => return Err(self.cut(Cut::MadeWay)),
                Poll::Ready(Err(_)) => self.make_way = None,
                Poll::Pending => {}
            }
        }
        while self.next_look.as_mut().poll(context).is_ready() {
            self.look(Instant::now())?;
        }
        Ok(())
    }

    fn look(&mut self, now: Instant) -> io::Result<()> {
        self.next_look.as_mut().reset(now + LOOK_EVERY);
        let longer_than = |limit: Duration, since: Option<Instant>| {
            since.is_some_and(|since| now.saturating_duration_since(since) >= limit)
        };
        let reason = if longer_than(HEAD_TIMEOUT, self.partial_since) {
            Some(Cut::SlowRequest)
        } else if longer_than(SEND_TIMEOUT, self.blocked_since) {
            Some(Cut::SlowReader)
        } else {
            self.activity.overdue(now)
        };
        reason.map_or(Ok(()), |reason| Err(self.cut(reason)))
    }

    fn cut(&self, reason: Cut) -> io::Error {
        self.metrics.connection_cut(reason);
        tracing::debug!(?reason, "a connection was closed");
        io::ErrorKind::TimedOut.into()
    }

    /// Takes note of whether the client took what there was for it.
    fn sent<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.blocked_since = None;
            return result;
        }
        self.blocked_since.get_or_insert_with(Instant::now);
        self.waits(context)?;
        Poll::Pending
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.io).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                this.received(buffer.filled().get(before..).unwrap_or_default())?;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                this.waits(context)?;
                Poll::Pending
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(context, bytes);
        this.sent(result, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(context, slices);
        this.sent(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_flush(context);
        this.sent(result, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_shutdown(context);
        this.sent(result, context)
    }
}
