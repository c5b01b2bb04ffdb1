//! An `AdmissionReview`, from its bytes.
//!
//! Knows nothing of policy or holdings, nor of HTTP. What comes out is whole: of every review of a
//! binding it is certain that the objects its operation needs are there and that a RoleBinding
//! has a namespace. Nothing in it is proof of anything: whoever reaches the port can send one.
//!
//! Everything is read in one pass and borrowed from the body; what nobody looks at is skipped
//! without being decoded. Skipping does not recurse, and `serde_json` refuses deep nesting in what
//! is read, so that no body can exhaust the stack.

mod annotations;
mod error;
mod frame;
mod json;
mod object;
mod position;
mod requester;
mod target;
#[cfg(test)]
mod tests;

use serde::de::IgnoredAny;

pub use annotations::Annotations;
pub use error::ReviewError;
pub use object::{Metadata, Object};
pub use position::Position;
pub use requester::Requester;
pub use target::{Operation, Target};

use super::text::Text;
use crate::domain::binding::{Binding, BindingKind};
use frame::{Frame, Request};
use json::JsonObject;

/// The one version of reviews that is answered.
pub const API_VERSION: &str = "admission.k8s.io/v1";
/// The kind of a review.
pub const KIND: &str = "AdmissionReview";

/// A review that can be answered.
#[derive(Clone, Debug)]
pub struct Review<'a> {
    /// The uid of this call, never empty. A retry or the other phase of a write has another one.
    pub uid: Text<'a>,
    /// What is under review.
    pub target: Target,
    /// What is to be done with it.
    pub operation: Operation,
    /// The subresource, empty for the object itself. Bindings have none.
    pub sub_resource: Text<'a>,
    /// Whether nothing is to be stored, so that nothing else may happen either.
    pub dry_run: bool,
    /// Who made the request.
    pub requester: Requester<'a>,
    name: Text<'a>,
    namespace: Text<'a>,
    object: Option<Object<'a>>,
    old_object: Option<Object<'a>>,
}

/// Decodes a review.
///
/// # Errors
///
/// If the body is not an AdmissionReview v1 with a request, or the request contradicts itself.
pub fn decode(body: &[u8]) -> Result<Review<'_>, ReviewError> {
    // `serde_json` checks only the text that it hands out, and has then no need to check it again.
    let text = str::from_utf8(body).map_err(|error| ReviewError::not_utf8(body, error))?;
    if text.trim_ascii().is_empty() {
        return Err(ReviewError::Empty);
    }
    match parse::<JsonObject<Object<'_>>>(text) {
        Ok(request) => Review::of_request(request, |object| Some(object.0)),
        Err(error) => decode_other(text, &error),
    }
}

/// Decodes a review whose objects could not be read as bindings, which is no fault if they are
/// none. That a binding is under review is not known before its objects are read: the order of
/// fields in JSON means nothing.
fn decode_other<'a>(text: &'a str, error: &serde_json::Error) -> Result<Review<'a>, ReviewError> {
    let request =
        parse::<IgnoredAny>(text).map_err(|error| ReviewError::malformed(text, &error))?;
    match request.target {
        Target::Binding(_) => Err(ReviewError::malformed(text, error)),
        Target::Other => Review::of_request(request, |_| None),
    }
}

