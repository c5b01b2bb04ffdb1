//! A binding of a cluster, as whoever looks through all of them sees it.

use crate::domain::binding::Binding;
use crate::kubernetes::lean::OrderAnnotations;

/// A binding, and what the rule does not look at.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The binding, as far as the rule looks at it.
    pub binding: Binding<'a>,
    /// Its uid.
    pub uid: Option<&'a str>,
    /// What its annotations say of an order; nothing, if there is none on it.
    pub ordered: Option<&'a OrderAnnotations>,
    /// Whether a part of it was of another form than Kubernetes says, and was left out.
    pub is_unreadable: bool,
}
