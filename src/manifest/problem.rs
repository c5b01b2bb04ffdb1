//! What could not be read.

use std::fmt;
use std::path::PathBuf;

use crate::yaml::{self, Position};

/// Something in a text that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub position: Position,
    /// What.
    pub message: String,
}

impl From<yaml::Error> for Problem {
    fn from(error: yaml::Error) -> Self {
        Self {
            position: error.position,
            message: error.message,
        }
    }
}

impl fmt::Display for Problem {
    /// `LINE:COLUMN: MESSAGE`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.position, self.message)
    }
}

/// Something in a file, or a whole file or directory, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// Where in it; nothing if it could not be read at all.
    pub position: Option<Position>,
    /// What.
    pub message: String,
}

impl fmt::Display for FileProblem {
    /// `PATH:LINE:COLUMN: MESSAGE`, as editors follow it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.path.display())?;
        if let Some(position) = self.position {
            write!(formatter, "{position}:")?;
        }
        write!(formatter, " {}", self.message)
    }
}
