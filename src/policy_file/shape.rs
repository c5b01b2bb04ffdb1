//! The shape of the file: its fields, their order, what they are for and what they default to.
//!
//! The published schema is derived from these structures, and the form of a file is checked
//! against that schema. The documentation of a field is its description there.

#![allow(
    clippy::doc_markdown,
    reason = "the documentation is published as descriptions, which are no Rust documentation"
)]

mod from_policy;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::companion_set::MAX_COMPANIONS;
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Action, DryRun, ProvisioningMode, UmbrellaGroups};

use super::words::{OutsideKind, Word};
use super::{API_VERSION, KIND};

/// What bindguard judges, and what it does about it. A field that is left out has its default; a
/// field that is given replaces its default whole.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "BindingPolicy")]
pub(super) struct PolicyDocument {
    /// The version of this form.
    #[schemars(extend("const" = API_VERSION))]
    api_version: &'static str,
    /// What this document is.
    #[schemars(extend("const" = KIND))]
    kind: &'static str,
    /// What the policy is called.
    #[serde(default)]
    metadata: Metadata,
    /// The policy itself.
    #[serde(default)]
    spec: Spec,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Metadata {
    /// The policy's name, for people: lower-case letters, digits, `-` and `.`.
    #[schemars(length(min = 1))]
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Spec {
    /// What happens to a persona binding whose subjects lack companions.
    action: Word<Action>,
    /// The ClusterRoles that make their subjects VM users, in sets that are judged alike.
    #[schemars(length(min = 1))]
    personas: Vec<Persona>,
    /// The ClusterRoles that every persona subject must also hold, by ClusterRoleBinding.
    #[schemars(length(min = 1, max = MAX_COMPANIONS))]
    companions: Vec<Companion>,
    /// Whether a binding to a Role with a persona's name is judged like one to the ClusterRole.
    match_roles: bool,
    /// What happens when a change to a companion binding would leave a persona subject uncovered.
    companion_removal: Word<Action>,
    /// What a dry run is told that would be refused.
    dry_run: Word<DryRun>,
    /// What covers a subject beside a companion of its own.
    coverage: Coverage,
    /// How missing companions are made.
    provisioning: Provisioning,
    /// What is never judged.
    exempt: Exempt,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Persona {
    /// The set's name, for messages.
    #[schemars(length(min = 1))]
    name: String,
    /// The ClusterRoles. None may be in two personas.
    #[schemars(length(min = 1))]
    cluster_roles: Vec<String>,
    /// The kinds of subject that need companions.
    #[serde(default = "every_kind")]
    #[schemars(length(min = 1))]
    subject_kinds: Vec<Word<SubjectKind>>,
    /// The action for this persona, where it differs from `spec.action`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Word<Action>")]
    action: Option<Word<Action>>,
    /// The companions that this persona needs, of `spec.companions`, where it does not need all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    companions: Option<Vec<String>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Companion {
    /// The ClusterRole.
    cluster_role: String,
    /// ClusterRoles that serve as well when they are bound cluster-wide.
    #[serde(default)]
    implied_by: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Coverage {
    /// Whether a companion bound to a group that Kubernetes itself hands out, such as
    /// `system:authenticated`, covers the members.
    umbrella_groups: Word<UmbrellaGroups>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Provisioning {
    /// When missing companions are made.
    mode: Word<ProvisioningMode>,
    /// The ServiceAccounts that may order companions. A GitOps controller in this list delegates
    /// to everyone who can write its sources.
    service_accounts: Vec<ServiceAccount>,
    /// Users and Groups that never order: outside automation that applies what others write.
    not_ordering: Vec<OutsideSubject>,
    /// How long an order may wait before it no longer counts, like `10m` or `1h30m`: from `1s` to
    /// `24h`.
    #[schemars(extend("examples" = ["10m"]))]
    order_lifetime: String,
    /// The most subjects that one binding's order may be for.
    #[schemars(range(min = 1, max = 1000))]
    max_subjects_per_binding: u32,
    /// The most companions that may exist before no more orders are taken.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_companions: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Exempt {
    /// Namespaces whose RoleBindings are not judged.
    namespaces: Vec<String>,
    /// Subjects that need no companion.
    subjects: Vec<Subject>,
    /// Those whose bindings are not judged, whatever they write.
    requesters: Vec<Subject>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceAccount {
    /// Its namespace.
    namespace: String,
    /// Its name.
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subject {
    /// What kind of subject it is.
    kind: Word<SubjectKind>,
    /// Its name.
    name: String,
    /// The namespace of a ServiceAccount; the other kinds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    namespace: Option<String>,
    /// As in a binding; it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    api_group: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OutsideSubject {
    /// What kind of subject it is.
    kind: Word<OutsideKind>,
    /// Its name.
    name: String,
    /// As in a binding; it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    api_group: Option<String>,
}

fn every_kind() -> Vec<Word<SubjectKind>> {
    SubjectKind::ALL.map(Word).into()
}
