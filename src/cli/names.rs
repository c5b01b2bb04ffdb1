//! Names of objects, as flags take them.

/// Reads the name of a namespace or of a Service.
///
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
pub(super) fn label(text: &str) -> Result<String, String> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    Err("it must be of lower-case letters, digits and -, at most 63 of them".to_owned())
}

/// Reads the name of any other object: labels with dots between.
///
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
pub(super) fn subdomain(text: &str) -> Result<String, String> {
    let is_part = |part: &str| is_label_of_any_length(part);
    if text.len() <= 253 && text.split('.').all(is_part) {
        return Ok(text.to_owned());
    }
    Err("it must be of lower-case letters, digits, - and dots, at most 253 of them".to_owned())
}

/// Whether Kubernetes takes this for the name of a namespace.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    text.bytes().all(|byte| plain(byte) || byte == b'-')
        && ends.iter().all(|end| end.is_some_and(plain))
}

#[cfg(test)]
mod tests {
    use super::{label, subdomain};

    #[test]
    fn a_name_is_one_that_kubernetes_takes() {
        for name in ["a", "bindguard-ca", "0"] {
            assert!(label(name).is_ok() && subdomain(name).is_ok(), "{name}");
        }
        assert!(subdomain("a.b-c.d").is_ok() && label("a.b").is_err());
        let long = "a".repeat(64);
        assert!(label(&long).is_err() && subdomain(&long).is_ok());
        assert!(subdomain(&"a".repeat(254)).is_err());
        for name in [
            "",
            "-a",
            "a-",
            "A",
            "a_b",
            "a/b",
            "a..b",
            ".a",
            "a,metadata.name=b",
        ] {
            assert!(label(name).is_err() && subdomain(name).is_err(), "{name}");
        }
    }
}
