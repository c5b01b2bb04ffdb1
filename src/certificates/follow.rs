//! Following files that somebody else renews.

use std::convert::Infallible;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::MissedTickBehavior;

use crate::telemetry::causes::WithCauses;

/// How often files are read again.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// More than any chain, key or bundle of authorities takes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The bytes of files that belong together, in a fixed order.
pub(super) type Contents = Vec<Vec<u8>>;

/// What became of a change to files that are followed.
#[derive(Debug)]
pub enum Outcome<E> {
    /// What they hold is in force.
    InForce,
    /// It cannot be used; what was in force before stays so.
    Rejected(E),
}

/// What was last seen of files that belong together.
///
/// They are compared by their bytes: a volume of a Secret or `ConfigMap` swaps a symlink, so that
/// neither the time of a file nor an event on it says that it changed.
#[derive(Debug)]
pub struct Followed {
    in_force: Seen,
    /// What was complained of since, so that it is not complained of again.
    rejected: Option<Seen>,
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// The SHA-256 of the bytes, which may hold a private key.
    Contents([u8; 32]),
    /// Unreadable, with the reason.
    Nothing(String),
}

impl Followed {
    /// These are in force.
    pub(super) fn new(in_force: &Contents) -> Self {
        Self {
            in_force: digest(in_force),
            rejected: None,
        }
    }

    /// Judges what the files hold now. `None` when there is nothing to say: they are as they were,
    /// or as broken as they were.
    ///
    /// What was rejected is tried again each time, since the time alone can make it good: a clock
    /// that was wrong, for instance.
    fn judge<T, E: Error>(
        &mut self,
        read: Result<Contents, E>,
        make: impl FnOnce(&Contents) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let found = match &read {
            Ok(contents) => digest(contents),
            Err(error) => Seen::Nothing(WithCauses(error).to_string()),
        };
        if found == self.in_force {
            self.rejected = None;
            return None;
        }
        let result = read.and_then(|contents| make(&contents));
        match result {
            Ok(good) => {
                self.in_force = found;
                self.rejected = None;
                Some(Ok(good))
            }
            Err(_) if self.rejected.as_ref() == Some(&found) => None,
            Err(error) => {
                self.rejected = Some(found);
                Some(Err(error))
            }
        }
    }
}

/// Reads files every `interval`, and takes over what they hold when it has changed and is good.
/// A change that is not good is told once. Never ends.
pub(super) async fn follow<T, E: Error + Send + 'static>(
    interval: Duration,
    mut followed: Followed,
    read: impl Fn() -> Result<Contents, E> + Send + Sync + 'static,
    build: impl Fn(&Contents) -> Result<T, E>,
    take_over: impl Fn(T),
    mut observe: impl FnMut(&Outcome<E>),
) -> Infallible {
    let read = Arc::new(read);
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let read = Arc::clone(&read);
        // Not tokio's own file functions: those take a thread for every step.
        let Ok(contents) = tokio::task::spawn_blocking(move || read()).await else {
            continue;
        };
        match followed.judge(contents, &build) {
            Some(Ok(good)) => {
                take_over(good);
                observe(&Outcome::InForce);
            }
            Some(Err(error)) => observe(&Outcome::Rejected(error)),
            None => {}
        }
    }
}

/// Reads a file whole, unless it is larger than anything that is expected here.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    let mut file = File::open(path)?.take(MAX_BYTES + 1);
    file.read_to_end(&mut contents)?;
    if file.limit() == 0 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(contents)
}

fn digest(contents: &Contents) -> Seen {
    let mut hasher = Sha256::new();
    for file in contents {
        // The length first, so that no byte can move from one file to the next unseen.
        hasher.update(file.len().to_le_bytes());
        hasher.update(file);
    }
    Seen::Contents(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{Contents, Followed, read};

    fn contents(text: &str) -> Contents {
        vec![text.into()]
    }

    /// What is said of each of these in turn: files whose text is `good...` are, `gone` cannot be
    /// read.
    fn said(texts: &[&str]) -> Vec<String> {
        let mut followed = Followed::new(&contents("good"));
        let mut judge = |text: &str| {
            let read = match text {
                "gone" => Err(io::Error::other("gone")),
                _ => Ok(contents(text)),
            };
            let judged = followed.judge(read, |contents| {
                let text = String::from_utf8_lossy(&contents[0]).into_owned();
                if text.starts_with("good") {
                    Ok(text)
                } else {
                    Err(io::Error::other(text))
                }
            });
            match judged {
                None => "-".to_owned(),
                Some(Ok(text)) => text,
                Some(Err(error)) => format!("no: {error}"),
            }
        };
        texts.iter().map(|text| judge(text)).collect()
    }

    #[test]
    fn a_change_is_taken_over_once() {
        assert_eq!(
            said(&["good", "good 2", "good 2", "good"]),
            ["-", "good 2", "-", "good"]
        );
    }

    #[test]
    fn what_is_broken_is_told_once_for_each_content() {
        assert_eq!(
            said(&[
                "bad", "bad", "worse", "worse", "bad", "gone", "gone", "good 2"
            ]),
            [
                "no: bad",
                "-",
                "no: worse",
                "-",
                "no: bad",
                "no: gone",
                "-",
                "good 2"
            ]
        );
    }

    #[test]
    fn a_broken_edit_that_is_undone_and_made_again_is_told_again() {
        assert_eq!(said(&["bad", "good", "bad"]), ["no: bad", "-", "no: bad"]);
    }

    #[test]
    fn what_became_good_without_a_change_is_taken_over() {
        let mut followed = Followed::new(&contents("old"));
        let mut judge = |good: bool| {
            followed.judge(Ok(contents("new")), |_| {
                good.then_some(())
                    .ok_or_else(|| io::Error::other("not yet"))
            })
        };
        assert!(matches!(judge(false), Some(Err(_))));
        assert!(judge(false).is_none());
        assert!(matches!(judge(true), Some(Ok(()))));
        assert!(judge(true).is_none());
    }

    #[test]
    fn a_byte_that_moves_to_the_other_file_is_a_change() {
        let mut followed = Followed::new(&vec![b"ab".to_vec(), b"c".to_vec()]);
        let moved = vec![b"a".to_vec(), b"bc".to_vec()];
        let judged = followed.judge(Ok::<_, io::Error>(moved), |_| Ok(()));
        assert!(matches!(judged, Some(Ok(()))));
    }

    #[test]
    fn a_file_without_end_is_not_read_to_the_end() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
