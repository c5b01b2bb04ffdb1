//! Whether the controller has the rights that carrying orders out takes.

use std::time::Duration;

use kube::Client;

use crate::domain::policy::Policy;
use crate::domain::text::ShownName;
use crate::kubernetes::access_review::{OwnRight, Said, own};
use crate::kubernetes::in_time::in_time;
use crate::provisioning::controller::CONFIG_MAP;
use crate::provisioning::guard::ORDERS;
use crate::provisioning::guard::epoch;
use crate::telemetry::metrics::Metrics;

const PATIENCE: Duration = Duration::from_secs(2);
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// Asks for each right, names every one that is missing in the log, and counts them. Nothing is
/// held up by that: what lacks a right fails by itself.
pub async fn check(client: &Client, namespace: &str, policy: &Policy, metrics: &Metrics) {
    let mut missing = 0;
    for right in needed(namespace, policy) {
        match in_time(PATIENCE, own(client, &right)).await {
            Ok(Said::Yes) => {}
            Ok(Said::No) => {
                missing += 1;
                tracing::error!(
                    "the controller lacks a right to carry orders out: {}",
                    shown(&right)
                );
            }
            Ok(Said::Failed(error)) | Err(error) => {
                tracing::warn!(
                    error,
                    "it is not known whether the controller has the right: {}",
                    shown(&right)
                );
            }
        }
    }
    metrics.set_rights_missing(missing);
}

/// Every right that it takes.
fn needed(namespace: &str, policy: &Policy) -> Vec<OwnRight> {
    let whole = |verb, group, resource| OwnRight {
        verb,
        group,
        resource,
        namespace: None,
        name: None,
    };
    let mut rights = Vec::new();
    for resource in ["clusterrolebindings", "rolebindings"] {
        rights.extend(["list", "watch"].map(|verb| whole(verb, RBAC, resource)));
    }
    rights.extend(["create", "get"].map(|verb| whole(verb, RBAC, "clusterrolebindings")));
    for companion in &policy.companions {
        rights.extend(["bind", "get"].map(|verb| OwnRight {
            name: Some(companion.cluster_role.clone()),
            ..whole(verb, RBAC, "clusterroles")
        }));
    }
    for resource in [
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ] {
        rights.push(OwnRight {
            name: Some(ORDERS.to_owned()),
            ..whole("get", ADMISSION, resource)
        });
    }
    for name in [epoch::CONFIG_MAP, CONFIG_MAP] {
        rights.extend(["get", "update"].map(|verb| OwnRight {
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            ..whole(verb, "", "configmaps")
        }));
    }
    rights.extend(["create", "patch"].map(|verb| whole(verb, "events.k8s.io", "events")));
    rights
}

/// As a rule of RBAC would say it.
fn shown(right: &OwnRight) -> String {
    let OwnRight { verb, resource, .. } = right;
    let group = match right.group {
        "" => String::new(),
        group => format!(".{group}"),
    };
    let name = match &right.name {
        Some(name) => format!(" named {}", ShownName(name)),
        None => String::new(),
    };
    let place = match &right.namespace {
        Some(namespace) => format!("namespace {}", ShownName(namespace)),
        None => "the whole cluster".to_owned(),
    };
    format!("{verb} {resource}{group}{name} in {place}")
}

#[cfg(test)]
mod tests {
    use super::{needed, shown};
    use crate::domain::policy::Policy;

    #[test]
    fn every_right_is_asked_for_and_named_as_a_rule_would() {
        let rights = needed("bindguard", &Policy::built_in());
        let shown: Vec<String> = rights.iter().map(shown).collect();
        assert_eq!(
            shown,
            [
                "list clusterrolebindings.rbac.authorization.k8s.io in the whole cluster",
                "watch clusterrolebindings.rbac.authorization.k8s.io in the whole cluster",
                "list rolebindings.rbac.authorization.k8s.io in the whole cluster",
                "watch rolebindings.rbac.authorization.k8s.io in the whole cluster",
                "create clusterrolebindings.rbac.authorization.k8s.io in the whole cluster",
                "get clusterrolebindings.rbac.authorization.k8s.io in the whole cluster",
                "bind clusterroles.rbac.authorization.k8s.io named spectro-list-namespaces in the whole cluster",
                "get clusterroles.rbac.authorization.k8s.io named spectro-list-namespaces in the whole cluster",
                "bind clusterroles.rbac.authorization.k8s.io named spectro-list-vmtemplates in the whole cluster",
                "get clusterroles.rbac.authorization.k8s.io named spectro-list-vmtemplates in the whole cluster",
                "get validatingadmissionpolicies.admissionregistration.k8s.io named orders.bindguard.dev in the whole cluster",
                "get validatingadmissionpolicybindings.admissionregistration.k8s.io named orders.bindguard.dev in the whole cluster",
                "get configmaps named bindguard-epoch in namespace bindguard",
                "update configmaps named bindguard-epoch in namespace bindguard",
                "get configmaps named bindguard-orders in namespace bindguard",
                "update configmaps named bindguard-orders in namespace bindguard",
                "create events.events.k8s.io in the whole cluster",
                "patch events.events.k8s.io in the whole cluster",
            ]
        );
    }
}
