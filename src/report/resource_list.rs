//! The `ResourceList` of a KRM function: what Kustomize gives to a function and takes from it.
//!
//! Source: <https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md>

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::companion::NewBinding;
use super::plan::Plan;
use super::yaml::{Scalar, write_value};
use crate::domain::policy::Policy;
use crate::manifest::{Contents, Problem, SourceFile, Sources, read_object};
use crate::policy_file::{self, KIND};
use crate::yaml::{Mapping, Node, Value, documents};

const RESOURCE_LIST: &str = "ResourceList";

/// The input of a function.
#[derive(Debug)]
pub struct ResourceList<'t> {
    root: Node<'t>,
    faults: Vec<Problem>,
}

/// Why a text is no input of a function.
#[derive(Debug, thiserror::Error)]
pub enum NoResourceList {
    /// It is no YAML, or something else.
    #[error(
        "this is no ResourceList{0}; Kustomize gives one to a function, and for manifests there is \
         `bindguard fix --with-input -f -`"
    )]
    Other(String),
    /// Its `functionConfig` is no policy.
    #[error("functionConfig: {0}")]
    Policy(String),
}

impl<'t> ResourceList<'t> {
    /// Reads the input of a function.
    ///
    /// # Errors
    ///
    /// If it is anything else.
    pub fn read(text: &'t str) -> Result<Self, NoResourceList> {
        let document = documents(text).next();
        let document = document
            .ok_or_else(|| NoResourceList::Other(String::new()))?
            .map_err(|error| {
                NoResourceList::Other(format!(" ({}: {})", error.position, error.message))
            })?;
        let root = document.root;
        let kind = root
            .as_mapping()
            .and_then(|list| list.get("kind")?.as_str());
        if kind != Some(RESOURCE_LIST) {
            return Err(NoResourceList::Other(String::new()));
        }
        Ok(Self {
            root,
            faults: document.faults.into_iter().map(Problem::from).collect(),
        })
    }

    fn field(&self, name: &str) -> Option<&Node<'t>> {
        let field = self.root.as_mapping()?.get(name)?;
        (!field.is_null()).then_some(field)
    }

    /// The policy that the function is configured with; nothing if it has no configuration.
    ///
    /// What Kustomize needs in the metadata, such as annotations, is no part of a policy.
    ///
    /// # Errors
    ///
    /// If the configuration is something else.
    pub fn policy(&self) -> Result<Option<Policy>, NoResourceList> {
        let Some(config) = self.field("functionConfig") else {
            return Ok(None);
        };
        let kind = config
            .as_mapping()
            .and_then(|one| one.get("kind")?.as_str());
        if kind != Some(KIND) {
            return Err(NoResourceList::Policy(format!(
                "the configuration of this function is a policy, a document of kind {KIND}"
            )));
        }
        let mut text = String::new();
        for entry in config.as_mapping().into_iter().flat_map(Mapping::entries) {
            if entry.key.text != "metadata" {
                let _ = write!(text, "{}:", Scalar(&entry.key.text));
                write_node(&mut text, &entry.value, 0);
                continue;
            }
            let name = entry.value.as_mapping().and_then(|one| one.get("name"));
            if let Some(name) = name {
                text.push_str("metadata:\n  name:");
                write_node(&mut text, name, 2);
            }
        }
        let told = |errors: policy_file::PolicyErrors| {
            let lines: Vec<String> = errors
                .iter()
                .map(|error| match error.field.as_str() {
                    "" => error.message.clone(),
                    field => format!("{field}: {}", error.message),
                })
                .collect();
            NoResourceList::Policy(lines.join("\nfunctionConfig: "))
        };
        policy_file::parse(&text).map(Some).map_err(told)
    }

    /// The items as manifests.
    #[must_use]
    pub fn manifests(&self) -> Sources {
        let mut contents = Contents {
            problems: self.faults.clone(),
            ..Contents::default()
        };
        for item in self.items() {
            let read = read_object(item);
            contents.bindings.extend(read.bindings);
            contents.cluster_roles.extend(read.cluster_roles);
            contents.problems.extend(read.problems);
        }
        let mut sources = Sources::default();
        sources.files.push(SourceFile {
            path: Path::new("-").into(),
            contents,
            bytes: Vec::new(),
        });
        sources
    }

    fn items(&self) -> &[Node<'t>] {
        let items = self.field("items").and_then(Node::as_sequence);
        items.unwrap_or_default()
    }

    /// The output of the function: what the plan makes before the items, which stay as they are,
    /// and a result for each that says why it is there.
    #[must_use]
    pub fn with(&self, plan: &Plan) -> String {
        let mut text =
            format!("apiVersion: config.kubernetes.io/v1\nkind: {RESOURCE_LIST}\nitems:");
        if plan.bindings.is_empty() && self.items().is_empty() {
            text.push_str(" []");
        }
        text.push('\n');
        for binding in &plan.bindings {
            text.push_str("- ");
            write_value(&mut text, &binding.to_json(), 2);
        }
        for item in self.items() {
            text.push('-');
            write_node(&mut text, item, 0);
        }
        if let Some(config) = self.field("functionConfig") {
            text.push_str("functionConfig:");
            write_node(&mut text, config, 0);
        }
        if !plan.bindings.is_empty() {
            text.push_str("results:\n");
            for binding in &plan.bindings {
                text.push_str("- ");
                write_value(&mut text, &result(binding), 2);
            }
        }
        text
    }
}

