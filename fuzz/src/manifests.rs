//! Manifests.

use bindguard::domain::policy::Policy;
use bindguard::manifest::{ManifestBinding, read};
use bindguard::state::binding_key::BindingKey;
use bindguard::state::index::Index;

/// Every binding that is read lies in the text and can be indexed; what cannot be read is told in
/// printable words, with its place.
pub fn manifests(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let lines = u32::try_from(text.split(['\n', '\r']).count()).expect("a short text");
    let contents = read(text);
    for binding in &contents.bindings {
        assert!((1..=lines).contains(&binding.position.line), "{binding:?}");
        for subject in &binding.subjects {
            assert!((1..=lines).contains(&subject.position.line), "{subject:?}");
        }
    }
    for problem in &contents.problems {
        assert!(problem.position.line <= lines.max(1), "{problem:?}");
        let raw = |character: char| character.is_control() && character != '\n';
        assert!(!problem.message.contains(raw), "{problem:?}");
    }
    let policy = Policy::built_in();
    let bindings = contents.bindings.iter().map(ManifestBinding::as_binding);
    let keyed = bindings
        .enumerate()
        .map(|(number, binding)| (BindingKey::of_source(&number.to_string()), binding));
    let index = Index::of(&policy, keyed);
    let most: usize = contents
        .bindings
        .iter()
        .map(|binding| binding.subjects.len())
        .sum();
    assert!(index.entries() <= most * policy.companions.len());
}
