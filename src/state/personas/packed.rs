//! A persona binding in one allocation.

use std::sync::Arc;

use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::identity::SubjectKind;

/// A persona binding that owns what it says. Cheap to clone.
///
/// The parts of a binding one after the other, each text behind its length: a cluster may have ten
/// thousands of them, and a dozen allocations each would cost more than the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonaBinding(Arc<[u8]>);

impl PersonaBinding {
    /// Packs a binding.
    #[must_use]
    pub fn of(binding: &Binding<'_>) -> Self {
        let mut bytes = vec![
            match binding.kind {
                BindingKind::RoleBinding => 0,
                BindingKind::ClusterRoleBinding => 1,
            },
            match binding.role.kind {
                RoleKind::ClusterRole => 0,
                RoleKind::Role => 1,
                RoleKind::Other => 2,
            },
        ];
        put_text(&mut bytes, binding.namespace.unwrap_or_default());
        put_text(&mut bytes, binding.name);
        put_text(&mut bytes, binding.role.name);
        for subject in &binding.subjects {
            bytes.push(match subject.kind {
                SubjectKind::User => 0,
                SubjectKind::Group => 1,
                SubjectKind::ServiceAccount => 2,
            });
            put_text(&mut bytes, subject.namespace.unwrap_or_default());
            put_text(&mut bytes, subject.name);
        }
        Self(bytes.into())
    }

    /// The binding. An empty namespace comes back as none.
    #[must_use]
    pub fn as_binding(&self) -> Binding<'_> {
        // The default covers what is in no value that `of` made.
        Reader(&self.0).binding().unwrap_or(Binding {
            kind: BindingKind::RoleBinding,
            namespace: None,
            name: "",
            role: RoleRef {
                kind: RoleKind::Other,
                name: "",
            },
            subjects: Vec::new(),
        })
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while let Ok(rest @ 128..) = u64::try_from(length) {
        bytes.push(low_bits(rest) | 128);
        length >>= 7;
    }
    bytes.push(low_bits(length as u64));
    bytes.extend_from_slice(text.as_bytes());
}

fn low_bits(number: u64) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low & 127
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn binding(&mut self) -> Option<Binding<'a>> {
        let kind = match self.byte()? {
            0 => BindingKind::RoleBinding,
            _ => BindingKind::ClusterRoleBinding,
        };
        let role_kind = match self.byte()? {
            0 => RoleKind::ClusterRole,
            1 => RoleKind::Role,
            _ => RoleKind::Other,
        };
        let namespace = non_empty(self.text()?);
        let name = self.text()?;
        let role = RoleRef {
            kind: role_kind,
            name: self.text()?,
        };
        let mut subjects = Vec::new();
        while let Some(subject) = self.subject() {
            subjects.push(subject);
        }
        Some(Binding {
            kind,
            namespace,
            name,
            role,
            subjects,
        })
    }

    fn subject(&mut self) -> Option<Subject<'a>> {
        let kind = match self.byte()? {
            0 => SubjectKind::User,
            1 => SubjectKind::Group,
            _ => SubjectKind::ServiceAccount,
        };
        let namespace = non_empty(self.text()?);
        let name = self.text()?;
        Some(Subject {
            kind,
            name,
            namespace,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn text(&mut self) -> Option<&'a str> {
        let mut length = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            length |= usize::from(byte & 127) << shift;
            if byte & 128 == 0 {
                break;
            }
        }
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        str::from_utf8(text).ok()
    }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use proptest::{collection, option};

    use super::PersonaBinding;
    use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
    use crate::domain::identity::SubjectKind;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            (0_usize..40_000).prop_map(|length| "é".repeat(length))
        ]
    }

    proptest! {
        #[test]
        fn every_binding_comes_back_as_it_was(
            cluster_wide in any::<bool>(),
            role_kind in prop_oneof![
                Just(RoleKind::ClusterRole), Just(RoleKind::Role), Just(RoleKind::Other)
            ],
            namespace in option::of("[a-z]{1,9}"),
            (name, role) in (text(), text()),
            subjects in collection::vec(
                (0_usize..3, any::<String>(), option::of("[a-z:*]{1,9}")), 0..4),
        ) {
            let binding = Binding {
                kind: if cluster_wide {
                    BindingKind::ClusterRoleBinding
                } else {
                    BindingKind::RoleBinding
                },
                namespace: namespace.as_deref(),
                name: &name,
                role: RoleRef { kind: role_kind, name: &role },
                subjects: subjects
                    .iter()
                    .map(|(kind, name, namespace)| Subject {
                        kind: SubjectKind::ALL[*kind],
                        name,
                        namespace: namespace.as_deref(),
                    })
                    .collect(),
            };
            let packed = PersonaBinding::of(&binding);
            prop_assert_eq!(packed.as_binding(), binding);
        }
    }
}
