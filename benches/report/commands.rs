//! Commands that end by themselves: how long they take, and how much memory.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::process::peak_memory_of;

/// Often enough that the last look is at nearly the peak.
const PAUSE: Duration = Duration::from_millis(2);

/// Seconds that a command takes, and MiB that it has resident at most. It may find something wrong,
/// but not fail.
pub(crate) fn run(mut command: Command) -> (f64, f64) {
    let null = fs::File::create("/dev/null").expect("there is a null device");
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(null)
        .spawn()
        .expect("bindguard starts");
    let mut peak = 0.0_f64;
    let status = loop {
        if let Some(mebibytes) = peak_memory_of(child.id()) {
            peak = peak.max(mebibytes);
        }
        if let Some(status) = child.try_wait().expect("our own child can be waited for") {
            break status;
        }
        sleep(PAUSE);
    };
    assert!(
        matches!(status.code(), Some(0 | 1)),
        "{command:?}: {status}"
    );
    (begin.elapsed().as_secs_f64(), peak)
}
