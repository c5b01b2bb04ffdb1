//! Holdings of a given size.

use std::sync::Arc;

use bindguard::domain::companion_set::CompanionSet;
use bindguard::domain::identity::Identity;
use bindguard::domain::policy::Policy;
use bindguard::state::binding_key::BindingKey;
use bindguard::state::index::Index;
use bindguard::state::snapshot::Snapshot;

/// How many companions the built-in policy has.
pub(crate) const COMPANIONS: u32 = 2;

/// The user with this number. All names are of one length, which is usual for e-mail addresses.
pub(crate) fn user(number: u32) -> String {
    format!("user-{number:08}@example.com")
}

/// A snapshot in which users from 0 on hold both companions, by bindings of so many subjects
/// each: `entries` pairs of identity and companion.
pub(crate) fn of_entries(entries: u32, subjects: u32) -> Snapshot {
    let mut index = Index::new();
    let users = entries / COMPANIONS;
    for companion in 0..COMPANIONS {
        let given = CompanionSet::of(companion as usize);
        for first in (0..users).step_by(subjects as usize) {
            let names: Vec<String> = (first..users.min(first + subjects)).map(user).collect();
            let identities = names.iter().map(|name| Identity::user(name));
            // A uid as the API server makes them, since its form decides how it is kept.
            let uid = format!("{first:08x}-0000-4000-8000-{companion:012x}");
            index.apply(BindingKey::of_uid(&uid), given, identities);
        }
    }
    assert_eq!(index.entries(), entries as usize, "every pair counts once");
    Snapshot::new(Arc::new(Policy::built_in()), index)
}
