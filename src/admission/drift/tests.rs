use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Difference, mutating, validating};
use crate::admission::configuration::{self, Endpoint};
use crate::domain::policy::{Policy, ProvisioningMode};

fn endpoint() -> Endpoint {
    Endpoint::Service {
        namespace: "somewhere".to_owned(),
        name: "else".to_owned(),
    }
}

fn wanted() -> ValidatingWebhookConfiguration {
    configuration::validating(&Policy::built_in(), &endpoint(), Some(b"PEM"))
}

/// The first webhook of the validating configuration after an edit, and what is found.
fn found(edit: impl FnOnce(&mut ValidatingWebhook)) -> Vec<Difference> {
    let mut live = wanted();
    edit(&mut live.webhooks.as_mut().unwrap()[0]);
    validating(&Policy::built_in(), Some(&live))
}

fn fields(differences: &[Difference]) -> Vec<&str> {
    let fields = differences.iter().map(|difference| match difference {
        Difference::Field { field, .. } => *field,
        Difference::NoConfiguration => "no configuration",
        Difference::NoWebhook { .. } => "no webhook",
        Difference::OtherWebhook { .. } => "other webhook",
    });
    fields.collect()
}

#[test]
fn what_the_policy_wants_is_no_difference_wherever_the_webhook_is() {
    let policy = Policy::built_in();
    assert_eq!(validating(&policy, Some(&wanted())), []);
    let live = configuration::mutating(&policy, &endpoint(), None).unwrap();
    assert_eq!(mutating(&policy, Some(&live)), []);
}

#[test]
fn what_the_api_server_fills_in_and_the_order_of_lists_is_no_difference() {
    let table: [fn(&mut ValidatingWebhook); 11] = [
        |webhook| webhook.failure_policy = None,
        |webhook| webhook.match_policy = None,
        |webhook| webhook.timeout_seconds = None,
        |webhook| webhook.timeout_seconds = Some(3),
        |webhook| webhook.object_selector = Some(LabelSelector::default()),
        |webhook| webhook.client_config.ca_bundle = None,
        |webhook| webhook.admission_review_versions.push("v1beta1".to_owned()),
        |webhook| webhook.rules.as_mut().unwrap()[0].scope = None,
        |webhook| webhook.match_conditions.as_mut().unwrap().reverse(),
        |webhook| {
            webhook.match_conditions.as_mut().unwrap()[0]
                .expression
                .push('\n');
        },
        |webhook| {
            // The same in two rules, in another order.
            let rules = webhook.rules.as_mut().unwrap();
            rules.push(rules[0].clone());
            rules[0].operations = Some(vec!["UPDATE".to_owned()]);
            rules[1].operations = Some(vec!["CREATE".to_owned()]);
            rules[1].resources.as_mut().unwrap().reverse();
        },
    ];
    for (number, edit) in table.into_iter().enumerate() {
        assert_eq!(found(edit), [], "{number}");
    }
}

#[test]
fn every_field_that_changes_what_is_asked_about_is_a_difference() {
    type Edit = fn(&mut ValidatingWebhook);
    let table: [(&str, Edit); 13] = [
        ("failurePolicy", |webhook| {
            webhook.failure_policy = Some("Ignore".to_owned());
        }),
        ("matchPolicy", |webhook| {
            webhook.match_policy = Some("Exact".to_owned());
        }),
        ("sideEffects", |webhook| {
            webhook.side_effects = "None".to_owned();
        }),
        ("admissionReviewVersions", |webhook| {
            webhook.admission_review_versions = vec!["v1beta1".to_owned(), "v1".to_owned()];
        }),
        ("timeoutSeconds", |webhook| {
            webhook.timeout_seconds = Some(2);
        }),
        ("rules", |webhook| webhook.rules = None),
        ("rules", |webhook| {
            webhook.rules.as_mut().unwrap()[0].scope = Some("Namespaced".to_owned());
        }),
        ("rules", |webhook| {
            webhook.rules.as_mut().unwrap()[0].operations = Some(vec!["CREATE".to_owned()]);
        }),
        ("rules", |webhook| {
            let rule = &mut webhook.rules.as_mut().unwrap()[0];
            rule.resources = Some(vec!["rolebindings".to_owned()]);
        }),
        ("matchConditions", |webhook| {
            webhook.match_conditions.as_mut().unwrap()[1].expression = "false".to_owned();
        }),
        ("matchConditions", |webhook| webhook.match_conditions = None),
        ("namespaceSelector", |webhook| {
            webhook.namespace_selector = None;
        }),
        ("objectSelector", |webhook| {
            let labels = [("a".to_owned(), "b".to_owned())].into();
            webhook.object_selector = Some(LabelSelector {
                match_labels: Some(labels),
                match_expressions: None,
            });
        }),
    ];
    for (field, edit) in table {
        assert_eq!(fields(&found(edit)), [field]);
    }
}

#[test]
fn what_is_missing_or_too_much_is_named() {
    let policy = Policy::built_in();
    assert_eq!(fields(&validating(&policy, None)), ["no configuration"]);
    assert_eq!(fields(&mutating(&policy, None)), ["no configuration"]);
    let mut live = wanted();
    live.webhooks = None;
    let differences = validating(&policy, Some(&live));
    assert_eq!(
        differences[0].to_string(),
        "webhook validate.bindguard.dev is missing"
    );
    let mut live = wanted();
    live.webhooks.as_mut().unwrap().push(ValidatingWebhook {
        name: "odd\nname".to_owned(),
        ..ValidatingWebhook::default()
    });
    let differences = validating(&policy, Some(&live));
    assert_eq!(
        differences[0].to_string(),
        "webhook \"odd\\nname\" does not belong there"
    );
}

#[test]
fn a_policy_edited_behind_the_configuration_is_a_difference_in_both() {
    let mut policy = Policy::built_in();
    policy.personas[0].cluster_roles.push("vm-guest".to_owned());
    policy.exempt.namespaces.push("lab".to_owned());
    let differences = validating(&policy, Some(&wanted()));
    assert_eq!(
        fields(&differences),
        ["matchConditions", "namespaceSelector"]
    );
    assert_eq!(
        differences[1].to_string(),
        "namespaceSelector of webhook validate.bindguard.dev is \
         \"kubernetes.io/metadata.name NotIn (kube-system)\", and the policy wants \
         \"kubernetes.io/metadata.name NotIn (kube-system, lab)\""
    );
    let live = configuration::mutating(&Policy::built_in(), &endpoint(), None).unwrap();
    assert_eq!(fields(&mutating(&policy, Some(&live))), ["matchConditions"]);
}

#[test]
fn where_nobody_orders_a_patching_webhook_is_too_much() {
    let live = configuration::mutating(&Policy::built_in(), &endpoint(), None).unwrap();
    let mut policy = Policy::built_in();
    policy.provisioning.mode = ProvisioningMode::Disabled;
    assert_eq!(mutating(&policy, None), []);
    assert_eq!(fields(&mutating(&policy, Some(&live))), ["other webhook"]);
}

#[test]
fn how_often_the_patching_webhook_is_asked_matters() {
    let policy = Policy::built_in();
    let mut live = configuration::mutating(&policy, &endpoint(), None).unwrap();
    let webhook: &mut MutatingWebhook = &mut live.webhooks.as_mut().unwrap()[0];
    webhook.reinvocation_policy = None;
    assert_eq!(
        fields(&mutating(&policy, Some(&live))),
        ["reinvocationPolicy"]
    );
}
