//! The guards that confine the controller, should somebody get hold of its rights.

use k8s_openapi::api::admissionregistration::v1::MatchCondition;

use super::cel::{list, quoted};
use super::{COMPANIONS, Content, Guard, WEBHOOKS, condition, validation};
use crate::domain::binding::RBAC_GROUP;
use crate::domain::identity::SERVICE_ACCOUNT_USER_PREFIX;
use crate::domain::policy::{Policy, ServiceAccountName};
use crate::provisioning::COMPANION_NAME_PREFIX;

/// What a webhook says besides `clientConfig`, of both kinds of configuration.
const WEBHOOK_FIELDS: [&str; 9] = [
    "rules",
    "failurePolicy",
    "matchPolicy",
    "namespaceSelector",
    "objectSelector",
    "sideEffects",
    "timeoutSeconds",
    "admissionReviewVersions",
    "matchConditions",
];
/// What only the webhooks of a mutating configuration say. By `dyn`, since the API server would
/// else complain, in the status of the policy, that the others cannot have it.
const REINVOCATION: &str = "dyn(new).?reinvocationPolicy == dyn(old).?reinvocationPolicy";

pub(super) fn guards(
    policy: &Policy,
    controller: &ServiceAccountName,
    configuration: &str,
) -> [Guard; 2] {
    [
        companions(policy, controller),
        webhooks(controller, configuration),
    ]
}

/// Nothing of RBAC but creating companion bindings, for those whom an order can be for.
fn companions(policy: &Policy, controller: &ServiceAccountName) -> Guard {
    let names = policy
        .companions
        .iter()
        .map(|companion| companion.cluster_role.as_str());
    Content {
        name: COMPANIONS,
        operations: &["CREATE", "UPDATE", "DELETE"],
        group: RBAC_GROUP,
        resources: &["*"],
        condition: by_the_controller(controller),
        validations: vec![
            validation(
                "request.operation == 'CREATE' && \
                 request.resource.resource == 'clusterrolebindings'"
                    .to_owned(),
                "bindguard's controller may do nothing here but create ClusterRoleBindings"
                    .to_owned(),
            ),
            validation(
                format!(
                    "object == null || object.metadata.name.startsWith({})",
                    quoted(COMPANION_NAME_PREFIX)
                ),
                format!(
                    "what bindguard's controller creates must have a name that begins with \
                     {COMPANION_NAME_PREFIX}"
                ),
            ),
            validation(
                format!(
                    "object == null || !has(object.roleRef) || \
                     object.roleRef.kind == 'ClusterRole' && \
                     object.roleRef.name in {}",
                    list(names)
                ),
                "bindguard's controller may bind nothing but companions".to_owned(),
            ),
            validation(
                format!(
                    "object == null || !has(object.subjects) || \
                     object.subjects.all(subject, \
                     !subject.name.startsWith('system:') || subject.kind != 'Group' && \
                     subject.name.startsWith('{SERVICE_ACCOUNT_USER_PREFIX}'))"
                ),
                "bindguard's controller may bind nothing to subjects whose name begins with system:"
                    .to_owned(),
            ),
        ],
    }
    .into_guard()
}

/// Nothing in webhook configurations but the `caBundle` of bindguard's own.
fn webhooks(controller: &ServiceAccountName, configuration: &str) -> Guard {
    let only = "bindguard's controller may change nothing in webhook configurations but the \
                caBundle of bindguard's own";
    let same = |of: &str, field: &str| format!("object.{of}.?{field} == oldObject.{of}.?{field}");
    let metadata = ["labels", "annotations", "finalizers", "ownerReferences"]
        .map(|field| same("metadata", field))
        .join(" && ");
    let fields = WEBHOOK_FIELDS
        .map(|field| format!("new.?{field} == old.?{field}"))
        .join(" && ");
    let all = |object: &str| format!("{object}.?webhooks.orValue([])");
    let (new, old) = (all("object"), all("oldObject"));
    Content {
        name: WEBHOOKS,
        operations: &["CREATE", "UPDATE", "DELETE"],
        group: "admissionregistration.k8s.io",
        resources: &[
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ],
        condition: by_the_controller(controller),
        validations: vec![
            validation(
                format!(
                    "request.operation == 'UPDATE' && object.metadata.name == {}",
                    quoted(configuration)
                ),
                only.to_owned(),
            ),
            validation(
                format!("object == null || oldObject == null || {metadata}"),
                only.to_owned(),
            ),
            validation(
                format!(
                    "object == null || oldObject == null || size({new}) == size({old}) && \
                     {new}.all(new, {old}.exists(old, new.name == old.name && \
                     new.clientConfig.?url == old.clientConfig.?url && \
                     new.clientConfig.?service == old.clientConfig.?service && {fields} && \
                     {REINVOCATION}))"
                ),
                only.to_owned(),
            ),
        ],
    }
    .into_guard()
}

fn by_the_controller(controller: &ServiceAccountName) -> MatchCondition {
    condition(
        "by-the-controller",
        format!(
            "request.userInfo.username == {}",
            quoted(&controller.username())
        ),
    )
}
