//! New bindings before the manifests that need them, as one stream for `kubectl apply`.

use std::io::{self, Write};

use serde::de::IgnoredAny;

use super::plan::Plan;
use crate::manifest::SourceFile;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that cannot stand in the stream.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path:?} holds several JSON objects one after the other, which cannot stand in one stream with \
     YAML; give it by itself"
)]
pub struct CannotCompose {
    /// The file.
    pub path: std::path::PathBuf,
}

/// Manifests in the order in which they are to be applied: what a plan makes, and then the bytes
/// of the files as they are.
#[derive(Debug)]
pub struct Stream<'a> {
    plan: &'a Plan,
    files: &'a [SourceFile],
    is_json: bool,
}

impl<'a> Stream<'a> {
    /// The stream of a plan and files whose bytes were kept. Where all files are JSON, so is the
    /// plan: JSON objects that follow each other are no YAML.
    ///
    /// # Errors
    ///
    /// If files of several JSON objects are among others of YAML.
    pub fn of(plan: &'a Plan, files: &'a [SourceFile]) -> Result<Self, CannotCompose> {
        let values = |file: &SourceFile| json_values(&file.bytes);
        let is_json = files.iter().all(|file| values(file).is_some());
        let several = |file: &&SourceFile| values(file).is_some_and(|values| values > 1);
        match files.iter().find(several).filter(|_| !is_json) {
            Some(file) => Err(CannotCompose {
                path: file.path.to_path_buf(),
            }),
            None => Ok(Self {
                plan,
                files,
                is_json,
            }),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut is_first = true;
        for binding in &self.plan.bindings {
            self.separate(&mut is_first, writer)?;
            if self.is_json {
                writeln!(writer, "{}", binding.to_json())?;
            } else {
                write!(writer, "{binding}")?;
            }
        }
        for (position, file) in self.files.iter().enumerate() {
            let mut bytes = file.bytes.as_slice();
            if !is_first {
                // It marks the beginning of a file, and this is none any more.
                bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
            }
            self.separate(&mut is_first, writer)?;
            writer.write_all(bytes)?;
            if position + 1 < self.files.len() && !bytes.ends_with(b"\n") {
                writer.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    fn separate(&self, is_first: &mut bool, writer: &mut impl Write) -> io::Result<()> {
        if std::mem::replace(is_first, false) || self.is_json {
            return Ok(());
        }
        writer.write_all(b"---\n")
    }
}

/// How many JSON values a text is; nothing if it is anything else, or empty.
fn json_values(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    values.try_fold(0, |count, value| value.ok().map(|_| count + 1))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Stream;
    use crate::domain::identity::Identity;
    use crate::manifest::{Contents, SourceFile};
    use crate::report::companion::{Because, NewBinding};
    use crate::report::finding::Who;
    use crate::report::plan::Plan;

    fn file(bytes: &str) -> SourceFile {
        SourceFile {
            path: Path::new("x").into(),
            contents: Contents::default(),
            bytes: bytes.into(),
        }
    }

    fn composed(files: &[&str]) -> String {
        let plan = Plan {
            bindings: vec![NewBinding {
                name: "n".to_owned(),
                companion: "c".to_owned(),
                subjects: vec![Who::from(Identity::User("alice"))],
                because: Because::default(),
            }],
        };
        let files: Vec<_> = files.iter().map(|bytes| file(bytes)).collect();
        let mut bytes = Vec::new();
        Stream::of(&plan, &files)
            .unwrap()
            .write(&mut bytes)
            .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_plan_comes_first_and_the_bytes_of_the_files_stay() {
        let text = composed(&["a: b\r\n", "---\nc: d", "e: f"]);
        assert!(text.starts_with("# needed for"), "{text}");
        assert!(
            text.ends_with("  name: alice\n---\na: b\r\n---\n---\nc: d\n---\ne: f"),
            "{text}"
        );
    }

    #[test]
    fn a_byte_order_mark_marks_no_longer_the_beginning() {
        let text = composed(&["\u{feff}a: b\n"]);
        assert!(
            text.ends_with("---\na: b\n") && !text.contains('\u{feff}'),
            "{text}"
        );
    }

    #[test]
    fn with_json_the_plan_is_json() {
        let text = composed(&["{\"a\": 1}{\"b\": 2}\n"]);
        let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        let values: Vec<_> = values.map(Result::unwrap).collect();
        assert_eq!(values.len(), 3);
        assert_eq!(values[0]["subjects"][0]["name"], "alice");
    }

    #[test]
    fn several_json_objects_cannot_stand_among_yaml() {
        let files = [file("a: b\n"), file("{}\n{}\n")];
        let plan = Plan::default();
        assert!(Stream::of(&plan, &files).is_err());
        let files = [file("a: b\n"), file("{}\n")];
        assert!(Stream::of(&plan, &files).is_ok());
    }
}