fn result(binding: &NewBinding) -> Json {
    json!({
        "message": format!("added, since it is needed for {}", binding.because),
        "severity": "info",
        "resourceRef": {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "name": binding.name,
        },
    })
}

/// Writes what stands behind `KEY:` or `-` at an indentation, the line feed included. Numbers and
/// booleans stay as they are written, since readers differ about what some of them mean.
fn write_node(text: &mut String, node: &Node<'_>, indent: usize) {
    let is_item = text.ends_with('-');
    match &node.value {
        Value::Mapping(mapping) if mapping.entries().len() > 0 => {
            let indent = indent + 2;
            for (position, entry) in mapping.entries().enumerate() {
                match position {
                    0 if is_item => text.push(' '),
                    0 => begin(text, indent),
                    _ => {
                        let _ = write!(text, "{:indent$}", "");
                    }
                }
                let _ = write!(text, "{}:", Scalar(&entry.key.text));
                write_node(text, &entry.value, indent);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            let indent = if is_item { indent + 2 } else { indent };
            for (position, item) in items.iter().enumerate() {
                match position {
                    0 if is_item => text.push(' '),
                    0 => begin(text, indent),
                    _ => {
                        let _ = write!(text, "{:indent$}", "");
                    }
                }
                text.push('-');
                write_node(text, item, indent);
            }
        }
        Value::Mapping(_) => text.push_str(" {}\n"),
        Value::Sequence(_) => text.push_str(" []\n"),
        Value::Null => text.push_str(" null\n"),
        Value::Boolean { text: written, .. } | Value::Number(written) => {
            let _ = writeln!(text, " {written}");
        }
        Value::String(string) => {
            let _ = writeln!(text, " {}", Scalar(string));
        }
    }
}

fn begin(text: &mut String, indent: usize) {
    let _ = write!(text, "\n{:indent$}", "");
}

#[cfg(test)]
mod tests {
    use super::ResourceList;
    use crate::report::Plan;
    use crate::yaml::{Node, Value, documents};

    fn same(one: &Node<'_>, other: &Node<'_>) -> bool {
        match (&one.value, &other.value) {
            (Value::Mapping(one), Value::Mapping(other)) => {
                one.entries().len() == other.entries().len()
                    && one.entries().zip(other.entries()).all(|(one, other)| {
                        one.key.text == other.key.text && same(&one.value, &other.value)
                    })
            }
            (Value::Sequence(one), Value::Sequence(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(other.iter())
                        .all(|(one, other)| same(one, other))
            }
            (one, other) => one == other,
        }
    }

    #[test]
    fn items_stay_as_they_are_whatever_is_in_them() {
        let text = "\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: odd, annotations: {}, labels: null}
  data:
    'yes': \"on\"
    number: '0777'
    script: |
      #!/bin/sh
        echo \"é ☃ \\u0007\"
    empty: ''
    'a: b': ' - x'
- mode: 0777
  big: 123456789012345678901234567890
  float: 1.50
  flag: Yes
  nested: [[1, [2, {a: [b]}]], [], {x: {y: {z: []}}}]
- - lists
  - of: lists
";
        let written = ResourceList::read(text).unwrap().with(&Plan::default());
        let again: Vec<_> = documents(&written).collect();
        let [Ok(again)] = again.as_slice() else {
            panic!("{written}\n{again:?}");
        };
        let root = documents(text).next().unwrap().unwrap().root;
        assert!(same(&root, &again.root), "{written}");
        assert!(written.contains("mode: 0777\n"), "{written}");
    }

    #[test]
    fn what_is_no_list_of_resources_is_refused() {
        for text in ["", "a: b", "- kind: ResourceList", "kind: [", "kind: List"] {
            let error = ResourceList::read(text).unwrap_err().to_string();
            assert!(error.starts_with("this is no ResourceList"), "{error}");
        }
    }

    #[test]
    fn the_configuration_is_a_policy_without_what_kustomize_needs() {
        let list = |config: &str| {
            let text = format!("kind: ResourceList\nfunctionConfig: {config}\n");
            let list = ResourceList::read(&text).unwrap();
            list.policy().map_err(|error| error.to_string())
        };
        assert_eq!(list("null"), Ok(None));
        let policy = list(
            "{apiVersion: bindguard.dev/v1alpha1, kind: BindingPolicy, \
             metadata: {name: mine, annotations: {config.kubernetes.io/function: 'exec: {}'}}, \
             spec: {exempt: {namespaces: [a]}}}",
        );
        let policy = policy.unwrap().unwrap();
        assert_eq!(policy.name, "mine");
        assert_eq!(policy.exempt.namespaces, ["a"]);
        assert_eq!(
            list("{apiVersion: bindguard.dev/v1alpha1, kind: BindingPolicy, spec: {actoin: Deny}}"),
            Err("functionConfig: spec.actoin: unknown field; did you mean \"action\"?".to_owned())
        );
        assert_eq!(
            list("{kind: ConfigMap}"),
            Err(
                "functionConfig: the configuration of this function is a policy, a document of \
                 kind BindingPolicy"
                    .to_owned()
            )
        );
    }
}
