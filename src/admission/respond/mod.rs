//! The answer to an `AdmissionReview`, to its bytes.
//!
//! Knows nothing of policy or of why something is refused. Whatever it is given, the API server
//! accepts the answer: the uid is the request's, a refusal has code and reason, warnings and audit
//! annotations have the form without which they would be dropped or fail the call. A patch is for
//! the mutating webhook alone: from a validating one it would fail the call.
//!
//! Source: <https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/>

mod printable;
#[cfg(test)]
mod tests;
mod warnings;

use std::borrow::Cow;
use std::collections::BTreeMap;

use json_patch::Patch;
use k8s_openapi::ByteString;
use serde::Serialize;

use super::review::{API_VERSION, KIND};
use printable::printable;
pub use warnings::Warnings;

/// An answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Refusal>,
    #[serde(skip_serializing_if = "Warnings::is_empty")]
    warnings: Warnings,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<String, Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<ByteString>,
}

/// What an answer that says no more than yes has room in.
const USUAL_LENGTH: usize = 192;

/// What kubectl prints of a refusal. Without a reason it leaves out `(Forbidden)`; with a code of
/// 429, 503 or 504 it might try again.
#[derive(Clone, Debug, Serialize)]
struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'r, 'a> {
    kind: &'static str,
    api_version: &'static str,
    response: &'r Response<'a>,
}

impl<'a> Response<'a> {
    /// Lets the request with this uid pass.
    #[must_use]
    pub fn allow(uid: &'a str) -> Self {
        Self {
            uid,
            allowed: true,
            status: None,
            warnings: Warnings::default(),
            audit_annotations: BTreeMap::new(),
            patch_type: None,
            patch: None,
        }
    }

    /// Refuses the request with this uid. Of the message's control characters only line breaks
    /// and tabs stay; the others are escaped.
    #[must_use]
    pub fn deny(uid: &'a str, message: &str) -> Self {
        Self {
            allowed: false,
            status: Some(Refusal {
                code: 403,
                reason: "Forbidden",
                message: printable(message, &['\n', '\t']).into_owned(),
            }),
            ..Self::allow(uid)
        }
    }

    /// Adds a warning, which kubectl prints whether the request passes or not.
    pub fn push_warning(&mut self, text: &str) {
        self.warnings.push(text);
    }

    /// Adds an entry to the API server's own audit log, or replaces that of the same key.
    ///
    /// The API server puts the webhook's name and a `/` before the key, and drops the entry if
    /// that is no qualified name, so the key is made to fit: other characters than letters, digits,
    /// `-`, `_` and `.` become `-`.
    ///
    /// Source: `k8s.io/apiserver/pkg/admission/attributes.go`, `checkKeyFormat`.
    pub fn annotate(&mut self, key: &str, value: impl Into<Cow<'a, str>>) {
        self.audit_annotations.insert(qualified(key), value.into());
    }

    /// Changes the object by this patch, unless it is empty.
    pub fn patch(&mut self, patch: &Patch) {
        if patch.0.is_empty() {
            return;
        }
        // As for the whole answer; half of the two fields would fail the call.
        if let Ok(text) = serde_json::to_vec(patch) {
            self.patch_type = Some("JSONPatch");
            self.patch = Some(ByteString(text));
        }
    }

    /// The whole `AdmissionReview`, as JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let frame = Frame {
            kind: KIND,
            api_version: API_VERSION,
            response: self,
        };
        // Writing strings to memory cannot fail. If it ever did, no answer at all would be the
        // safe one: the API server counts it as a failed call.
        let mut bytes = Vec::with_capacity(USUAL_LENGTH);
        match serde_json::to_writer(&mut bytes, &frame) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
}

/// The longest name that Kubernetes takes after the `/` of a qualified name.
const MAX_KEY: usize = 63;

fn qualified(key: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let fitting: String = key
        .trim_matches(|character: char| !character.is_ascii_alphanumeric())
        .chars()
        .take(MAX_KEY)
        .map(|character| if fits(character) { character } else { '-' })
        .collect();
    fitting.trim_end_matches(['-', '_', '.']).to_owned()
}
