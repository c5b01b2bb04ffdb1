//! What a document says, over the defaults. What does not fit is left out: it has been reported.

use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{
    Companion, Exemptions, Persona, Policy, Provisioning, ServiceAccountName,
};

use super::duration;
use super::place::Place;
use super::subjects;
use super::words::Words;

/// Puts what the document says in place of the policy's defaults.
pub(super) fn document(document: &Place<'_>, policy: &mut Policy) {
    if let Some(name) = document
        .field("metadata")
        .and_then(|metadata| metadata.field("name"))
    {
        set(&mut policy.name, name.text().map(str::to_owned));
    }
    if let Some(specification) = document.field("spec") {
        spec(&specification, policy);
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Sets a choice from the field of that name.
fn set_word<T: Words>(target: &mut T, place: &Place<'_>, field: &str) {
    set(target, place.word_of(field));
}

/// Puts what a `spec` says in place of the policy's defaults.
pub(super) fn spec(spec: &Place<'_>, policy: &mut Policy) {
    set_word(&mut policy.action, spec, "action");
    set_word(&mut policy.companion_removal, spec, "companionRemoval");
    set_word(&mut policy.dry_run, spec, "dryRun");
    let match_roles = spec.field("matchRoles").and_then(|place| place.boolean());
    set(&mut policy.match_roles, match_roles);
    if let Some(coverage) = spec.field("coverage") {
        set_word(&mut policy.umbrella_groups, &coverage, "umbrellaGroups");
    }
    if let Some(list) = spec.field("companions") {
        policy.companions = list.items().iter().map(companion).collect();
    }
    if let Some(list) = spec.field("personas") {
        let companions = &policy.companions;
        let items = list.items();
        policy.personas = items.iter().map(|item| persona(item, companions)).collect();
    }
    if let Some(provisioning) = spec.field("provisioning") {
        read_provisioning(&provisioning, &mut policy.provisioning);
    }
    if let Some(exempt) = spec.field("exempt") {
        read_exemptions(&exempt, &mut policy.exempt);
    }
}

fn text(place: &Place<'_>, field: &str) -> String {
    let text = place.field(field).and_then(|field| field.text());
    text.unwrap_or_default().to_owned()
}

fn companion(place: &Place<'_>) -> Companion {
    Companion {
        cluster_role: text(place, "clusterRole"),
        implied_by: place.texts_of("impliedBy"),
    }
}

fn persona(place: &Place<'_>, companions: &[Companion]) -> Persona {
    Persona {
        name: text(place, "name"),
        cluster_roles: place.texts_of("clusterRoles"),
        subject_kinds: place.field("subjectKinds").map_or_else(
            || SubjectKind::ALL.into(),
            |list| list.items().iter().filter_map(Place::word).collect(),
        ),
        action: place.word_of("action"),
        companions: place
            .field("companions")
            .map(|list| companion_set(&list, companions)),
    }
}

fn companion_set(list: &Place<'_>, companions: &[Companion]) -> CompanionSet {
    let items = list.items();
    let names = items.iter().filter_map(Place::text);
    names
        .filter_map(|name| {
            companions
                .iter()
                .position(|companion| companion.cluster_role == name)
        })
        .collect()
}

fn read_provisioning(place: &Place<'_>, provisioning: &mut Provisioning) {
    set_word(&mut provisioning.mode, place, "mode");
    if let Some(list) = place.field("serviceAccounts") {
        provisioning.service_accounts = list.items().iter().map(service_account).collect();
    }
    if let Some(list) = place.field("notOrdering") {
        provisioning.not_ordering = subjects::read_all(&list);
    }
    let lifetime = place.field("orderLifetime").and_then(|field| field.text());
    let lifetime = lifetime.and_then(|text| duration::parse(text).ok());
    set(&mut provisioning.order_lifetime, lifetime);
    for (field, target) in [
        (
            "maxSubjectsPerBinding",
            &mut provisioning.max_subjects_per_binding,
        ),
        ("maxCompanions", &mut provisioning.max_companions),
    ] {
        let number = place.field(field).and_then(|field| field.integer());
        set(target, number.and_then(|number| u32::try_from(number).ok()));
    }
}

fn service_account(place: &Place<'_>) -> ServiceAccountName {
    ServiceAccountName {
        namespace: text(place, "namespace"),
        name: text(place, "name"),
    }
}

fn read_exemptions(place: &Place<'_>, exempt: &mut Exemptions) {
    if place.field("namespaces").is_some() {
        exempt.namespaces = place.texts_of("namespaces");
    }
    if let Some(list) = place.field("subjects") {
        exempt.subjects = subjects::read_all(&list);
    }
    if let Some(list) = place.field("requesters") {
        exempt.requesters = subjects::read_all(&list);
    }
}
