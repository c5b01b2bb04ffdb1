//! What the image says, read from the Dockerfile that makes it.

use std::path::{Path, PathBuf};

/// The image that all containers run.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The program that stands in for the one of the image.
    pub(crate) binary: PathBuf,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Image {
    /// The one of the repository's Dockerfile, with this program in it.
    pub(crate) fn of(binary: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile");
        let text = std::fs::read_to_string(&file).expect("the Dockerfile is in the repository");
        let (_, stage) = text.rsplit_once("\nFROM ").expect("it has stages");
        let line = |word: &str| {
            let lines = stage.lines();
            lines
                .filter_map(|line| line.strip_prefix(word))
                .next_back()
                .unwrap_or_else(|| panic!("the Dockerfile has no {word}"))
                .trim()
                .to_owned()
        };
        let list = |word: &str| -> Vec<String> {
            serde_json::from_str(&line(word)).expect("the exec form is JSON")
        };
        let user = line("USER");
        let (user, group) = user.split_once(':').expect("a user and a group");
        Self {
            binary: binary.into(),
            entrypoint: list("ENTRYPOINT"),
            command: list("CMD"),
            user: user.parse().expect("a number"),
            group: group.parse().expect("a number"),
        }
    }
}
