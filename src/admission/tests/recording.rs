//! Answers while the stream of audit lines does not work.

use std::io::{self, Write};
use std::time::Duration;

use tokio::time::Instant;

use super::bench::{Bench, Live, create};
use crate::audit::log::AuditLog;
use crate::domain::policy::Policy;

/// A stream that takes so long for a line, or for ever.
struct Slow(Option<Duration>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            Some(time) => std::thread::sleep(time),
            None => std::thread::park(),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn with_stream(stream: impl Write + Send + 'static) -> Bench {
    let mut bench = Bench::new(Policy::built_in(), &[], Live::Users(&[]));
    bench.webhook.audit = AuditLog::start(stream, bench.webhook.metrics.clone()).unwrap();
    bench
}

async fn denied(bench: &Bench, timeout: Duration) {
    let answer = bench.validate_within(&create(&["alice"]), timeout).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_refusal_is_answered_in_time_although_its_line_is_stuck() {
    let bench = with_stream(Slow(None));
    let started = Instant::now();
    denied(&bench, Duration::from_millis(600)).await;
    assert!(started.elapsed() < Duration::from_millis(400));
    assert!(bench.has_metric("bindguard_decisions_total{decision=\"deny\"} 1"));
    assert!(bench.has_metric("bindguard_audit_lines_waiting 1"));
    assert!(bench.has_metric("bindguard_audit_lines_late_total 1"));
}

#[tokio::test]
async fn a_refusal_is_answered_and_its_line_counted_as_lost_when_the_stream_is_closed() {
    let bench = with_stream(Closed);
    denied(&bench, Duration::from_secs(10)).await;
    assert!(bench.has_metric("bindguard_decisions_total{decision=\"deny\"} 1"));
    assert!(bench.has_metric("bindguard_audit_lines_lost_total{decision=\"deny\"} 1"));
    assert!(bench.has_metric("bindguard_audit_lines_waiting 0"));
}

#[tokio::test]
async fn a_slow_stream_gets_every_line() {
    let bench = with_stream(Slow(Some(Duration::from_millis(100))));
    denied(&bench, Duration::from_secs(10)).await;
    assert!(bench.has_metric("bindguard_audit_lines_total{decision=\"deny\"} 1"));
    assert!(bench.has_metric("bindguard_audit_lines_late_total 0"));
}
