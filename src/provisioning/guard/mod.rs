//! The guards: `ValidatingAdmissionPolicies` by which the API server itself, which alone knows who
//! a requester is, holds off orders from those who may not place them, confines the controller, and
//! keeps others from breaking its own trust in bindguard.
//!
//! Each comes with its binding, of the same name. Every field that the API server would fill in is
//! written out, so that what is in force can be compared with what is meant to be.

pub mod canary;
pub mod cel;
mod confinement;
pub mod epoch;
pub mod in_place;
pub mod looks;
mod order;
pub mod standing;
mod trust;
mod watch;

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec,
    ValidatingAdmissionPolicySpec, Validation,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::domain::policy::{Policy, ProvisioningMode, ServiceAccountName};

pub use trust::BundleKeeper;
pub use watch::watch;

/// The guard of orders.
pub const ORDERS: &str = "orders.bindguard.dev";
/// The guard that lets the controller write nothing of RBAC but companion bindings.
pub const COMPANIONS: &str = "companions.bindguard.dev";
/// The guard that lets the controller change nothing in webhook configurations but `caBundle`.
pub const WEBHOOKS: &str = "webhooks.bindguard.dev";
/// The guard of the `caBundle` of bindguard's webhooks.
pub const TRUST: &str = "trust.bindguard.dev";

/// A `ValidatingAdmissionPolicy` and the binding that puts it in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// What is refused.
    pub policy: ValidatingAdmissionPolicy,
    /// That it is refused, and everywhere.
    pub binding: ValidatingAdmissionPolicyBinding,
}

/// All guards that a policy wants, for a controller that runs as this ServiceAccount, and whose
/// webhook configurations have this name and a `caBundle` from this keeper.
#[must_use]
pub fn guards(
    policy: &Policy,
    controller: &ServiceAccountName,
    configuration: &str,
    keeper: BundleKeeper,
) -> Vec<Guard> {
    orders(policy)
        .into_iter()
        .chain(confinement::guards(policy, controller, configuration))
        .chain([trust::guard(keeper, controller, configuration)])
        .collect()
}

/// The guard of orders; none, if no orders are taken.
#[must_use]
pub fn orders(policy: &Policy) -> Option<Guard> {
    match policy.provisioning.mode {
        ProvisioningMode::Disabled => None,
        ProvisioningMode::OnRequest | ProvisioningMode::Always => Some(order::guard(policy)),
    }
}

/// What a guard is about and what it refuses.
struct Content {
    name: &'static str,
    operations: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
    condition: MatchCondition,
    validations: Vec<Validation>,
}

impl Content {
    fn into_guard(self) -> Guard {
        let constraints = MatchResources {
            exclude_resource_rules: None,
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: Some(LabelSelector::default()),
            object_selector: Some(LabelSelector::default()),
            resource_rules: Some(vec![NamedRuleWithOperations {
                api_groups: Some(vec![self.group.to_owned()]),
                api_versions: Some(vec!["v1".to_owned()]),
                operations: Some(owned(self.operations)),
                resource_names: None,
                resources: Some(owned(self.resources)),
                scope: Some("*".to_owned()),
            }]),
        };
        Guard {
            policy: ValidatingAdmissionPolicy {
                metadata: metadata(self.name),
                spec: Some(ValidatingAdmissionPolicySpec {
                    failure_policy: Some("Fail".to_owned()),
                    match_conditions: Some(vec![self.condition]),
                    match_constraints: Some(constraints),
                    validations: Some(self.validations),
                    ..ValidatingAdmissionPolicySpec::default()
                }),
                status: None,
            },
            binding: ValidatingAdmissionPolicyBinding {
                metadata: metadata(self.name),
                spec: ValidatingAdmissionPolicyBindingSpec {
                    policy_name: self.name.to_owned(),
                    validation_actions: vec!["Deny".to_owned()],
                    ..ValidatingAdmissionPolicyBindingSpec::default()
                },
            },
        }
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(
            [(
                "app.kubernetes.io/part-of".to_owned(),
                "bindguard".to_owned(),
            )]
            .into(),
        ),
        ..ObjectMeta::default()
    }
}

fn condition(name: &str, expression: String) -> MatchCondition {
    MatchCondition {
        name: name.to_owned(),
        expression,
    }
}

fn validation(expression: String, message: String) -> Validation {
    Validation {
        expression,
        message: Some(message),
        message_expression: None,
        reason: Some("Forbidden".to_owned()),
    }
}
