//! An error with all that caused it, as one text.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes as `ERROR: CAUSE: CAUSE`, each once: many libraries put a cause
/// into the text of what it caused.
///
/// For the log: JSON lines show of an error only its own text, and that it could not read
/// something helps nobody who is not told why.
#[derive(Clone, Copy, Debug)]
pub struct WithCauses<'e>(pub &'e (dyn Error + 'e));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        formatter.write_str(&told)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !told.contains(&text) {
                write!(formatter, ": {text}")?;
                told = text;
            }
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::WithCauses;

    #[derive(Debug, thiserror::Error)]
    enum Layer {
        #[error("cannot start")]
        Outer(#[source] Box<Layer>),
        #[error("cannot read x: {0}")]
        Repeating(#[source] io::Error),
    }

    #[test]
    fn causes_follow_the_error_unless_it_tells_them_itself() {
        let cause = io::Error::other("no such file");
        let error = Layer::Outer(Box::new(Layer::Repeating(cause)));
        assert_eq!(
            WithCauses(&error).to_string(),
            "cannot start: cannot read x: no such file"
        );
        assert_eq!(WithCauses(&io::Error::other("a")).to_string(), "a");
    }
}
