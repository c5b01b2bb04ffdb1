//! The stream that audit lines go to.

use std::io::{self, Write};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// How many lines may wait for the stream.
const QUEUE: usize = 1_024;
/// How long a call waits for its line to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The stream has it.
    Yes,
    /// The stream refused it, or did not take it in time.
    No,
}

/// A handle to the stream of audit lines. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog {
    queue: mpsc::Sender<(Vec<u8>, oneshot::Sender<Written>)>,
}

impl AuditLog {
    /// Starts the thread that writes to the stream, one whole line after the other.
    ///
    /// A thread of its own, because a pipe that nobody reads blocks its writer, and a blocked
    /// writer must not keep the server from answering.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread.
    pub fn start(stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_all(stream, lines))?;
        Ok(Self { queue })
    }

    /// Writes one line and waits, for at most a second, until the stream has it.
    pub async fn write(&self, line: Vec<u8>) -> Written {
        let (done, written) = oneshot::channel();
        let write = async {
            if self.queue.send((line, done)).await.is_err() {
                return Written::No;
            }
            written.await.unwrap_or(Written::No)
        };
        tokio::time::timeout(PATIENCE, write)
            .await
            .unwrap_or(Written::No)
    }
}

fn write_all(
    mut stream: impl Write,
    mut lines: mpsc::Receiver<(Vec<u8>, oneshot::Sender<Written>)>,
) {
    while let Some((line, done)) = lines.blocking_recv() {
        let result = stream.write_all(&line).and_then(|()| stream.flush());
        let written = match result {
            Ok(()) => Written::Yes,
            Err(_) => Written::No,
        };
        // A call that waited too long is no longer there to be told.
        let _ = done.send(written);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, mpsc};

    use super::{AuditLog, Written};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_line_is_in_the_stream_once_it_is_written() {
        let stream = Shared::default();
        let log = AuditLog::start(stream.clone()).unwrap();
        assert_eq!(log.write(b"one\n".to_vec()).await, Written::Yes);
        assert_eq!(log.write(b"two\n".to_vec()).await, Written::Yes);
        assert_eq!(stream.0.lock().unwrap().as_slice(), b"one\ntwo\n");
    }

    #[tokio::test]
    async fn a_stream_that_is_closed_is_told() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = AuditLog::start(Closed).unwrap();
        assert_eq!(log.write(b"one\n".to_vec()).await, Written::No);
    }

    #[tokio::test]
    async fn a_stream_that_blocks_keeps_nobody_waiting_for_ever() {
        struct Blocked(mpsc::Receiver<()>);
        impl Write for Blocked {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, gate) = mpsc::channel();
        let log = AuditLog::start(Blocked(gate)).unwrap();
        assert_eq!(log.write(b"one\n".to_vec()).await, Written::No);
        drop(release);
        assert_eq!(log.write(b"two\n".to_vec()).await, Written::Yes);
    }
}
