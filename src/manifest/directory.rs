//! The manifests of a directory.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::yaml::Position;

use super::binding::ManifestBinding;
use super::extract::{self, Contents};
use super::fingerprint::{Fingerprint, Summary};
use super::problem::{FileProblem, Problem};

/// The most bytes that a manifest may have.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// The manifests of a directory, as they were at one time.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    path: PathBuf,
    files: Vec<Arc<ManifestFile>>,
    unreadable: Vec<FileProblem>,
    fingerprint: Fingerprint,
}

/// A manifest.
#[derive(Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// Where it was found.
    pub path: PathBuf,
    /// What it says.
    pub contents: Contents,
    digest: [u8; 32],
}

/// A file that is to be read.
#[derive(Debug)]
pub(super) struct Found {
    /// By which it was found.
    pub(super) path: PathBuf,
    /// Where it is.
    pub(super) real: PathBuf,
    metadata: Metadata,
}

impl Directory {
    /// Reads every `*.yaml`, `*.yml` and `*.json` under a directory, in the order of their paths;
    /// of a path that is a file, that file whatever its name.
    ///
    /// Directories whose names begin with a dot are passed over, and so are the templates of Helm
    /// charts, which are no manifests until they are rendered, and symlinks to directories; symlinks to files are followed, and no file is read twice. A ConfigMap volume,
    /// in which `a.yaml` leads through `..data` to `..2026_11_24/a.yaml`, is thus read once. What
    /// cannot be read is a problem and hides nothing else.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
        .read_again()
    }

    /// Reads the directory again. Files whose content is the same are not parsed again.
    #[must_use]
    pub fn read_again(&self) -> Self {
        let (found, mut unreadable) = find(&self.path);
        let listing = listing_of(&found, &unreadable);
        let mut content = Summary::default();
        let mut files = Vec::with_capacity(found.len());
        for file in found {
            match read_bytes(&file) {
                Ok(bytes) => {
                    let digest: [u8; 32] = Sha256::digest(&bytes).into();
                    content.add_content(&file.path, &digest);
                    files.push(self.file(file.path, digest, &bytes));
                }
                Err(error) => unreadable.push(file_problem(&file.path, &error)),
            }
        }
        for problem in &unreadable {
            content.add_content(&problem.path, problem.message.as_bytes());
        }
        Self {
            path: self.path.clone(),
            files,
            unreadable,
            fingerprint: Fingerprint {
                listing,
                content: content.finish(),
            },
        }
    }

    /// Whether a look at names, lengths and times says that something changed since this was
    /// read. It misses a change of a file that keeps both.
    #[must_use]
    pub fn listing_changed(&self) -> bool {
        let (found, unreadable) = find(&self.path);
        listing_of(&found, &unreadable) != self.fingerprint.listing
    }

    /// The files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = &ManifestFile> {
        self.files.iter().map(Arc::as_ref)
    }

    /// The files, each as it is shared with what is read again.
    pub fn shared_files(&self) -> impl Iterator<Item = &Arc<ManifestFile>> {
        self.files.iter()
    }

    /// Why the directory itself could not be read, if it could not.
    #[must_use]
    pub fn unreadable_root(&self) -> Option<&FileProblem> {
        self.unreadable
            .iter()
            .find(|problem| problem.path == self.path)
    }

    /// Every binding with its file.
    pub fn bindings(&self) -> impl Iterator<Item = (&Path, &ManifestBinding)> {
        self.files().flat_map(|file| {
            let bindings = file.contents.bindings.iter();
            bindings.map(|binding| (file.path.as_path(), binding))
        })
    }

    /// Every name of a ClusterRole.
    pub fn cluster_roles(&self) -> impl Iterator<Item = &str> {
        self.files()
            .flat_map(|file| file.contents.cluster_roles.iter())
            .map(String::as_str)
    }

    /// Everything that could not be read: whole files and directories first.
    pub fn problems(&self) -> impl Iterator<Item = FileProblem> {
        let inside = self.files().flat_map(|file| {
            let problems = file.contents.problems.iter();
            problems.map(|problem| FileProblem {
                path: file.path.clone(),
                position: Some(problem.position),
                message: problem.message.clone(),
            })
        });
        self.unreadable.iter().cloned().chain(inside)
    }

    /// What was read, in short.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// A file, from the last time if it is the same.
    fn file(&self, path: PathBuf, digest: [u8; 32], bytes: &[u8]) -> Arc<ManifestFile> {
        let known = self
            .files
            .binary_search_by(|file| file.path.cmp(&path))
            .ok()
            .and_then(|index| self.files.get(index));
        match known {
            Some(file) if file.digest == digest => Arc::clone(file),
            _ => Arc::new(ManifestFile {
                path,
                contents: contents_of(bytes),
                digest,
            }),
        }
    }
}

