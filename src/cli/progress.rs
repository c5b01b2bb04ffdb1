//! A bar on standard error for what takes longer than a second. Only on a terminal.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// What is going on. The bar goes when this is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// Its end tells the one who waits to show the bar that there is nothing to show.
    _ended: Sender<()>,
}

impl Progress {
    /// Begins something, which may have a known end.
    pub(super) fn begin(what: &'static str) -> Self {
        let bar = ProgressBar::hidden();
        bar.set_style(ProgressStyle::default_spinner());
        bar.set_message(what);
        let (ended, end) = mpsc::channel::<()>();
        let shown = bar.clone();
        thread::spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // It draws nothing unless standard error is a terminal.
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        Self { bar, _ended: ended }
    }

    /// So many are done, and nobody knows how many there are.
    pub(super) fn count(&self, done: usize) {
        if self.bar.position() == 0
            && let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}")
        {
            self.bar.set_style(style);
        }
        self.bar.set_position(done as u64);
    }

    /// So many of so many are done.
    pub(super) fn set(&self, done: usize, all: usize) {
        if self.bar.length().is_none() {
            let template = "{msg} {wide_bar} {pos}/{len}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
        }
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
