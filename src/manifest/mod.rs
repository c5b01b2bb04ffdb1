//! Manifests, in YAML or JSON, to the bindings in them.
//!
//! Knows nothing of clusters and of what is judged: it reads what a file says, and where it says
//! it. What cannot be read is a [`Problem`] beside the rest and never hides it.
//!
//! What counts is every `rbac.authorization.k8s.io/v1` RoleBinding and ClusterRoleBinding, on its
//! own or in a list of any kind, and the names of `ClusterRoles`. Everything else is passed over:
//! directories hold values files and other kinds too.

mod binding;
mod directory;
mod extract;
mod fields;
mod fingerprint;
mod object;
mod problem;
mod sources;
#[cfg(test)]
mod tests;

pub use binding::{ManifestBinding, ManifestRole, ManifestSubject};
pub use directory::{Directory, MAX_FILE_BYTES, ManifestFile};
pub use extract::{Contents, read, read_object};
pub use fingerprint::Fingerprint;
pub use problem::{FileProblem, Problem};
pub use sources::{Source, SourceFile, Sources};
