//! From a text to what RBAC has in it.

use crate::domain::binding::{BindingKind, RBAC_GROUP};
use crate::yaml::{Mapping, Node, documents};

use super::binding::ManifestBinding;
use super::fields::problem;
use super::object;
use super::problem::Problem;

/// The only version of RBAC that an API server still has.
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";

/// What a text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its bindings, in order.
    pub bindings: Vec<ManifestBinding>,
    /// The names of its `ClusterRoles`, in order.
    pub cluster_roles: Vec<String>,
    /// What could not be read. It hides nothing else.
    pub problems: Vec<Problem>,
}

/// Reads a text of YAML or JSON documents.
#[must_use]
pub fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    for (number, document) in documents(text).enumerate() {
        match document {
            Ok(document) => {
                contents.add(&document.root, OfItems::default(), number);
                let faults = document.faults.into_iter();
                contents.problems.extend(faults.map(Problem::from));
            }
            Err(error) => contents.problems.push(error.into()),
        }
    }
    contents.problems.sort_by_key(|problem| problem.position);
    contents
}

/// Reads an object, or a list of them, that stands inside of another document.
#[must_use]
pub fn read_object(node: &Node<'_>) -> Contents {
    let mut contents = Contents::default();
    contents.add(node, OfItems::default(), 0);
    contents
}

/// What a list says of its items, which may leave it out: the API server's own lists do.
#[derive(Clone, Copy, Debug, Default)]
struct OfItems {
    api_version: Option<&'static str>,
    kind: Option<&'static str>,
}

impl Contents {
    /// Adds an object, or every object of a list. Lists nest no deeper than the reader's limit.
    fn add(&mut self, node: &Node<'_>, inherited: OfItems, document: usize) {
        let Some(object) = node.as_mapping() else {
            return;
        };
        let field = |name| object.get(name).and_then(Node::as_str);
        let Some(kind) = field("kind").or(inherited.kind) else {
            return;
        };
        let version = field("apiVersion").or(inherited.api_version);
        let version = version.unwrap_or_default();
        if let Some(of_items) = items_of(version, kind) {
            self.add_items(object, of_items, document);
        } else if let Some(binding) = BindingKind::parse(kind) {
            self.add_binding(binding, version, node, object, document);
        } else if kind == "ClusterRole" && version == RBAC_V1 {
            let metadata = object.get("metadata").and_then(Node::as_mapping);
            let name = metadata.and_then(|metadata| metadata.get("name")?.as_str());
            self.cluster_roles.extend(name.map(str::to_owned));
        }
    }

    fn add_items(&mut self, list: &Mapping<'_>, of_items: OfItems, document: usize) {
        let Some(items) = list.get("items").filter(|items| !items.is_null()) else {
            return;
        };
        match items.as_sequence() {
            Some(nodes) => {
                for node in nodes {
                    self.add(node, of_items, document);
                }
            }
            None => self.problems.push(problem(
                items,
                format!("items: a list belongs here, not {}", items.description()),
            )),
        }
    }

    fn add_binding(
        &mut self,
        kind: BindingKind,
        version: &str,
        node: &Node<'_>,
        object: &Mapping<'_>,
        document: usize,
    ) {
        if version != RBAC_V1 {
            // Other groups have kinds of the same name. One without a group, or of another version
            // of this group, is meant as ours, but no API server takes it.
            let group = version.split_once('/').map_or("", |(group, _)| group);
            if version.is_empty() || group == RBAC_GROUP {
                let message = format!("this {kind} needs apiVersion: {RBAC_V1}");
                self.problems.push(problem(node, message));
            }
            return;
        }
        match object::binding(kind, node, object, document, &mut self.problems) {
            Ok(binding) => self.bindings.push(binding),
            Err(problem) => self.problems.push(Problem {
                message: format!("this {kind} cannot be read: {}", problem.message),
                ..problem
            }),
        }
    }
}

/// What a list of this kind says of its items; nothing if it is no list of interest.
fn items_of(version: &str, kind: &str) -> Option<OfItems> {
    let kind = match (version, kind) {
        ("v1", "List") => return Some(OfItems::default()),
        (RBAC_V1, "RoleBindingList") => "RoleBinding",
        (RBAC_V1, "ClusterRoleBindingList") => "ClusterRoleBinding",
        (RBAC_V1, "ClusterRoleList") => "ClusterRole",
        _ => return None,
    };
    Some(OfItems {
        api_version: Some(RBAC_V1),
        kind: Some(kind),
    })
}
