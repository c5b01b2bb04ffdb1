//! Whether the guard of orders is what it is meant to be.

use serde::Serialize;
use serde_json::Value;

use super::{Guard, ORDERS};

/// Which policy and which binding the guard is, and which of their versions. All of it changes
/// when one of them is made anew, or means something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardIdentity {
    /// The policy.
    pub policy: Version,
    /// The binding.
    pub binding: Version,
}

/// One object in one of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its uid.
    pub uid: String,
    /// A number that grows with every change of its meaning.
    pub generation: i64,
}

/// Why the guard is not in place, by what there is to see of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The policy in force takes no orders.
    #[error("the policy says provisioning.mode: Disabled")]
    Disabled,
    /// One of the two does not exist.
    #[error("{kind} {ORDERS} does not exist")]
    Missing {
        /// Which kind of object.
        kind: &'static str,
    },
    /// One of the two is not as it was shipped.
    #[error("{kind} {ORDERS} is not what `bindguard manifests` prints for the policy in force")]
    Differs {
        /// Which kind of object.
        kind: &'static str,
    },
    /// One of the two is on its way out.
    #[error("{kind} {ORDERS} is being deleted")]
    Deleting {
        /// Which kind of object.
        kind: &'static str,
    },
}

/// An object as the API server has it.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its uid.
    pub uid: String,
    /// Its generation.
    pub generation: i64,
    /// Whether its deletion began.
    pub is_deleting: bool,
    /// Its `spec`, whole.
    pub spec: Value,
}

const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";

/// Compares a guard with what the API server has of it.
///
/// # Errors
///
/// If it is not there, or not the same.
pub fn compare(
    wanted: Option<&Guard>,
    binding: Option<&Live>,
    policy: Option<&Live>,
) -> Result<GuardIdentity, Fault> {
    let wanted = wanted.ok_or(Fault::Disabled)?;
    Ok(GuardIdentity {
        binding: compare_one(BINDING, &wanted.binding.spec, binding)?,
        policy: compare_one(POLICY, &wanted.policy.spec, policy)?,
    })
}

fn compare_one(
    kind: &'static str,
    wanted: &impl Serialize,
    live: Option<&Live>,
) -> Result<Version, Fault> {
    let live = live.ok_or(Fault::Missing { kind })?;
    if live.is_deleting {
        return Err(Fault::Deleting { kind });
    }
    // Fields that this program does not know, and that may change what the rest means, are seen
    // this way as well. What cannot be written is equal to nothing.
    let wanted = serde_json::to_value(wanted).map_err(|_| Fault::Differs { kind })?;
    if without_empty(&wanted) != without_empty(&live.spec) {
        return Err(Fault::Differs { kind });
    }
    Ok(Version {
        uid: live.uid.clone(),
        generation: live.generation,
    })
}

/// The same without what says nothing: to Kubernetes an empty list or selector is an absent one.
fn without_empty(value: &Value) -> Value {
    let says_something = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    match value {
        Value::Array(items) => items.iter().map(without_empty).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), without_empty(value)))
                .filter(|(_, value)| says_something(value))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fault, GuardIdentity, Live, Version, compare};
    use crate::domain::policy::Policy;
    use crate::provisioning::guard::{Guard, orders};

    fn shipped() -> Guard {
        orders(&Policy::built_in()).unwrap()
    }

    fn live(uid: &str, spec: &impl serde::Serialize) -> Live {
        Live {
            uid: uid.to_owned(),
            generation: 3,
            is_deleting: false,
            spec: serde_json::to_value(spec).unwrap(),
        }
    }

    fn both() -> (Live, Live) {
        let guard = shipped();
        (
            live("binding", &guard.binding.spec),
            live("policy", &guard.policy.spec),
        )
    }

    fn version(uid: &str) -> Version {
        Version {
            uid: uid.to_owned(),
            generation: 3,
        }
    }

    #[test]
    fn what_was_shipped_is_in_place_whether_or_not_empty_parts_are_written_out() {
        let guard = shipped();
        let (binding, mut policy) = both();
        let expected = GuardIdentity {
            policy: version("policy"),
            binding: version("binding"),
        };
        let seen = compare(Some(&guard), Some(&binding), Some(&policy));
        assert_eq!(seen, Ok(expected.clone()));
        let constraints = policy.spec["matchConstraints"].as_object_mut().unwrap();
        constraints.remove("namespaceSelector");
        policy.spec["variables"] = json!([]);
        policy.spec["paramKind"] = json!(null);
        let seen = compare(Some(&guard), Some(&binding), Some(&policy));
        assert_eq!(seen, Ok(expected));
    }

    #[test]
    fn any_change_of_meaning_is_a_difference() {
        let guard = shipped();
        for (pointer, value) in [
            ("/failurePolicy", json!("Ignore")),
            ("/matchConditions/0/expression", json!("false")),
            ("/matchConstraints/matchPolicy", json!("Exact")),
            (
                "/matchConstraints/namespaceSelector",
                json!({"matchLabels": {"a": "b"}}),
            ),
            (
                "/matchConstraints/resourceRules/0/operations",
                json!(["CREATE"]),
            ),
            ("/validations/3/expression", json!("true")),
            ("/validations", json!([])),
            ("/validations/0/message", json!("another")),
        ] {
            let (binding, mut policy) = both();
            *policy.spec.pointer_mut(pointer).unwrap() = value;
            let seen = compare(Some(&guard), Some(&binding), Some(&policy));
            let kind = "ValidatingAdmissionPolicy";
            assert_eq!(seen, Err(Fault::Differs { kind }), "{pointer}");
        }
        let (_, mut policy) = both();
        policy.spec["aFieldOfTheFuture"] = json!({"except": "admins"});
        let (mut binding, _) = both();
        assert!(compare(Some(&guard), Some(&binding), Some(&policy)).is_err());
        let (_, policy) = both();
        for (field, value) in [
            ("validationActions", json!(["Audit"])),
            ("validationActions", json!(["Warn", "Audit"])),
            ("policyName", json!("another")),
            ("paramRef", json!({"name": "x"})),
            ("matchResources", json!({"matchPolicy": "Exact"})),
        ] {
            binding.spec[field] = value;
            let seen = compare(Some(&guard), Some(&binding), Some(&policy));
            let kind = "ValidatingAdmissionPolicyBinding";
            assert_eq!(seen, Err(Fault::Differs { kind }), "{field}");
            binding = both().0;
        }
    }

    #[test]
    fn what_is_absent_or_going_is_not_in_place() {
        let guard = shipped();
        let (mut binding, policy) = both();
        let told = |seen: Result<GuardIdentity, Fault>| seen.unwrap_err().to_string();
        assert_eq!(
            told(compare(Some(&guard), None, Some(&policy))),
            "ValidatingAdmissionPolicyBinding orders.bindguard.dev does not exist"
        );
        assert_eq!(
            told(compare(Some(&guard), Some(&binding), None)),
            "ValidatingAdmissionPolicy orders.bindguard.dev does not exist"
        );
        assert_eq!(
            compare(None, Some(&binding), Some(&policy)),
            Err(Fault::Disabled)
        );
        binding.is_deleting = true;
        assert!(told(compare(Some(&guard), Some(&binding), Some(&policy))).ends_with("deleted"));
    }
}
