use super::{Endpoint, mutating, persona_bindings, to_patch, validating};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::provisioning::guard::cel;

#[test]
fn the_conditions_name_the_personas_and_the_kinds_they_enforce() {
    assert_eq!(
        persona_bindings(&Policy::built_in()),
        "object.roleRef.kind == 'ClusterRole' && has(object.subjects) && \
         (object.roleRef.name in ['spectro-vm-admin', 'spectro-vm-power-user', \
         'spectro-vm-user', 'spectro-vm-viewer'] && size(object.subjects) > 0 || \
         object.roleRef.name in ['cluster-admin', 'admin', 'edit', 'view'] && \
         object.subjects.exists(subject, subject.kind == 'User' || subject.kind == 'Group'))"
    );
}

#[test]
fn a_persona_for_service_accounts_alone_sees_their_user_form_as_well() {
    let mut policy = Policy::built_in();
    policy.match_roles = true;
    policy.personas.truncate(1);
    policy.personas[0].cluster_roles = vec!["it's".to_owned()];
    policy.personas[0].subject_kinds = vec![SubjectKind::ServiceAccount];
    assert_eq!(
        persona_bindings(&policy),
        "object.roleRef.kind in ['ClusterRole', 'Role'] && has(object.subjects) && \
         (object.roleRef.name in ['it\\'s'] && object.subjects.exists(subject, \
         subject.kind == 'ServiceAccount' || subject.kind == 'User' && \
         subject.name.startsWith('system:serviceaccount:')))"
    );
}

#[test]
fn the_endpoint_is_a_url_or_a_service() {
    let policy = Policy::built_in();
    let url = Endpoint::Url("https://127.0.0.1:8443".to_owned());
    let webhook = validating(&policy, &url, Some(b"PEM"))
        .webhooks
        .unwrap()
        .remove(0);
    let config = webhook.client_config;
    assert_eq!(
        config.url.as_deref(),
        Some("https://127.0.0.1:8443/validate")
    );
    assert_eq!(config.ca_bundle.unwrap().0, b"PEM");
    assert_eq!(webhook.failure_policy.as_deref(), Some("Fail"));
    let service = Endpoint::Service {
        namespace: "bindguard".to_owned(),
        name: "webhook".to_owned(),
    };
    let webhook = mutating(&policy, &service, None)
        .unwrap()
        .webhooks
        .unwrap()
        .remove(0);
    assert_eq!(
        webhook.client_config.service.unwrap().path.as_deref(),
        Some("/mutate")
    );
    assert_eq!(webhook.client_config.ca_bundle, None);
    assert_eq!(webhook.failure_policy.as_deref(), Some("Ignore"));
}

#[test]
fn no_exempt_namespace_means_no_selector() {
    let mut policy = Policy::built_in();
    assert!(super::namespace_selector(&policy).is_some());
    policy.exempt.namespaces.clear();
    assert!(super::namespace_selector(&policy).is_none());
}

#[test]
fn the_patching_webhook_sees_personas_outside_exempt_namespaces_and_new_orders_anywhere() {
    let mut policy = Policy::built_in();
    let (personas, order) = (persona_bindings(&policy), cel::new_order());
    let elsewhere = "!(request.?namespace.orValue('') in ['kube-system'])";
    assert_eq!(
        to_patch(&policy),
        format!(
            "object.metadata.?annotations[?'bindguard.dev/provision'].hasValue() && {elsewhere} && \
             {personas} || {order}"
        )
    );
    policy.provisioning.mode = ProvisioningMode::Always;
    assert_eq!(
        to_patch(&policy),
        format!("{elsewhere} && {personas} || {order}")
    );
    policy.exempt.namespaces.clear();
    assert_eq!(to_patch(&policy), format!("{personas} || {order}"));
    policy.provisioning.mode = ProvisioningMode::Disabled;
    let url = Endpoint::Url(String::new());
    assert_eq!(mutating(&policy, &url, None), None);
}
