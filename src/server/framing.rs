//! Whether a client has begun something that it has not finished, as far as its bytes tell.
//!
//! In HTTP/2 they tell all: everything is in frames that say how long they are. So a client that
//! is silent between frames is told from one that stopped in the middle of one, or of the block of
//! headers that begins a request. In HTTP/1.1 they tell little without reading the whole request,
//! which hyper does; see [`activity`](super::activity).

/// What every HTTP/2 client sends first.
///
/// Source: RFC 9113, section 3.4
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The length of a frame's head.
const FRAME_HEAD: u8 = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the bytes that a client sends.
#[derive(Debug, Default)]
pub(super) struct Framing {
    stage: Stage,
    /// A block of headers has begun, and its last frame has not come.
    in_headers: bool,
}

#[derive(Debug)]
enum Stage {
    /// So many bytes were as the preface has them.
    Preface(usize),
    Http1,
    Head(Head),
    /// So many bytes of the frame are to come.
    Payload(usize),
}

#[derive(Debug, Default)]
struct Head {
    /// How many of its bytes are here.
    bytes: u8,
    length: usize,
    kind: u8,
    flags: u8,
}

/// What can be said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is not HTTP/2.
    Http1,
    /// HTTP/2, with nothing begun that is not finished.
    Complete,
    /// Something was begun.
    Partial,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Preface(0)
    }
}

impl Framing {
    /// Takes the bytes that came.
    pub(super) fn receive(&mut self, mut bytes: &[u8]) {
        while let Some((byte, rest)) = bytes.split_first() {
            bytes = match &mut self.stage {
                Stage::Http1 => return,
                Stage::Payload(left) => {
                    let taken = bytes.len().min(*left);
                    *left -= taken;
                    if *left == 0 {
                        self.stage = Stage::Head(Head::default());
                    }
                    bytes.get(taken..).unwrap_or_default()
                }
                Stage::Preface(matched) => {
                    let matched = *matched;
                    self.stage = match PREFACE.get(matched) == Some(byte) {
                        true if matched + 1 == PREFACE.len() => Stage::Head(Head::default()),
                        true => Stage::Preface(matched + 1),
                        false => Stage::Http1,
                    };
                    rest
                }
                Stage::Head(head) => {
                    if head.receive(*byte) {
                        match head.kind {
                            HEADERS | CONTINUATION => {
                                self.in_headers = head.flags & END_HEADERS == 0;
                            }
                            _ => {}
                        }
                        self.stage = match head.length {
                            0 => Stage::Head(Head::default()),
                            length => Stage::Payload(length),
                        };
                    }
                    rest
                }
            };
        }
    }

    /// What can be said of what came so far.
    pub(super) const fn progress(&self) -> Progress {
        match &self.stage {
            // Not a byte yet.
            Stage::Preface(0) => Progress::Complete,
            Stage::Http1 => Progress::Http1,
            Stage::Head(Head { bytes: 0, .. }) if !self.in_headers => Progress::Complete,
            Stage::Preface(_) | Stage::Head(_) | Stage::Payload(_) => Progress::Partial,
        }
    }
}

impl Head {
    /// Takes a byte, and says whether it was the last.
    fn receive(&mut self, byte: u8) -> bool {
        match self.bytes {
            0..3 => self.length = self.length << 8 | usize::from(byte),
            3 => self.kind = byte,
            4 => self.flags = byte,
            _ => {}
        }
        self.bytes += 1;
        self.bytes == FRAME_HEAD
    }
}

#[cfg(test)]
mod tests {
    use super::{Framing, PREFACE, Progress};

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn settings() -> Vec<u8> {
        frame(4, 0, &[0, 3, 0, 0, 0, 100])
    }

    /// What is said after each byte, and after all of them at once.
    fn progress(bytes: &[u8]) -> (Vec<Progress>, Progress) {
        let (mut one_by_one, mut at_once) = (Framing::default(), Framing::default());
        let each = bytes.chunks(1).map(|byte| {
            one_by_one.receive(byte);
            one_by_one.progress()
        });
        let each: Vec<_> = each.collect();
        at_once.receive(bytes);
        assert_eq!(each.last(), Some(&at_once.progress()));
        (each, at_once.progress())
    }

    #[test]
    fn silence_after_the_preface_or_after_whole_frames_is_idle() {
        for frames in [
            vec![],
            settings(),
            [settings(), frame(4, 1, &[]), frame(6, 0, &[0; 8])].concat(),
        ] {
            let (each, end) = progress(&[PREFACE, &frames].concat());
            assert_eq!(end, Progress::Complete);
            assert!(
                each[..PREFACE.len() - 1]
                    .iter()
                    .all(|said| *said == Progress::Partial)
            );
        }
        assert_eq!(Framing::default().progress(), Progress::Complete);
    }

    #[test]
    fn a_frame_is_partial_until_its_last_byte() {
        let begun = [PREFACE, &settings()].concat();
        for frame in [
            frame(1, 4, b"headers"),
            frame(0, 1, &vec![0; 70_000]),
            frame(8, 0, &[0; 4]),
        ] {
            let (each, end) = progress(&[&begun[..], &frame].concat());
            assert_eq!(end, Progress::Complete);
            let within = &each[begun.len()..each.len() - 1];
            assert!(within.iter().all(|said| *said == Progress::Partial));
        }
    }

    #[test]
    fn headers_are_partial_until_the_frame_that_ends_them() {
        let begun = [PREFACE, &settings(), &frame(1, 0, b"half")].concat();
        assert_eq!(progress(&begun).1, Progress::Partial);
        let more = [&begun[..], &frame(9, 0, b"more")].concat();
        assert_eq!(progress(&more).1, Progress::Partial);
        let ended = [&more[..], &frame(9, 4, b"")].concat();
        assert_eq!(progress(&ended).1, Progress::Complete);
    }

    #[test]
    fn what_is_not_the_preface_is_http_1() {
        for request in ["GET / HTTP/1.1\r\n", "PRI * HTTP/1.1\r\n", "PUT", "\r\n"] {
            assert_eq!(
                progress(request.as_bytes()).1,
                Progress::Http1,
                "{request:?}"
            );
        }
        assert_eq!(progress(b"P").1, Progress::Partial);
    }
}
