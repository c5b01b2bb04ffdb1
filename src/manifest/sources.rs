//! Manifests from several places, each read once.

use std::collections::HashSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::directory::{Found, contents_of, file_problem, find, read_bytes};
use super::extract::Contents;
use super::problem::FileProblem;

/// More readers than this only wait for the disk.
const MOST_READERS: usize = 4;

/// A place from which manifests are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a directory with everything below it.
    Path(PathBuf),
    /// Bytes that somebody has read already.
    Bytes {
        /// What they are called.
        name: PathBuf,
        /// What was read.
        bytes: Vec<u8>,
    },
}

/// A file of manifests.
#[derive(Debug)]
pub struct SourceFile {
    /// By which it was found.
    pub path: Arc<Path>,
    /// What it says.
    pub contents: Contents,
    /// Its bytes, if they were to be kept.
    pub bytes: Vec<u8>,
}

/// The manifests of several places.
#[derive(Debug, Default)]
pub struct Sources {
    /// The files in the order of the places, and of their paths in each.
    pub files: Vec<SourceFile>,
    unreadable: Vec<FileProblem>,
}

impl Sources {
    /// Reads every place as [`Directory::read`](super::Directory::read) does. No file is read
    /// twice. What cannot be read is a problem and hides nothing else.
    ///
    /// `keep` is to keep the bytes as well. `progress` is told how many of how many files have
    /// been read, from several threads, in no order.
    #[must_use]
    pub fn read(
        places: Vec<Source>,
        keep: bool,
        progress: &(impl Fn(usize, usize) + Sync),
    ) -> Self {
        let mut sources = Self::default();
        let mut seen = HashSet::new();
        let mut tasks = Vec::new();
        for place in places {
            match place {
                Source::Bytes { name, bytes } => tasks.push(Task::Parse { name, bytes }),
                Source::Path(path) => {
                    let (mut found, problems) = find(&path);
                    found.retain(|file| seen.insert(file.real.clone()));
                    tasks.extend(found.into_iter().map(Task::Read));
                    sources.unreadable.extend(problems);
                }
            }
        }
        for done in in_parallel(&tasks, keep, progress) {
            match done {
                Ok(file) => sources.files.push(file),
                Err(problem) => sources.unreadable.push(problem),
            }
        }
        sources
    }

    /// Everything that could not be read: whole files and directories first.
    pub fn problems(&self) -> impl Iterator<Item = FileProblem> {
        let inside = self.files.iter().flat_map(|file| {
            let problems = file.contents.problems.iter();
            problems.map(|problem| FileProblem {
                path: file.path.to_path_buf(),
                position: Some(problem.position),
                message: problem.message.clone(),
            })
        });
        self.unreadable.iter().cloned().chain(inside)
    }
}

#[derive(Debug)]
enum Task {
    Read(Found),
    Parse { name: PathBuf, bytes: Vec<u8> },
}

impl Task {
    fn carry_out(&self, keep: bool) -> Result<SourceFile, FileProblem> {
        let kept = |bytes: &[u8]| if keep { bytes.to_vec() } else { Vec::new() };
        let file = |path: &Path, contents, bytes| SourceFile {
            path: path.into(),
            contents,
            bytes,
        };
        match self {
            Self::Parse { name, bytes } => Ok(file(name, contents_of(bytes), kept(bytes))),
            Self::Read(found) => {
                let path = &found.path;
                let bytes = read_bytes(found).map_err(|error| file_problem(path, &error))?;
                let contents = contents_of(&bytes);
                Ok(file(path, contents, if keep { bytes } else { Vec::new() }))
            }
        }
    }
}

/// Carries out all tasks on as many threads as that is good for; the results are in their order.
fn in_parallel(
    tasks: &[Task],
    keep: bool,
    progress: &(impl Fn(usize, usize) + Sync),
) -> Vec<Result<SourceFile, FileProblem>> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new(Vec::with_capacity(tasks.len()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(index) else { return };
            let result = task.carry_out(keep);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((index, result));
            drop(results);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, tasks.len());
        }
    };
    let readers = thread::available_parallelism().map_or(1, NonZero::get);
    let helpers = readers.min(MOST_READERS).min(tasks.len()).saturating_sub(1);
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