/// Every file to be read, sorted by path, and what kept others from being found.
pub(super) fn find(root: &Path) -> (Vec<Found>, Vec<FileProblem>) {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    let mut directories = Vec::new();
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => directories.push(root.to_owned()),
        Ok(_) => add_file(root.to_owned(), &mut found, &mut problems),
        Err(error) => problems.push(file_problem(root, &error)),
    }
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(file_problem(&directory, &error));
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                Ok((path, kind)) if kind.is_dir() => {
                    if !is_hidden(&path) && !holds_templates(&path) {
                        directories.push(path);
                    }
                }
                Ok((path, _)) if is_manifest(&path) => {
                    add_file(path, &mut found, &mut problems);
                }
                Ok(_) => {}
                Err(error) => problems.push(file_problem(&directory, &error)),
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    problems.sort_by(|one, other| one.path.cmp(&other.path));
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.real.clone()));
    (found, problems)
}

/// Adds a file, unless it is a symlink to a directory.
fn add_file(path: PathBuf, found: &mut Vec<Found>, problems: &mut Vec<FileProblem>) {
    let real = fs::canonicalize(&path).and_then(|real| Ok((fs::metadata(&real)?, real)));
    match real {
        Ok((metadata, _)) if metadata.is_dir() => {}
        Ok((metadata, real)) => found.push(Found {
            path,
            real,
            metadata,
        }),
        Err(error) => problems.push(file_problem(&path, &error)),
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether this is the folder of a Helm chart whose files become manifests only when rendered.
///
/// Source: <https://helm.sh/docs/topics/charts/#the-chart-file-structure>
fn holds_templates(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "templates")
        && path.with_file_name("Chart.yaml").is_file()
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

fn listing_of(found: &[Found], problems: &[FileProblem]) -> [u8; 32] {
    let mut listing = Summary::default();
    for file in found {
        listing.add_listing(&file.path, &file.real, Some(&file.metadata));
    }
    for problem in problems {
        listing.add_listing(&problem.path, Path::new(&problem.message), None);
    }
    listing.finish()
}

pub(super) fn read_bytes(file: &Found) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for somebody to write.
    if !file.metadata.is_file() {
        return Err(io::Error::other("this is no regular file"));
    }
    let mut bytes = Vec::new();
    let mut limited = File::open(&file.real)?.take(MAX_FILE_BYTES + 1);
    if limited.read_to_end(&mut bytes)? as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!(
            "this has more than {MAX_FILE_BYTES} bytes"
        )));
    }
    Ok(bytes)
}

/// What a file says. What comes before the first byte that is no text is read all the same.
pub(super) fn contents_of(bytes: &[u8]) -> Contents {
    match std::str::from_utf8(bytes) {
        Ok(text) => extract::read(text),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = String::from_utf8_lossy(valid);
            let mut contents = extract::read(complete_documents(&valid));
            contents.problems.push(Problem {
                position: Position::START.after(&valid),
                message: "this is not UTF-8; from this document on the file is not read".to_owned(),
            });
            contents
        }
    }
}

/// The documents of a text that are followed by another.
fn complete_documents(text: &str) -> &str {
    let end = text.rfind("\n---").unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

pub(super) fn file_problem(path: &Path, error: &io::Error) -> FileProblem {
    FileProblem {
        path: path.to_owned(),
        position: None,
        message: error.to_string(),
    }
}
