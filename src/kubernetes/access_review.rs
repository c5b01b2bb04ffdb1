//! Asks the API server what somebody may do.

use std::collections::BTreeMap;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use kube::Client;
use kube::api::{Api, PostParams};

/// Somebody, as an authenticator made them known. An authorizer may look at all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The user name.
    pub username: String,
    /// The uid.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// Whatever else.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Something that may be done in the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The verb.
    pub verb: &'static str,
    /// The resource, of the API group of RBAC.
    pub resource: &'static str,
    /// The object; all of them, where it is not given.
    pub name: Option<String>,
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// They may.
    Yes,
    /// They may not.
    No,
    /// An authorizer failed, so that nobody knows. It says why.
    Failed(String),
}

/// Asks whether somebody has a right. Takes the right to `create` subjectaccessreviews.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn review(client: &Client, group: &str, who: &Who, right: &Right) -> kube::Result<Said> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(who.username.clone()),
            uid: Some(who.uid.clone()).filter(|uid| !uid.is_empty()),
            groups: Some(who.groups.clone()),
            extra: Some(who.extra.clone()),
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                verb: Some(right.verb.to_owned()),
                resource: Some(right.resource.to_owned()),
                name: right.name.clone(),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let answered = api.create(&PostParams::default(), &review).await?;
    Ok(said(answered.status.unwrap_or_default()))
}

/// A right of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRight {
    /// The verb.
    pub verb: &'static str,
    /// The API group.
    pub group: &'static str,
    /// The resource.
    pub resource: &'static str,
    /// The namespace; the whole cluster, where it is not given.
    pub namespace: Option<String>,
    /// The object; all of them, where it is not given.
    pub name: Option<String>,
}

/// Asks whether we have a right ourselves, which everybody may.
///
/// # Errors
///
/// If the API server cannot be asked.
pub async fn own(client: &Client, right: &OwnRight) -> kube::Result<Said> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(right.group.to_owned()),
                verb: Some(right.verb.to_owned()),
                resource: Some(right.resource.to_owned()),
                namespace: right.namespace.clone(),
                name: right.name.clone(),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answered = api.create(&PostParams::default(), &review).await?;
    Ok(said(answered.status.unwrap_or_default()))
}

fn said(status: SubjectAccessReviewStatus) -> Said {
    match status.evaluation_error {
        _ if status.allowed && status.denied != Some(true) => Said::Yes,
        Some(error) if !error.is_empty() => Said::Failed(error),
        _ => Said::No,
    }
}