fn parse<'a, O: serde::Deserialize<'a>>(text: &'a str) -> serde_json::Result<Request<'a, O>> {
    let JsonObject(frame) = serde_json::from_str::<JsonObject<Frame<'a, O>>>(text)?;
    Ok(frame.request.0)
}

impl<'a> Review<'a> {
    fn of_request<O>(
        request: Request<'a, O>,
        object: fn(O) -> Option<Object<'a>>,
    ) -> Result<Self, ReviewError> {
        let review = Self {
            uid: request.uid,
            target: request.target,
            operation: request.operation,
            sub_resource: request.sub_resource,
            dry_run: request.dry_run,
            requester: request.user_info.0,
            name: request.name,
            namespace: request.namespace,
            object: request.object.and_then(object),
            old_object: request.old_object.and_then(object),
        };
        review.relevant().checked()
    }

    /// Drops the objects that mean nothing for this target and operation, so that nobody takes
    /// the one for the other.
    fn relevant(self) -> Self {
        let (with_object, with_old_object) = match (self.target, self.operation) {
            (Target::Other, _) | (_, Operation::Connect) => (false, false),
            (_, Operation::Create) => (true, false),
            (_, Operation::Update) => (true, true),
            (_, Operation::Delete) => (false, true),
        };
        Self {
            object: self.object.filter(|_| with_object),
            old_object: self.old_object.filter(|_| with_old_object),
            ..self
        }
    }

    fn checked(self) -> Result<Self, ReviewError> {
        let inconsistent = |field, reason| Err(ReviewError::Inconsistent { field, reason });
        if self.uid.is_empty() {
            return inconsistent("request.uid", "empty, and an answer must repeat it");
        }
        let Target::Binding(kind) = self.target else {
            return Ok(self);
        };
        let (has_object, has_old_object) = (self.object.is_some(), self.old_object.is_some());
        match self.operation {
            Operation::Create if !has_object => {
                return inconsistent("request.object", "absent, and a CREATE has one");
            }
            Operation::Update if !has_object => {
                return inconsistent("request.object", "absent, and an UPDATE has one");
            }
            Operation::Update if !has_old_object => {
                return inconsistent("request.oldObject", "absent, and an UPDATE has one");
            }
            Operation::Delete if !has_old_object => {
                return inconsistent("request.oldObject", "absent, and a DELETE has one");
            }
            _ => {}
        }
        if kind == BindingKind::RoleBinding && self.namespace().is_none() {
            return inconsistent("request.namespace", "absent, and a RoleBinding has one");
        }
        Ok(self)
    }

    /// The binding as it is to be, if one is to be created or changed.
    #[must_use]
    pub fn binding(&self) -> Option<Binding<'_>> {
        self.as_binding(self.object.as_ref()?)
    }

    /// The binding as it was, if one is to be changed or deleted.
    #[must_use]
    pub fn previous(&self) -> Option<Binding<'_>> {
        self.as_binding(self.old_object.as_ref()?)
    }

    /// The object as it is to be, for its metadata. Of bindings only.
    #[must_use]
    pub fn object(&self) -> Option<&Object<'a>> {
        self.object.as_ref()
    }

    /// The object as it was, for its metadata. Of bindings only.
    #[must_use]
    pub fn old_object(&self) -> Option<&Object<'a>> {
        self.old_object.as_ref()
    }

    /// The object's name. Empty on a CREATE with `generateName`, until that has been carried out.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata()
            .and_then(|metadata| metadata.name.non_empty())
            .unwrap_or(&self.name)
    }

    /// What the API server begins the name with that it makes up, if it does that.
    #[must_use]
    pub fn generate_name(&self) -> Option<&str> {
        self.metadata()?.generate_name.non_empty()
    }

    /// The namespace of the object, if it has one. A ClusterRoleBinding has none, whatever the
    /// body says.
    ///
    /// The request's counts, for that is where the API server authorized and stores; the object's
    /// own is the same by then, but for bodies that are no API server's.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        if self.target == Target::Binding(BindingKind::ClusterRoleBinding) {
            return None;
        }
        let of_object = || self.metadata()?.namespace.non_empty();
        self.namespace.non_empty().or_else(of_object)
    }

    fn metadata(&self) -> Option<&Metadata<'a>> {
        let object = self.object.as_ref().or(self.old_object.as_ref())?;
        Some(object.metadata())
    }

    fn as_binding<'b>(&'b self, object: &'b Object<'a>) -> Option<Binding<'b>> {
        match self.target {
            Target::Binding(kind) => Some(object.binding(kind, self.namespace(), self.name())),
            Target::Other => None,
        }
    }
}
