//! What is wrong with a policy.

use std::fmt;

use crate::yaml::{self, Position};

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Where.
    pub position: Position,
    /// The path of the field, like `spec.personas[1].clusterRoles[0]`; empty for the document.
    pub field: String,
    /// What is wrong, what is allowed and what was probably meant.
    pub message: String,
}

impl From<yaml::Error> for PolicyError {
    fn from(error: yaml::Error) -> Self {
        Self {
            position: error.position,
            field: String::new(),
            message: error.message,
        }
    }
}

impl fmt::Display for PolicyError {
    /// `LINE:COLUMN: FIELD: MESSAGE`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.position)?;
        if !self.field.is_empty() {
            write!(formatter, "{}: ", self.field)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}

/// Everything that is wrong with a policy, in the order of the text; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors(Vec<PolicyError>);

impl PolicyErrors {
    /// The errors, put in order; nothing if there are none.
    pub(super) fn new(mut errors: Vec<PolicyError>) -> Option<Self> {
        errors.sort_by_key(|error| error.position);
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

impl fmt::Display for PolicyErrors {
    /// One a line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                formatter.write_str("\n")?;
            }
            error.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}
