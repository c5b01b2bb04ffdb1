//! The webhook configurations: what the API server is told to ask us about.
//!
//! The conditions let through only what can be judged, so that a cluster works on without us in
//! everything else: the API server's own bootstrap bindings, bindings of roles that are no
//! persona, and of subjects whose kind no persona enforces.

mod removals;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations,
    ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta,
};

use crate::domain::binding::RBAC_GROUP;
use crate::domain::identity::{SERVICE_ACCOUNT_USER_PREFIX, SubjectKind};
use crate::domain::policy::{Persona, Policy, ProvisioningMode};
use crate::provisioning::PROVISION;
use crate::provisioning::guard::cel;

/// The name of both configurations.
pub const NAME: &str = "bindguard";
/// The webhook that refuses.
pub const VALIDATE: &str = "validate.bindguard.dev";
/// The webhook that judges what is taken away.
pub const REMOVAL: &str = "removal.bindguard.dev";
/// The webhook that patches.
pub const MUTATE: &str = "mutate.bindguard.dev";

/// Seconds that the API server waits for a verdict.
const VALIDATE_TIMEOUT: i32 = 10;
/// Seconds that it waits for the verdict on a removal, without which it goes on.
const REMOVAL_TIMEOUT: i32 = 5;
/// Seconds that it waits for a patch, without which it goes on.
const MUTATE_TIMEOUT: i32 = 5;

/// Where the API server finds the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At a URL, `https://HOST:PORT`, without a path.
    Url(String),
    /// At a Service in the cluster, port 443.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// The configuration of the webhooks that refuse.
///
/// `ca_bundle` is PEM; left out, somebody else has to fill it in.
#[must_use]
pub fn validating(
    policy: &Policy,
    endpoint: &Endpoint,
    ca_bundle: Option<&[u8]>,
) -> ValidatingWebhookConfiguration {
    ValidatingWebhookConfiguration {
        metadata: metadata(),
        webhooks: Some(vec![
            persona_webhook(policy, endpoint, ca_bundle),
            removal_webhook(policy, endpoint, ca_bundle),
        ]),
    }
}

fn persona_webhook(
    policy: &Policy,
    endpoint: &Endpoint,
    ca_bundle: Option<&[u8]>,
) -> ValidatingWebhook {
    ValidatingWebhook {
        name: VALIDATE.to_owned(),
        admission_review_versions: vec!["v1".to_owned()],
        client_config: client_config(endpoint, "/validate", ca_bundle),
        failure_policy: Some("Fail".to_owned()),
        match_conditions: Some(match_conditions(policy)),
        match_policy: Some("Equivalent".to_owned()),
        namespace_selector: namespace_selector(policy),
        rules: Some(vec![rule()]),
        side_effects: "NoneOnDryRun".to_owned(),
        timeout_seconds: Some(VALIDATE_TIMEOUT),
        ..ValidatingWebhook::default()
    }
}

/// At the same path as the other: the API server takes no query in an address, so nothing could
/// tell the two apart, and every call is judged by both rules.
fn removal_webhook(
    policy: &Policy,
    endpoint: &Endpoint,
    ca_bundle: Option<&[u8]>,
) -> ValidatingWebhook {
    ValidatingWebhook {
        name: REMOVAL.to_owned(),
        admission_review_versions: vec!["v1".to_owned()],
        client_config: client_config(endpoint, "/validate", ca_bundle),
        // A cluster must be able to take rights away while nobody judges it.
        failure_policy: Some("Ignore".to_owned()),
        match_conditions: Some(vec![
            not_the_api_server(),
            condition("companion-binding", removals::companion_bindings(policy)),
        ]),
        match_policy: Some("Equivalent".to_owned()),
        rules: Some(vec![removals::rule()]),
        side_effects: "NoneOnDryRun".to_owned(),
        timeout_seconds: Some(REMOVAL_TIMEOUT),
        ..ValidatingWebhook::default()
    }
}

/// The configuration of the webhook that patches; none, if nobody may order anything.
#[must_use]
pub fn mutating(
    policy: &Policy,
    endpoint: &Endpoint,
    ca_bundle: Option<&[u8]>,
) -> Option<MutatingWebhookConfiguration> {
    match policy.provisioning.mode {
        ProvisioningMode::Disabled => None,
        ProvisioningMode::OnRequest | ProvisioningMode::Always => {
            Some(mutating_anyway(policy, endpoint, ca_bundle))
        }
    }
}

fn mutating_anyway(
    policy: &Policy,
    endpoint: &Endpoint,
    ca_bundle: Option<&[u8]>,
) -> MutatingWebhookConfiguration {
    MutatingWebhookConfiguration {
        metadata: metadata(),
        webhooks: Some(vec![MutatingWebhook {
            name: MUTATE.to_owned(),
            admission_review_versions: vec!["v1".to_owned()],
            client_config: client_config(endpoint, "/mutate", ca_bundle),
            // The validating webhook decides anyway.
            failure_policy: Some("Ignore".to_owned()),
            match_conditions: Some(vec![
                not_the_api_server(),
                condition("persona-binding-or-new-order", to_patch(policy)),
            ]),
            match_policy: Some("Equivalent".to_owned()),
            reinvocation_policy: Some("IfNeeded".to_owned()),
            rules: Some(vec![rule()]),
            side_effects: "NoneOnDryRun".to_owned(),
            timeout_seconds: Some(MUTATE_TIMEOUT),
            ..MutatingWebhook::default()
        }]),
    }
}

