//! The environment of a container, and what its arguments make of it.

use serde_json::Value;

use super::spec::{only, text};

/// The variables that the Pod asks for, in their order, and those by which it finds the API server.
pub(super) fn variables(
    env: &[Value],
    pod: &Value,
    address: &str,
    api_server: &(String, u16),
) -> Result<Vec<(String, String)>, String> {
    let mut variables = vec![
        ("KUBERNETES_SERVICE_HOST".to_owned(), api_server.0.clone()),
        (
            "KUBERNETES_SERVICE_PORT".to_owned(),
            api_server.1.to_string(),
        ),
        ("HOSTNAME".to_owned(), text(&pod["metadata"]["name"])),
    ];
    for one in env {
        only(one, "env", &["name", "value", "valueFrom"])?;
        let value = match &one["valueFrom"] {
            Value::Null => expand(&text(&one["value"]), &variables),
            from => {
                only(from, "env.valueFrom", &["fieldRef"])?;
                field(&text(&from["fieldRef"]["fieldPath"]), pod, address)?
            }
        };
        variables.push((text(&one["name"]), value));
    }
    Ok(variables)
}

/// A field of the Pod, as the downward API names it.
pub(super) fn field(path: &str, pod: &Value, address: &str) -> Result<String, String> {
    let value = match path {
        "metadata.name" => &pod["metadata"]["name"],
        "metadata.namespace" => &pod["metadata"]["namespace"],
        "metadata.uid" => &pod["metadata"]["uid"],
        "spec.nodeName" => &pod["spec"]["nodeName"],
        "spec.serviceAccountName" => &pod["spec"]["serviceAccountName"],
        "status.podIP" => return Ok(address.to_owned()),
        other => return Err(format!("fieldRef {other:?}")),
    };
    Ok(text(value))
}

/// `$(NAME)` becomes what the variable holds, `$$` a dollar; what is unknown stays.
///
/// Source: `k8s.io/kubernetes/third_party/forked/golang/expansion`.
pub(super) fn expand(words: &str, variables: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        {
            let known = variables.iter().rev().find(|(known, _)| known == name);
            match known {
                Some((_, value)) => out.push_str(value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out + rest
}

/// The words of a command, expanded.
pub(super) fn words(command: &[String], variables: &[(String, String)]) -> Vec<String> {
    command.iter().map(|word| expand(word, variables)).collect()
}

#[test]
fn variables_are_expanded_as_kubernetes_does() {
    let variables = [("A".to_owned(), "x".to_owned())];
    for (words, expanded) in [
        ("$(A)-$(A)", "x-x"),
        ("$(B)", "$(B)"),
        ("$$(A)", "$(A)"),
        ("5$", "5$"),
        ("$A", "$A"),
    ] {
        assert_eq!(expand(words, &variables), expanded);
    }
}
