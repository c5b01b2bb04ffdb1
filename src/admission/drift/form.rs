//! A webhook as far as its meaning goes: defaults filled in, order and spelling taken out.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, RuleWithOperations, ValidatingWebhook,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// A webhook in comparable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) name: String,
    /// Each field and its meaning, always the same fields for the same kind.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Seconds that the API server waits, if the webhook says.
    pub(super) timeout: Option<i32>,
}

/// What both kinds of webhook have.
struct Common<'a> {
    failure_policy: Option<&'a str>,
    match_policy: Option<&'a str>,
    side_effects: &'a str,
    review_versions: &'a [String],
    rules: &'a [RuleWithOperations],
    conditions: &'a [MatchCondition],
    namespace_selector: Option<&'a LabelSelector>,
    object_selector: Option<&'a LabelSelector>,
}

impl Form {
    pub(super) fn of_validating(webhook: &ValidatingWebhook) -> Self {
        let common = Common {
            failure_policy: webhook.failure_policy.as_deref(),
            match_policy: webhook.match_policy.as_deref(),
            side_effects: &webhook.side_effects,
            review_versions: &webhook.admission_review_versions,
            rules: webhook.rules.as_deref().unwrap_or_default(),
            conditions: webhook.match_conditions.as_deref().unwrap_or_default(),
            namespace_selector: webhook.namespace_selector.as_ref(),
            object_selector: webhook.object_selector.as_ref(),
        };
        Self {
            name: webhook.name.clone(),
            fields: common.fields(),
            timeout: webhook.timeout_seconds,
        }
    }

    pub(super) fn of_mutating(webhook: &MutatingWebhook) -> Self {
        let common = Common {
            failure_policy: webhook.failure_policy.as_deref(),
            match_policy: webhook.match_policy.as_deref(),
            side_effects: &webhook.side_effects,
            review_versions: &webhook.admission_review_versions,
            rules: webhook.rules.as_deref().unwrap_or_default(),
            conditions: webhook.match_conditions.as_deref().unwrap_or_default(),
            namespace_selector: webhook.namespace_selector.as_ref(),
            object_selector: webhook.object_selector.as_ref(),
        };
        let mut fields = common.fields();
        let reinvocation = webhook.reinvocation_policy.as_deref().unwrap_or("Never");
        fields.push(("reinvocationPolicy", reinvocation.to_owned()));
        Self {
            name: webhook.name.clone(),
            fields,
            timeout: webhook.timeout_seconds,
        }
    }
}

impl Common<'_> {
    /// The defaults are those of `k8s.io/kubernetes/pkg/apis/admissionregistration/v1/defaults.go`.
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "failurePolicy",
                self.failure_policy.unwrap_or("Fail").to_owned(),
            ),
            (
                "matchPolicy",
                self.match_policy.unwrap_or("Equivalent").to_owned(),
            ),
            ("sideEffects", self.side_effects.to_owned()),
            ("admissionReviewVersions", versions(self.review_versions)),
            ("rules", rules(self.rules)),
            ("matchConditions", conditions(self.conditions)),
            ("namespaceSelector", selector(self.namespace_selector)),
            ("objectSelector", selector(self.object_selector)),
        ]
    }
}

fn joined(parts: BTreeSet<String>, separator: &str) -> String {
    parts.into_iter().collect::<Vec<_>>().join(separator)
}

/// The API server sends the first version that it knows, and we only know this one.
fn versions(versions: &[String]) -> String {
    match versions.first() {
        Some(first) if first == "v1" => first.clone(),
        _ => versions.join(", "),
    }
}

/// Every single combination that rules match, so that it makes no difference how they are divided.
fn rules(rules: &[RuleWithOperations]) -> String {
    let mut single = BTreeSet::new();
    for rule in rules {
        let scope = rule.scope.as_deref().unwrap_or("*");
        for operation in rule.operations.iter().flatten() {
            for group in rule.api_groups.iter().flatten() {
                for version in rule.api_versions.iter().flatten() {
                    for resource in rule.resources.iter().flatten() {
                        let scope = if scope == "*" {
                            String::new()
                        } else {
                            format!(" ({scope})")
                        };
                        single.insert(format!("{operation} {group}/{version}/{resource}{scope}"));
                    }
                }
            }
        }
    }
    joined(single, ", ")
}

/// All conditions must hold, so their order and their names mean nothing.
fn conditions(conditions: &[MatchCondition]) -> String {
    let expressions = conditions
        .iter()
        .map(|condition| condition.expression.trim().to_owned());
    joined(expressions.collect(), " && ")
}

/// The requirements of a selector, labels written as requirements.
fn selector(selector: Option<&LabelSelector>) -> String {
    let Some(selector) = selector else {
        return String::new();
    };
    let labels = selector.match_labels.iter().flatten();
    let labels = labels.map(|(key, value)| format!("{key} In ({value})"));
    let expressions = selector
        .match_expressions
        .iter()
        .flatten()
        .map(|requirement| {
            let values = requirement.values.iter().flatten().cloned().collect();
            format!(
                "{} {} ({})",
                requirement.key,
                requirement.operator,
                joined(values, ", ")
            )
        });
    joined(labels.chain(expressions).collect(), ", ")
}
