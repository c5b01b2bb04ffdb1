//! YAML and JSON texts as trees that know where everything stands.
//!
//! A leaf: knows nothing of Kubernetes objects, policies or files. What a scalar means follows the
//! reader that Kubernetes uses (`sigs.k8s.io/yaml`), because the same file goes through both:
//! unquoted `yes` and `on` are booleans, `0777` and `1_000` are numbers.
//!
//! Contract, for any text whatever:
//! - nothing panics, and no recursion is deeper than the nesting limit (255 levels of blocks and
//!   255 of brackets);
//! - a broken document hides neither those before it nor those after it;
//! - aliases may not repeat more than [`ALIAS_BUDGET`] bytes of tree, however they are nested,
//!   so walking a whole tree takes time in proportion to its text;
//! - every value and every key of a mapping has its line and column.

mod builder;
mod error;
mod json;
mod mapping;
mod node;
mod reader;
mod scalar;
#[cfg(test)]
mod tests;

pub use builder::ALIAS_BUDGET;
pub use error::Error;
pub use mapping::{Entry, Key, Mapping};
pub use node::{Node, Position, Value};
pub use reader::{Document, Documents, MAX_BROKEN_DOCUMENTS, documents};
