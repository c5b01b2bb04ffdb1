//! What tells one binding from another in the index.

use sha2::{Digest, Sha256};

use crate::domain::binding::{Binding, RoleKind};

/// The key of a binding: 128 bits, so that a million of them stay small.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct BindingKey([u8; 16]);

impl BindingKey {
    /// The key of an object in a cluster, by its uid. The API server makes uids as UUIDs, which
    /// are the key; any other text is digested.
    #[must_use]
    pub fn of_uid(uid: &str) -> Self {
        parse_uuid(uid).map_or_else(|| Self::of_source(uid), Self)
    }

    /// The key of a binding without a uid, which a manifest describes: by what would make it
    /// another object in a cluster, and by its role, which no update can change.
    #[must_use]
    pub fn of_binding(binding: &Binding<'_>) -> Self {
        let role_kind = match binding.role.kind {
            RoleKind::ClusterRole => "ClusterRole",
            RoleKind::Role => "Role",
            RoleKind::Other => "",
        };
        // NUL is in no name that a cluster takes, so no two differ only by where they are cut.
        Self::of_source(
            &[
                binding.kind.as_str(),
                binding.namespace.unwrap_or_default(),
                binding.name,
                role_kind,
                binding.role.name,
            ]
            .join("\0"),
        )
    }

    /// The key of the binding at a position among manifests. Two of one name are one object in a
    /// cluster, and the later is what is left of them; but a name with two roles can be applied
    /// only once, and nobody knows which, so both count. Those whose names are yet to be generated
    /// are told apart by position.
    #[must_use]
    pub fn in_manifests(position: usize, binding: &Binding<'_>) -> Self {
        if binding.name.is_empty() {
            Self::of_source(&format!("{position}"))
        } else {
            Self::of_binding(binding)
        }
    }

    /// The key of what has no uid, by a text that is its own, such as a file's path and a position.
    #[must_use]
    pub fn of_source(source: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(source.as_bytes()).into();
        let mut key = [0; 16];
        key.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
        Self(key)
    }
}

/// The 16 bytes of a UUID in the one spelling that the API server uses, lower case with hyphens.
/// Another spelling is another uid, and must not get the same key.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0_u8; 16];
    let mut digits = 0_usize;
    for (position, character) in text.iter().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            if *character != b'-' {
                return None;
            }
            continue;
        }
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => return None,
        };
        let byte = bytes.get_mut(digits / 2)?;
        *byte = (*byte << 4) | digit;
        digits += 1;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{BindingKey, parse_uuid};

    #[test]
    fn a_uid_is_its_own_key() {
        assert_eq!(
            parse_uuid("00112233-4455-6677-8899-aabbccddeeff"),
            Some([
                0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
                0xee, 0xff
            ])
        );
    }

    #[test]
    fn uids_that_differ_have_keys_that_differ() {
        let uids = [
            "00112233-4455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-AABBCCDDEEFF",
            "00112233-4455-6677-8899-aabbccddeefe",
            "001122334455-6677-8899-aabbccddeeff-",
            "00112233-4455-6677-8899-aabbccddeeff ",
            "",
            "x",
        ];
        let keys: std::collections::HashSet<_> =
            uids.iter().map(|uid| BindingKey::of_uid(uid)).collect();
        assert_eq!(keys.len(), uids.len());
    }
}
