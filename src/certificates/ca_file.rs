//! The file to which a self-signed CA is written: `--write-ca`.

use std::fs::{self, OpenOptions, Permissions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Everybody may read it: it holds no secret.
const MODE: u32 = 0o644;

/// Why the CA could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the CA to {path:?}")]
pub struct CaFileError {
    path: PathBuf,
    source: io::Error,
}

/// Writes the CA, so that a reader finds the old file or the whole new one and never a part.
///
/// # Errors
///
/// When the path names no file, or its directory cannot be written to.
pub fn write(path: &Path, ca_pem: &str) -> Result<(), CaFileError> {
    replace(path, ca_pem.as_bytes()).map_err(|source| CaFileError {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut temporary_name = name.to_owned();
    // Not the process id: in a container it is the same after every restart, and a crash may have
    // left the file of that name behind.
    temporary_name.push(format!(".{:016x}.tmp", RandomState::new().hash_one(0)));
    let temporary = path.with_file_name(temporary_name);
    let written = fill(&temporary, contents).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Whether it was made or not, what counts is the first error.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn fill(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Set and not only asked for at creation, where the umask takes from it.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(contents)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::write;

    #[test]
    fn the_file_is_replaced_whole_readable_by_all_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.crt");
        fs::write(&path, "something longer that was there before").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_with_the_cause() {
        let directory = tempfile::tempdir().unwrap();
        let (taken, beside) = (directory.path().join("taken"), directory.path().join(".."));
        fs::create_dir_all(taken.join("not empty")).unwrap();
        for path in [directory.path().join("no/such/ca.crt"), taken, beside] {
            let error = write(&path, "new").unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("cannot write the CA to {path:?}")
            );
            assert!(error.source().is_some());
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
