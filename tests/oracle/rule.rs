//! The rule itself, from the bytes of a review to what is decided, by the real decoders.

use bindguard::admission::message::{About, Ordering, denial, warnings};
use bindguard::admission::review::{Review, decode};
use bindguard::domain::assess::{Missing, Since, assess};
use bindguard::domain::binding::Binding;
use bindguard::domain::conclude::{Decision, Evidence, Fault, conclude};
use bindguard::domain::identity::Identity;
use bindguard::domain::policy::Policy;
use bindguard::manifest;
use bindguard::policy_file;
use bindguard::state::binding_key::BindingKey;
use bindguard::state::index::Index;
use serde_json::{Value, json};

use crate::verdict::{Lack, Verdict};

/// What the rule says of a call, and what people are told.
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    /// The message of a denial.
    pub(crate) message: Option<String>,
    /// The warnings of what passes with warnings.
    pub(crate) warnings: Vec<String>,
}

/// The policy of a file with this spec.
pub(crate) fn policy(spec: &Value) -> Policy {
    let file = json!({
        "apiVersion": "bindguard.dev/v1alpha1",
        "kind": "BindingPolicy",
        "metadata": {"name": "generated"},
        "spec": spec,
    });
    policy_file::parse(&file.to_string())
        .unwrap_or_else(|errors| panic!("a generated policy is refused: {errors}\n{file}"))
}

/// The index of a cluster, read as manifests. Each binding comes first as it was at another time.
pub(crate) fn index(policy: &Policy, bindings: &[Value]) -> Index {
    let texts: Vec<String> = bindings.iter().map(Value::to_string).collect();
    let contents = manifest::read(&texts.join("\n---\n"));
    assert_eq!(
        contents.bindings.len(),
        bindings.len(),
        "{:?}",
        contents.problems
    );
    let bindings: Vec<Binding<'_>> = contents
        .bindings
        .iter()
        .map(|one| one.as_binding())
        .collect();
    let mut index = Index::new();
    let key = |number: usize| BindingKey::of_source(&number.to_string());
    for (number, binding) in bindings.iter().rev().enumerate() {
        index.apply_binding(policy, key(number), binding);
    }
    index.delete(key(0));
    for (number, binding) in bindings.iter().enumerate() {
        index.apply_binding(policy, key(number), binding);
    }
    index
}

/// What the rule says of a review.
pub(crate) fn judge(policy: &Policy, index: &Index, body: &[u8]) -> Judged {
    let review = decode(body).unwrap_or_else(|error| panic!("a generated review: {error}"));
    let allowed = || Judged {
        verdict: Verdict::allow(),
        message: None,
        warnings: vec![],
    };
    let Some(binding) = review.binding() else {
        return allowed();
    };
    let previous = review.previous();
    let requester = &review.requester;
    let evidence = Evidence {
        requester_exempt: policy.exempts_requester(&requester.username, &requester.groups),
        dry_run: review.dry_run,
        ordered: &[],
    };
    let assessment = assess(policy, &binding, previous.as_ref(), index);
    let about = about(&review, &binding);
    match conclude(policy, assessment, evidence) {
        Decision::Allow(_) => allowed(),
        Decision::Audit(fault) => told(policy, "audit", &fault),
        Decision::Warn(fault) => Judged {
            warnings: warnings(policy, about, &fault),
            ..told(policy, "warn", &fault)
        },
        Decision::Deny(fault) => Judged {
            message: Some(denial(policy, about, &fault)),
            ..told(policy, "deny", &fault)
        },
    }
}

fn about<'a>(review: &Review<'_>, binding: &Binding<'a>) -> About<'a> {
    assert_eq!(review.name(), binding.name);
    About {
        kind: binding.kind,
        namespace: binding.namespace,
        name: binding.name,
        ordering: Ordering::Silent,
        dry_run: review.dry_run,
    }
}

fn told(policy: &Policy, decision: &'static str, fault: &Fault<'_, '_>) -> Judged {
    let missing = fault.missing.iter().map(|one| lack(policy, one)).collect();
    Judged {
        verdict: Verdict { decision, missing },
        message: None,
        warnings: vec![],
    }
}

fn lack(policy: &Policy, missing: &Missing<'_>) -> Lack {
    Lack {
        who: name(missing.identity),
        companions: policy
            .companion_names(missing.lacks)
            .map(str::to_owned)
            .collect(),
        before: missing.since == Since::Before,
    }
}

/// The name that RBAC compares for an identity.
pub(crate) fn name(identity: Identity<'_>) -> String {
    match identity {
        Identity::User(name) => format!("user {name}"),
        Identity::Group(name) => format!("group {name}"),
        Identity::ServiceAccount { namespace, name } => {
            format!("user system:serviceaccount:{namespace}:{name}")
        }
        Identity::ServiceAccountsOf(namespace) => {
            format!("group system:serviceaccounts:{namespace}")
        }
    }
}
