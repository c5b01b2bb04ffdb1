//! The canary: an order that the guard must refuse. An API server may show perfect guards and run
//! without the plugin that heeds them, so that only a try tells.

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::ORDERS;
use crate::domain::binding::RBAC_GROUP;
use crate::domain::policy::Policy;
use crate::kubernetes::guard::TryError;
use crate::provisioning::{COMPANION_NAME_PREFIX, ORDER, ORDERED_BY};
use crate::telemetry::causes::WithCauses;

/// The order of the canary: a word, which is never an order.
pub const CANARY: &str = "canary";
/// By whom it says to be ordered: nobody can have this name, whoever tries it.
const SOMEBODY_ELSE: &str = "system:bindguard:canary";

/// What came of a canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// The guard refused it, as it must.
    Refused,
    /// It passed: an order by anybody would.
    Accepted,
    /// It came to something else, which tells nothing of the guard.
    Unknown(String),
}

/// The object that is to be created as a dry run: within all that the controller may do, but for
/// its order.
pub(super) fn object(policy: &Policy) -> ClusterRoleBinding {
    let companion = policy.companions.first();
    let annotations = [(ORDER, CANARY), (ORDERED_BY, SOMEBODY_ELSE)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    ClusterRoleBinding {
        metadata: ObjectMeta {
            name: Some(name()),
            annotations: Some(annotations.into()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef {
            api_group: Some(RBAC_GROUP.to_owned()),
            kind: "ClusterRole".to_owned(),
            name: companion.map_or_else(String::new, |companion| companion.cluster_role.clone()),
        },
        subjects: Some(vec![Subject {
            api_group: Some(RBAC_GROUP.to_owned()),
            kind: "User".to_owned(),
            name: "bindguard-canary".to_owned(),
            namespace: None,
        }]),
    }
}

fn name() -> String {
    format!("{COMPANION_NAME_PREFIX}canary")
}

/// What an answer to the canary says.
pub(super) fn read(answer: Result<(), TryError>) -> Canary {
    match answer {
        Ok(()) => Canary::Accepted,
        Err(TryError::Api(kube::Error::Api(status))) => match status.code {
            // Names are looked at after all that admits.
            409 => Canary::Accepted,
            403 if is_refusal(&status.message) => Canary::Refused,
            _ => Canary::Unknown(format!(
                "the API server refused a try of it, and not because of the guard: {}",
                status.message
            )),
        },
        Err(error) => Canary::Unknown(format!("it could not be tried: {}", WithCauses(&error))),
    }
}

/// Whether the guard said so itself, and nobody else whose words hold its name.
fn is_refusal(message: &str) -> bool {
    let guard = format!(
        "clusterrolebindings.{RBAC_GROUP} \"{}\" is forbidden: ValidatingAdmissionPolicy \
         '{ORDERS}' with binding '{ORDERS}' denied request: ",
        name()
    );
    message.starts_with(&guard)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::{Canary, object, read};
    use crate::domain::policy::Policy;
    use crate::kubernetes::guard::TryError;

    fn answer(code: u16, message: &str) -> Canary {
        let status = Status::failure(message, "x").with_code(code).boxed();
        read(Err(TryError::Api(kube::Error::Api(status))))
    }

    const REFUSED: &str = "clusterrolebindings.rbac.authorization.k8s.io \"bindguard-canary\" is \
                           forbidden: ValidatingAdmissionPolicy 'orders.bindguard.dev' with \
                           binding 'orders.bindguard.dev' denied request: whatever";

    #[test]
    fn only_the_guard_s_own_refusal_counts_as_one() {
        assert_eq!(answer(403, REFUSED), Canary::Refused);
        for (code, message) in [
            (
                403,
                "clusterrolebindings.rbac.authorization.k8s.io is forbidden: User cannot create",
            ),
            (
                403,
                &*format!("admission webhook \"x\" denied the request: {REFUSED}"),
            ),
            (403, &*REFUSED.replace("binding 'orders", "binding 'other")),
            (422, REFUSED),
            (500, "down"),
        ] {
            let canary = answer(code, message);
            assert!(matches!(canary, Canary::Unknown(_)), "{message}");
        }
    }

    #[test]
    fn what_passes_or_fails_only_for_its_name_is_accepted() {
        assert_eq!(read(Ok(())), Canary::Accepted);
        assert_eq!(answer(409, "already exists"), Canary::Accepted);
    }

    #[test]
    fn the_canary_is_within_what_the_controller_may_do() {
        let canary = object(&Policy::built_in());
        assert_eq!(canary.metadata.name.as_deref(), Some("bindguard-canary"));
        assert_eq!(canary.role_ref.name, "spectro-list-namespaces");
        let annotations = canary.metadata.annotations.unwrap();
        assert_eq!(annotations["bindguard.dev/order"], "canary");
    }
}
