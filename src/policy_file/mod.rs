//! The policy file: one YAML document to a [`Policy`] and back, its schema, and watching it.
//!
//! Knows nothing of Kubernetes clients and of what the policy is applied to.
//!
//! A text is read in three steps, each of which goes on after an error so that all come at once:
//! its *form* is checked against the very JSON Schema that is published (`form` against
//! `shape`, so the two cannot differ), its *meaning* against the rules that a schema cannot say
//! (`rules`), and what fits is *read* over the defaults of the built-in policy (`read`).
//!
//! Decided here, where the format leaves it open:
//! - `apiVersion` and `kind` are required; `metadata`, its `name` and `spec` are not: what is left
//!   out is as in [`Policy::built_in`], the name included.
//! - A field that is given replaces its default whole: a list is not added to. The other fields of
//!   a mapping keep theirs, so `exempt: {subjects: []}` still exempts `kube-system`. A field with nothing behind its colon is an
//!   error, since it could be meant either way: leave it out for the default, write `[]` for none.
//! - A persona without `subjectKinds` enforces all three kinds.
//! - A companion cannot be a persona too: the first binding to it would need it already. It may
//!   be implied by one, as `cluster-admin` implies everything.
//! - A User in the form of a ServiceAccount is that ServiceAccount, here as everywhere.

pub mod cases;
mod document;
mod duration;
mod error;
mod form;
mod load;
mod names;
mod place;
mod read;
mod rules;
mod shape;
mod subjects;
mod suggestion;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use crate::domain::policy::Policy;

pub use error::{PolicyError, PolicyErrors};
pub use load::{ContentDigest, Loaded, MAX_FILE_BYTES, PolicyFileError, load};
pub use watch::{Outcome, POLL_INTERVAL, watch};

/// The `apiVersion` of a policy.
pub const API_VERSION: &str = "bindguard.dev/v1alpha1";
/// The `kind` of a policy.
pub const KIND: &str = "BindingPolicy";

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(schema_of::<shape::PolicyDocument>);

fn schema_of<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(join_lines))
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Reads a policy.
///
/// # Errors
///
/// Everything that is wrong with the text, in its order.
pub fn parse(text: &str) -> Result<Policy, PolicyErrors> {
    document::parse(text)
}

/// The policy as a complete document that [`parse`] reads back to the same policy.
#[must_use]
pub fn to_yaml(policy: &Policy) -> String {
    let options = serde_saphyr::ser_options! {
        // Long user names would be folded over lines.
        prefer_block_scalars: false,
    };
    // Nothing that can fail is in it: a derived structure of strings, lists, numbers and booleans,
    // written to memory.
    serde_saphyr::to_string_with_options(&shape::PolicyDocument::from(policy), options)
        .unwrap_or_default()
}

/// The JSON Schema (draft 2020-12) of a policy: what [`parse`] accepts, but for the rules that a
/// schema cannot say, such as that no ClusterRole is in two personas.
#[must_use]
pub fn schema() -> serde_json::Value {
    SCHEMA.clone()
}

/// A description is one paragraph, wherever its source has line breaks.
fn join_lines(schema: &mut Schema) {
    if let Some(serde_json::Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}
