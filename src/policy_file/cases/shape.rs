//! The shape of a file of cases, from which its schema is derived.

#![allow(
    dead_code,
    clippy::doc_markdown,
    reason = "only the schema is used, in which the documentation stands as descriptions"
)]

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::domain::binding::BindingKind;
use crate::domain::identity::SubjectKind;

use super::{Expected, Guard, KIND, Placed};
use crate::policy_file::API_VERSION;
use crate::policy_file::shape::Spec;
use crate::policy_file::words::{Word, Words};

/// What a policy is expected to do: bindings, who holds which companions, and what happens.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "PolicyTest")]
pub(super) struct Document {
    /// The version of this form.
    #[schemars(extend("const" = API_VERSION))]
    api_version: &'static str,
    /// What this document is.
    #[schemars(extend("const" = KIND))]
    kind: &'static str,
    /// The `spec` of the policy. Without it, and without `policyFile`, it is the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Spec")]
    policy: Option<Spec>,
    /// The file of the policy, from the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    policy_file: Option<String>,
    /// Who holds which companions, in all cases.
    #[serde(default)]
    holdings: Vec<Holding>,
    /// The cases.
    #[schemars(length(min = 1))]
    cases: Vec<Case>,
}

/// A companion binding: `subject` and `companions`, or a `manifest`.
#[derive(JsonSchema, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Holding {
    /// Who holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Subject")]
    subject: Option<Subject>,
    /// The ClusterRoles that they are bound to, cluster-wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    companions: Option<Vec<String>>,
    /// A whole binding, or a List of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    manifest: Option<Map<String, Value>>,
}

#[derive(JsonSchema, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subject {
    /// What kind of subject it is.
    kind: Word<SubjectKind>,
    /// Its name.
    #[schemars(length(min = 1))]
    name: String,
    /// The namespace of a ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    namespace: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    /// What it shows.
    #[schemars(length(min = 1))]
    name: String,
    /// The binding that is written, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Binding")]
    binding: Option<Binding>,
    /// The same as a whole manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    manifest: Option<Map<String, Value>>,
    /// The version that an update replaces, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Binding")]
    previous: Option<Binding>,
    /// The same as a whole manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    previous_manifest: Option<Map<String, Value>>,
    /// Who holds which companions, beside those of all cases.
    #[serde(default)]
    holdings: Vec<Holding>,
    /// Who writes the binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Requester")]
    requester: Option<Requester>,
    /// Whether it is a dry run.
    #[serde(default)]
    dry_run: bool,
    /// The order for companions that the binding carries already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Order")]
    order: Option<Order>,
    /// Whether the guard that holds orders off from whoever may not place them is in place.
    #[serde(default = "in_place")]
    guard: Word<Guard>,
    /// How many companion bindings there are. Without it, those of the holdings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 0, max = 1_000_000))]
    companion_bindings: Option<u32>,
    /// What is to happen.
    expect: Word<Expected>,
    /// Everything that the subjects lack. Without it that is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Lack>")]
    missing: Option<Vec<Lack>>,
    /// Everything that the subjects lack and that is ordered for them. Without it that is not
    /// looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Lack>")]
    ordered: Option<Vec<Lack>>,
}

/// The default of `guard`.
const fn in_place() -> Word<Guard> {
    Word(Guard::InPlace)
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    /// Who placed it.
    by: String,
    /// For whom it is. Without it, for everybody in the binding.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Subject>", length(min = 1))]
    subjects: Option<Vec<Subject>>,
    /// How long ago it was placed, like `10m`. Without it, just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("examples" = ["10m"]))]
    age: Option<String>,
    /// Under which guard it was placed.
    #[serde(default = "now")]
    placed: Word<Placed>,
}

/// The default of `placed`.
const fn now() -> Word<Placed> {
    Word(Placed::UnderThisGuard)
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Binding {
    /// Which of the two kinds it is.
    kind: Word<BindingKind>,
    /// The namespace of a RoleBinding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    namespace: Option<String>,
    /// The ClusterRole that it grants.
    #[schemars(length(min = 1))]
    role: String,
    /// Those to whom it grants it.
    subjects: Vec<Subject>,
    /// Whether it asks for its companions, by the annotation `bindguard.dev/provision: "true"`.
    #[serde(default)]
    provision: bool,
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Requester {
    /// The name under which the API server knows them.
    #[schemars(length(min = 1))]
    user: String,
    /// Their groups.
    #[serde(default)]
    groups: Vec<String>,
    /// Whether they have the rights to create the companions by hand, as the API server would say.
    #[serde(default)]
    may_create_companions: bool,
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Lack {
    /// Who.
    subject: Subject,
    /// The companions that they lack.
    #[schemars(length(min = 1))]
    companions: Vec<String>,
}

impl Words for BindingKind {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            Self::RoleBinding.as_str(),
            Self::RoleBinding,
            "Grants the role in one namespace.",
        ),
        (
            Self::ClusterRoleBinding.as_str(),
            Self::ClusterRoleBinding,
            "Grants the role everywhere.",
        ),
    ];
}
