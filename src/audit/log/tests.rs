use std::io::{self, Write};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::time::Instant;

use super::{AuditLog, PATIENCE, QUEUE, Written};
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

/// A stream that takes a line for each word it is given, and all once the giver is gone.
struct Gated {
    gate: mpsc::Receiver<()>,
    lines: Arc<Mutex<Vec<u8>>>,
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.gate.recv();
        self.lines.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    log: AuditLog,
    metrics: Metrics,
    lines: Arc<Mutex<Vec<u8>>>,
    gate: mpsc::Sender<()>,
}

impl Bench {
    /// A log whose stream takes nothing yet.
    fn blocked() -> Self {
        let (gate, words) = mpsc::channel();
        let lines = Arc::<Mutex<Vec<u8>>>::default();
        let stream = Gated {
            gate: words,
            lines: Arc::clone(&lines),
        };
        let metrics = Metrics::new("0.0.0");
        Self {
            log: AuditLog::start(stream, metrics.clone()).unwrap(),
            metrics,
            lines,
            gate,
        }
    }

    /// Lets the stream take one more line.
    fn take_one(&self) {
        self.gate.send(()).unwrap();
    }

    async fn write(&self, line: &str) -> Written {
        write(&self.log, line).await
    }

    fn count(&self, metric: &str) -> i64 {
        let text = self.metrics.encode();
        let prefix = format!("bindguard_{metric} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value.unwrap().parse().unwrap()
    }

    /// Lines that are written, lost and waiting.
    fn counts(&self) -> (i64, i64, i64) {
        (
            self.count("audit_lines_total{decision=\"deny\"}"),
            self.count("audit_lines_lost_total{decision=\"deny\"}"),
            self.count("audit_lines_waiting"),
        )
    }
}

async fn write(log: &AuditLog, line: &str) -> Written {
    let until = Instant::now() + Duration::from_mins(1);
    let bytes = format!("{line}\n").into_bytes();
    log.turn(until).await.write(bytes, Decision::Deny).await
}

#[tokio::test]
async fn a_line_is_in_the_stream_once_it_is_written() {
    let bench = Bench::blocked();
    for line in ["one", "two"] {
        bench.take_one();
        assert_eq!(bench.write(line).await, Written::Yes);
    }
    assert_eq!(bench.lines.lock().unwrap().as_slice(), b"one\ntwo\n");
    assert_eq!(bench.counts(), (2, 0, 0));
}

#[tokio::test]
async fn a_stream_that_is_closed_loses_lines_at_once_and_is_tried_again() {
    struct Closed(bool);
    impl Write for Closed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, false) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let metrics = Metrics::new("0.0.0");
    let log = AuditLog::start(Closed(true), metrics.clone()).unwrap();
    let started = Instant::now();
    assert_eq!(write(&log, "one").await, Written::No);
    assert_eq!(write(&log, "two").await, Written::Yes);
    assert!(started.elapsed() < Duration::from_millis(500));
    let text = metrics.encode();
    assert!(text.contains("bindguard_audit_lines_lost_total{decision=\"deny\"} 1\n"));
    assert!(text.contains("bindguard_audit_lines_total{decision=\"deny\"} 1\n"));
}

#[tokio::test]
async fn only_the_first_call_waits_long_for_a_stream_that_is_stuck() {
    let bench = Bench::blocked();
    let started = Instant::now();
    assert_eq!(bench.write("one").await, Written::NotYet);
    assert!(started.elapsed() >= PATIENCE);
    for _ in 0..20 {
        assert_eq!(bench.write("more").await, Written::NotYet);
    }
    // Half of what it would take if each of them did.
    assert!(started.elapsed() < 10 * PATIENCE, "{:?}", started.elapsed());
    assert_eq!(bench.counts(), (0, 0, 21));
    assert_eq!(bench.count("audit_lines_late_total"), 21);
}

#[tokio::test]
async fn lines_that_are_written_late_count_as_written_and_calls_wait_again() {
    let mut bench = Bench::blocked();
    for line in ["one", "two", "three"] {
        assert_eq!(bench.write(line).await, Written::NotYet);
    }
    let (open, _) = mpsc::channel();
    drop(std::mem::replace(&mut bench.gate, open));
    assert!(bench.log.flush(Duration::from_secs(5)).await);
    assert_eq!(bench.counts(), (3, 0, 0));
    assert_eq!(bench.write("four").await, Written::Yes);
    let lines = bench.lines.lock().unwrap().clone();
    assert_eq!(lines, b"one\ntwo\nthree\nfour\n");
}

#[tokio::test]
async fn a_call_gives_the_stream_no_more_time_than_it_has() {
    let bench = Bench::blocked();
    let started = Instant::now();
    let turn = bench.log.turn(started + Duration::from_millis(50)).await;
    let written = turn.write(b"one\n".to_vec(), Decision::Deny).await;
    assert_eq!(written, Written::NotYet);
    assert!(started.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn what_finds_no_place_is_lost_and_counted() {
    let bench = Bench::blocked();
    // One is in the writer's hands, and the queue is full of the rest.
    let mut waiting = Vec::new();
    for _ in 0..=QUEUE {
        let log = bench.log.clone();
        waiting.push(tokio::spawn(async move { write(&log, "line").await }));
    }
    for call in waiting {
        assert_eq!(call.await.unwrap(), Written::NotYet);
    }
    assert_eq!(bench.write("one too many").await, Written::No);
    let places = i64::try_from(QUEUE).unwrap() + 1;
    assert_eq!(bench.counts(), (0, 1, places));
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_turn_has_written_nothing() {
    let bench = Bench::blocked();
    let turn = bench.log.turn(Instant::now() + PATIENCE).await;
    drop(turn);
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_has_written_its_line() {
    let bench = Bench::blocked();
    let short = Duration::from_millis(50);
    let dropped = tokio::time::timeout(short, bench.write("one")).await;
    dropped.unwrap_err();
    bench.take_one();
    assert!(bench.log.flush(Duration::from_secs(5)).await);
    assert_eq!(bench.counts(), (1, 0, 0));
}

#[tokio::test]
async fn flushing_a_stream_that_is_stuck_takes_no_longer_than_it_may() {
    let bench = Bench::blocked();
    assert_eq!(bench.write("one").await, Written::NotYet);
    assert!(!bench.log.flush(Duration::from_millis(50)).await);
}
