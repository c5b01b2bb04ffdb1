//! From an object to a binding.

use crate::domain::binding::{BindingKind, RBAC_GROUP};
use crate::domain::identity::SubjectKind;
use crate::yaml::{Mapping, Node};

use super::binding::{ManifestBinding, ManifestRole, ManifestSubject};
use super::fields::{mapping, problem, required, text, texts};
use super::problem::Problem;

/// Reads a binding. Subjects that RBAC does not know are reported and left out.
///
/// # Errors
///
/// The first thing for which Kubernetes would refuse to decode the object.
pub(super) fn binding(
    kind: BindingKind,
    node: &Node<'_>,
    object: &Mapping<'_>,
    document: usize,
    problems: &mut Vec<Problem>,
) -> Result<ManifestBinding, Problem> {
    let (metadata_node, metadata) = mapping(node, object, "metadata")?;
    let path = "metadata.";
    let generate_name = text(metadata, path, "generateName")?.filter(|name| !name.is_empty());
    let name = match generate_name {
        Some(_) => text(metadata, path, "name")?.unwrap_or_default(),
        None => required(metadata_node, metadata, path, "name")?,
    };
    let namespace = text(metadata, path, "namespace")?.filter(|namespace| !namespace.is_empty());
    Ok(ManifestBinding {
        kind,
        name: name.to_owned(),
        generate_name: generate_name.map(str::to_owned),
        namespace: match kind {
            BindingKind::RoleBinding => namespace.map(str::to_owned),
            // It has none, whatever is written.
            BindingKind::ClusterRoleBinding => None,
        },
        uid: text(metadata, path, "uid")?.map(str::to_owned),
        labels: texts(metadata, path, "labels")?,
        annotations: texts(metadata, path, "annotations")?,
        role: role(node, object)?,
        subjects: subjects(object, problems)?,
        position: node.position,
        document,
    })
}

fn role(node: &Node<'_>, object: &Mapping<'_>) -> Result<ManifestRole, Problem> {
    let (role_node, role) = mapping(node, object, "roleRef")?;
    let path = "roleRef.";
    Ok(ManifestRole {
        api_group: text(role, path, "apiGroup")?.map(str::to_owned),
        kind: required(role_node, role, path, "kind")?.to_owned(),
        name: required(role_node, role, path, "name")?.to_owned(),
    })
}

fn subjects(
    object: &Mapping<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<ManifestSubject>, Problem> {
    let Some(node) = object.get("subjects").filter(|node| !node.is_null()) else {
        return Ok(Vec::new());
    };
    let Some(items) = node.as_sequence() else {
        let found = node.description();
        return Err(problem(
            node,
            format!("subjects: a list belongs here, not {found}"),
        ));
    };
    let mut subjects = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match subject(item, &format!("subjects[{index}].")) {
            Ok(subject) => subjects.push(subject),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(subjects)
}

fn subject(node: &Node<'_>, path: &str) -> Result<ManifestSubject, Problem> {
    let Some(subject) = node.as_mapping() else {
        let item = path.trim_end_matches('.');
        let found = node.description();
        return Err(problem(
            node,
            format!("{item}: a subject belongs here, not {found}"),
        ));
    };
    let word = required(node, subject, path, "kind")?;
    let Some(kind) = SubjectKind::parse(word) else {
        let node = subject.get("kind").unwrap_or(node);
        return Err(problem(
            node,
            format!(
                "{path}kind: {word:?} is no kind of subject; there are User, Group and ServiceAccount"
            ),
        ));
    };
    let name = required(node, subject, path, "name")?;
    let api_group = text(subject, path, "apiGroup")?.unwrap_or_default();
    let belongs = match kind {
        SubjectKind::User | SubjectKind::Group => matches!(api_group, "" | RBAC_GROUP),
        SubjectKind::ServiceAccount => api_group.is_empty(),
    };
    if !belongs {
        let node = subject.get("apiGroup").unwrap_or(node);
        return Err(problem(
            node,
            format!("{path}apiGroup: {api_group:?} is not the API group of a {kind}"),
        ));
    }
    Ok(ManifestSubject {
        kind,
        name: name.to_owned(),
        namespace: text(subject, path, "namespace")?.map(str::to_owned),
        position: node.position,
    })
}
