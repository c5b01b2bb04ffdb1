//! Findings in manifests.

use std::path::Path;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::finding::{BindingName, Place};
use super::judge::Report;
use crate::domain::binding::{Binding, BindingKind};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::domain::text::Escaped;
use crate::manifest::{ManifestBinding, Sources};
use crate::state::binding_key::BindingKey;
use crate::state::index::Index;

/// What manifests are judged beside.
#[derive(Debug, Default)]
pub struct Beside {
    /// Who holds companions already: nobody, or those of a cluster. Its bindings are known by
    /// [`BindingKey::of_binding`], so that a manifest replaces the binding of its name.
    pub holdings: Index,
    /// The names of the `ClusterRoleBindings` that there are already.
    pub taken: HashSet<String>,
    /// The namespace of a RoleBinding that names none.
    pub namespace: String,
}

/// When the companions of the manifests count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Companions {
    /// All of them, wherever they stand: what is wrong once everything is applied.
    Together,
    /// Those that stand before a binding as well as those that are left in the end: what is wrong
    /// while the manifests are applied one after the other.
    InOrder,
}

/// Judges every persona binding of the manifests by the companions in all of them.
#[must_use]
pub fn check(policy: &Policy, sources: &Sources, beside: Beside, companions: Companions) -> Report {
    let Beside {
        mut holdings,
        taken,
        namespace,
    } = beside;
    let mut report = Report {
        taken,
        ..Report::default()
    };
    let mut early = Report::default();
    for (position, (file, manifest)) in bindings(sources).enumerate() {
        let binding = in_namespace(manifest, &namespace);
        if binding.kind == BindingKind::ClusterRoleBinding {
            report.taken.insert(manifest.name.clone());
            let key = BindingKey::in_manifests(position, &binding);
            holdings.apply_binding(policy, key, &binding);
        }
        if companions == Companions::InOrder {
            judge(&mut early, policy, file, manifest, &binding, &holdings);
        }
    }
    for (file, manifest) in bindings(sources) {
        let binding = in_namespace(manifest, &namespace);
        judge(&mut report, policy, file, manifest, &binding, &holdings);
    }
    report.findings.append(&mut early.findings);
    report.summary.files = Some(sources.files.len());
    report.errors = problems(sources);
    report.finish()
}

fn judge(
    report: &mut Report,
    policy: &Policy,
    file: &Arc<Path>,
    manifest: &ManifestBinding,
    binding: &Binding<'_>,
    holdings: &Index,
) {
    let name = || name_of(file, manifest, binding);
    let places = || places(manifest, binding);
    report.judge(policy, binding, holdings, name, places);
}

/// How a binding of a manifest is shown.
pub(super) fn name_of(
    file: &Arc<Path>,
    manifest: &ManifestBinding,
    binding: &Binding<'_>,
) -> BindingName {
    let generated = manifest.generate_name.as_deref();
    let shown = generated.filter(|_| manifest.name.is_empty());
    BindingName::of(
        binding,
        shown.unwrap_or(&manifest.name),
        Some(Arc::clone(file)),
    )
}

/// What could not be read, each in a line.
pub(super) fn problems(sources: &Sources) -> Vec<String> {
    let problems = sources.problems();
    problems
        .map(|problem| Escaped(&problem.to_string()).to_string())
        .collect()
}

/// Every binding, with the file that it is in.
pub(super) fn bindings(sources: &Sources) -> impl Iterator<Item = (&Arc<Path>, &ManifestBinding)> {
    sources.files.iter().flat_map(|file| {
        let bindings = file.contents.bindings.iter();
        bindings.map(|binding| (&file.path, binding))
    })
}

/// The binding in the namespace that it will have.
pub(super) fn in_namespace<'a>(manifest: &'a ManifestBinding, namespace: &'a str) -> Binding<'a> {
    let mut binding = manifest.as_binding();
    if binding.kind == BindingKind::RoleBinding && binding.namespace.is_none() {
        binding.namespace = Some(namespace);
    }
    binding
}

/// Where each identity stands first.
fn places<'b>(manifest: &ManifestBinding, binding: &Binding<'b>) -> HashMap<Identity<'b>, Place> {
    let mut places = HashMap::with_capacity(manifest.subjects.len());
    for (subject, written) in binding.subjects.iter().zip(&manifest.subjects) {
        if let Some(identity) = subject.identity(binding.namespace) {
            places.entry(identity).or_insert(Place {
                document: manifest.document + 1,
                line: written.position.line,
                column: written.position.column,
            });
        }
    }
    places
}
