//! What Kubernetes takes as a name.

/// Why this is no name of a ClusterRole; nothing if it is one.
///
/// Source: `ValidatePathSegmentName` in `k8s.io/apimachinery/pkg/api/validation/path`, which is
/// all that RBAC asks of a role's name.
pub(super) fn role_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("a ClusterRole's name must not be empty");
    }
    if matches!(name, "." | "..") || name.contains(['/', '%']) {
        return Some("a ClusterRole's name must not be . or .. and must not contain / or %");
    }
    free_text_fault(name)
}

/// Why this is no name that an authenticator or a person may give; nothing if it is one.
pub(super) fn free_text_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("must not be empty");
    }
    name.contains(char::is_control)
        .then_some("must not contain control characters")
}

/// Why this is no name of a namespace; nothing if it is one.
///
/// Source: RFC 1123 label names, <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
pub(super) fn namespace_fault(name: &str) -> Option<&'static str> {
    (name.len() > 63 || !is_label(name)).then_some(
        "a namespace's name has at most 63 lower-case letters, digits and -, and begins and ends \
         with a letter or digit",
    )
}

/// Why this is no name of a ServiceAccount or of an object like it; nothing if it is one.
///
/// Source: RFC 1123 subdomain names, at the same address.
pub(super) fn object_fault(name: &str) -> Option<&'static str> {
    (name.len() > 253 || !name.split('.').all(is_label)).then_some(
        "this name may have at most 253 lower-case letters, digits, - and ., and each part begins \
         and ends with a letter or digit",
    )
}

fn is_label(part: &str) -> bool {
    let edge = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    part.starts_with(edge)
        && part.ends_with(edge)
        && part
            .chars()
            .all(|character| edge(character) || character == '-')
}

#[cfg(test)]
mod tests {
    use super::{namespace_fault, object_fault, role_fault};

    #[test]
    fn a_role_is_named_by_any_path_segment() {
        for name in ["view", "system:node", "A b", "é", "..."] {
            assert_eq!(role_fault(name), None, "{name}");
        }
        for name in ["", ".", "..", "a/b", "50%", "a\nb", "a\u{85}"] {
            assert!(role_fault(name).is_some(), "{name}");
        }
    }

    #[test]
    fn namespaces_and_objects_follow_rfc_1123() {
        for name in ["a", "kube-system", "0"] {
            assert_eq!(
                (namespace_fault(name), object_fault(name)),
                (None, None),
                "{name}"
            );
        }
        assert_eq!(object_fault("a.b-c"), None);
        let long = "a".repeat(64);
        for name in ["", "-a", "a-", "A", "a_b", "a.b", &long] {
            assert!(namespace_fault(name).is_some(), "{name}");
        }
        for name in ["", ".a", "a..b", "a-.b", "A"] {
            assert!(object_fault(name).is_some(), "{name}");
        }
    }
}
