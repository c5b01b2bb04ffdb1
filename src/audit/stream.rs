//! A stream of which nobody reads half a line as a whole one.

use std::io::{self, ErrorKind, Write};
use std::thread;
use std::time::Duration;

/// How often a stream that would block is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// A stream that takes whole lines.
#[derive(Debug)]
pub(super) struct LineStream<W> {
    stream: W,
    /// Whether the last line broke off in the middle.
    torn: bool,
}

impl<W: Write> LineStream<W> {
    pub(super) const fn new(stream: W) -> Self {
        Self {
            stream,
            torn: false,
        }
    }

    /// Writes one line, its line feed included, however long that takes.
    pub(super) fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            // What is there of the broken line stays apart from this one.
            self.write_whole(b"\n")?;
            self.torn = false;
        }
        self.write_whole(line)?;
        self.stream.flush()
    }

    fn write_whole(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Whoever shares the stream with us may have made it non-blocking. It is only full.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Write};

    use super::LineStream;

    /// Takes so many bytes or gives such an error, one after the other, and then takes everything.
    struct Moody {
        moods: Vec<Result<usize, ErrorKind>>,
        taken: Vec<u8>,
    }

    impl Write for Moody {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mood = if self.moods.is_empty() {
                Ok(bytes.len())
            } else {
                self.moods.remove(0)
            };
            let taken = mood?.min(bytes.len());
            self.taken.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stream(moods: Vec<Result<usize, ErrorKind>>) -> LineStream<Moody> {
        let taken = Vec::new();
        LineStream::new(Moody { moods, taken })
    }

    #[test]
    fn a_line_that_is_taken_in_parts_is_whole() {
        let mut stream = stream(vec![
            Ok(1),
            Err(ErrorKind::Interrupted),
            Ok(2),
            Err(ErrorKind::WouldBlock),
        ]);
        stream.write_line(b"one\n").unwrap();
        assert_eq!(stream.stream.taken, b"one\n");
    }

    #[test]
    fn a_line_that_breaks_off_does_not_spoil_the_next() {
        let mut stream = stream(vec![Ok(2), Err(ErrorKind::StorageFull)]);
        stream.write_line(b"one\n").unwrap_err();
        stream.write_line(b"two\n").unwrap();
        assert_eq!(stream.stream.taken, b"on\ntwo\n");
    }

    #[test]
    fn a_line_of_which_nothing_was_taken_leaves_nothing_behind() {
        let mut stream = stream(vec![Err(ErrorKind::StorageFull), Ok(0)]);
        stream.write_line(b"one\n").unwrap_err();
        stream.write_line(b"two\n").unwrap_err();
        stream.write_line(b"three\n").unwrap();
        assert_eq!(stream.stream.taken, b"three\n");
    }
}