fn metadata() -> ObjectMeta {
    ObjectMeta {
        name: Some(NAME.to_owned()),
        labels: Some([("app.kubernetes.io/part-of".to_owned(), NAME.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

fn client_config(endpoint: &Endpoint, path: &str, ca_bundle: Option<&[u8]>) -> WebhookClientConfig {
    let (url, service) = match endpoint {
        Endpoint::Url(base) => (Some(format!("{base}{path}")), None),
        Endpoint::Service { namespace, name } => (
            None,
            Some(ServiceReference {
                namespace: namespace.clone(),
                name: name.clone(),
                path: Some(path.to_owned()),
                port: None,
            }),
        ),
    };
    WebhookClientConfig {
        ca_bundle: ca_bundle.map(|bundle| ByteString(bundle.to_vec())),
        service,
        url,
    }
}

fn rule() -> RuleWithOperations {
    RuleWithOperations {
        api_groups: Some(vec![RBAC_GROUP.to_owned()]),
        api_versions: Some(vec!["v1".to_owned()]),
        operations: Some(vec!["CREATE".to_owned(), "UPDATE".to_owned()]),
        resources: Some(vec![
            "rolebindings".to_owned(),
            "clusterrolebindings".to_owned(),
        ]),
        scope: Some("*".to_owned()),
    }
}

/// Exempt namespaces are left out by name. The selector never applies to ClusterRoleBindings.
fn namespace_selector(policy: &Policy) -> Option<LabelSelector> {
    let namespaces = &policy.exempt.namespaces;
    (!namespaces.is_empty()).then(|| LabelSelector {
        match_expressions: Some(vec![LabelSelectorRequirement {
            key: "kubernetes.io/metadata.name".to_owned(),
            operator: "NotIn".to_owned(),
            values: Some(namespaces.clone()),
        }]),
        match_labels: None,
    })
}

fn match_conditions(policy: &Policy) -> Vec<MatchCondition> {
    vec![
        not_the_api_server(),
        condition("persona-binding", persona_bindings(policy)),
    ]
}

/// The API server writes its bootstrap bindings through admission at every start, and ends if that
/// fails for 30 seconds.
fn not_the_api_server() -> MatchCondition {
    condition(
        "not-the-api-server",
        "request.userInfo.username != 'system:apiserver'".to_owned(),
    )
}

fn condition(name: &str, expression: String) -> MatchCondition {
    MatchCondition {
        name: name.to_owned(),
        expression,
    }
}

/// Bindings to a persona with a subject of a kind that it enforces.
fn persona_bindings(policy: &Policy) -> String {
    let kinds = if policy.match_roles {
        "object.roleRef.kind in ['ClusterRole', 'Role']"
    } else {
        "object.roleRef.kind == 'ClusterRole'"
    };
    let personas: Vec<String> = policy.personas.iter().map(persona_condition).collect();
    format!(
        "{kinds} && has(object.subjects) && ({})",
        personas.join(" || ")
    )
}

/// Bindings that an order may be stamped on, and those that carry one which must be taken off:
/// wherever they are, so that exempt namespaces are left out here and not by a selector.
///
/// A call costs every write of a persona binding half a millisecond, so where companions are made
/// only on request, only bindings that ask are sent.
fn to_patch(policy: &Policy) -> String {
    let mut stamped = Vec::new();
    if policy.provisioning.mode == ProvisioningMode::OnRequest {
        stamped.push(cel::annotated(PROVISION));
    }
    let exempt = &policy.exempt.namespaces;
    if !exempt.is_empty() {
        let exempt = cel::list(exempt.iter().map(String::as_str));
        stamped.push(format!("!(request.?namespace.orValue('') in {exempt})"));
    }
    stamped.push(persona_bindings(policy));
    format!("{} || {}", stamped.join(" && "), cel::new_order())
}

fn persona_condition(persona: &Persona) -> String {
    format!(
        "object.roleRef.name in {} && {}",
        cel::list(persona.cluster_roles.iter().map(String::as_str)),
        subject_condition(persona)
    )
}

/// Subjects that may be of an enforced kind. A User may be a ServiceAccount by its other name.
fn subject_condition(persona: &Persona) -> String {
    let user = persona.enforces(SubjectKind::User);
    let group = persona.enforces(SubjectKind::Group);
    let service_account = persona.enforces(SubjectKind::ServiceAccount);
    if user && group && service_account {
        return "size(object.subjects) > 0".to_owned();
    }
    let mut kinds = Vec::new();
    if user {
        kinds.push("subject.kind == 'User'".to_owned());
    }
    if group {
        kinds.push("subject.kind == 'Group'".to_owned());
    }
    if service_account {
        kinds.push("subject.kind == 'ServiceAccount'".to_owned());
        if !user {
            kinds.push(format!(
                "subject.kind == 'User' && subject.name.startsWith('{SERVICE_ACCOUNT_USER_PREFIX}')"
            ));
        }
    }
    format!("object.subjects.exists(subject, {})", kinds.join(" || "))
}

#[cfg(test)]
mod tests;
