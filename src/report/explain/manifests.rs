//! A subject in manifests.

use super::Gathered;
use super::gather::Seen;
use crate::domain::binding::BindingKind;
use crate::manifest::Sources;
use crate::report::check::{bindings, in_namespace, name_of, problems};
use crate::report::finding::Place;
use crate::state::binding_key::BindingKey;

/// Looks at every binding of the manifests, beside what was gathered already: a manifest replaces
/// the cluster's binding of its name. `namespace` is that of `RoleBindings` that name none.
#[must_use]
pub fn in_manifests<'p>(
    mut gathered: Gathered<'p>,
    sources: &Sources,
    namespace: &str,
) -> Gathered<'p> {
    for (position, (file, manifest)) in bindings(sources).enumerate() {
        let binding = in_namespace(manifest, namespace);
        gathered.forget(BindingKey::of_binding(&binding));
        let key = BindingKey::in_manifests(position, &binding);
        // What a manifest says is never taken for what the cluster has.
        let key = BindingKey::of_source(&format!("manifest {key:?}"));
        if binding.kind == BindingKind::ClusterRoleBinding {
            // As for `check`: the later of one name counts, but all are to personas.
            gathered.forget_companion(key);
        }
        gathered.see(&Seen {
            binding: &binding,
            key,
            name: &|| name_of(file, manifest, &binding),
            place: &|subject| {
                let written = manifest.subjects.get(subject)?;
                Some(Place {
                    document: manifest.document + 1,
                    line: written.position.line,
                    column: written.position.column,
                })
            },
        });
    }
    gathered.errors.extend(problems(sources));
    gathered
}
