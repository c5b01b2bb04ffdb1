//! A directory of manifests as it lies on the disk, in the form that feeds the state.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::manifests::{Directory, DirectoryContent};
use crate::domain::binding::Binding;
use crate::manifest::{self, ManifestBinding, ManifestFile};

/// A binding in a file. The file is shared with the next reads of the directory, as long as its
/// content stays the same.
#[derive(Clone, Debug)]
pub struct FileBinding {
    file: Arc<ManifestFile>,
    position: usize,
}

/// The root of the directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path:?}: {message}")]
struct Unreadable {
    path: PathBuf,
    message: String,
}

/// The manifests under a path.
#[must_use]
pub fn manifests_in(path: PathBuf) -> Directory<FileBinding> {
    let last = Mutex::new(None);
    Directory::new(move || read(&path, &last), binding)
}

fn read(
    path: &Path,
    last: &Mutex<Option<manifest::Directory>>,
) -> Result<DirectoryContent<FileBinding>, Box<dyn Error + Send + Sync>> {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let read = match &*last {
        Some(directory) => directory.read_again(),
        None => manifest::Directory::read(path),
    };
    if let Some(problem) = read.unreadable_root() {
        return Err(Box::new(Unreadable {
            path: path.to_owned(),
            message: problem.message.clone(),
        }));
    }
    let content = DirectoryContent {
        bindings: read.shared_files().flat_map(bindings_of).collect(),
        errors: read.problems().map(|problem| problem.to_string()).collect(),
        fingerprint: read.fingerprint().content,
    };
    *last = Some(read);
    Ok(content)
}

fn bindings_of(file: &Arc<ManifestFile>) -> impl Iterator<Item = FileBinding> {
    (0..file.contents.bindings.len()).map(|position| FileBinding {
        file: Arc::clone(file),
        position,
    })
}

fn binding(kept: &FileBinding) -> Option<Binding<'_>> {
    let bindings = &kept.file.contents.bindings;
    bindings.get(kept.position).map(ManifestBinding::as_binding)
}
