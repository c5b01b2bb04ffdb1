//! The rules of a policy that its schema cannot say. Each is checked whatever the others find.

use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::policy::Policy;

use super::error::PolicyError;
use super::place::Place;
use super::suggestion::{did_you_mean, quoted};
use super::{duration, names, subjects};

/// Reports every rule that a document breaks. The policy is what was read of it.
pub(super) fn check(document: &Place<'_>, policy: &Policy, errors: &mut Vec<PolicyError>) {
    if let Some(metadata) = document.field("metadata") {
        texts(metadata.field("name"), names::object_fault, errors);
    }
    if let Some(spec) = document.field("spec") {
        check_spec(&spec, policy, errors);
    }
}

/// Reports every rule that the `spec` of a policy breaks.
pub(super) fn check_spec(spec: &Place<'_>, policy: &Policy, errors: &mut Vec<PolicyError>) {
    let personas = spec.items_of("personas");
    let companions = spec.items_of("companions");
    check_personas(&personas, policy, errors);
    check_companions(&companions, errors);
    companions_are_no_personas(&personas, &companions, policy, errors);
    if let Some(provisioning) = spec.field("provisioning") {
        check_provisioning(&provisioning, errors);
    }
    if let Some(exempt) = spec.field("exempt") {
        check_exemptions(&exempt, errors);
    }
}

/// Reports the texts that have a fault.
fn texts<'n>(
    places: impl IntoIterator<Item = Place<'n>>,
    fault: impl Fn(&str) -> Option<&'static str>,
    errors: &mut Vec<PolicyError>,
) {
    for place in places {
        errors.extend(
            place
                .text()
                .and_then(&fault)
                .map(|fault| place.error(fault)),
        );
    }
}

/// Reports the places whose key an earlier one has.
fn unique<'n, K: Hash + Eq>(
    keyed: impl IntoIterator<Item = (K, Place<'n>)>,
    errors: &mut Vec<PolicyError>,
) {
    let mut first: HashMap<K, Place<'_>> = HashMap::new();
    for (key, place) in keyed {
        match first.get(&key) {
            Some(earlier) => {
                let what = place.text().map_or_else(|| "this".to_owned(), quoted);
                let earlier = format!("{} (line {})", earlier.path, earlier.node.position.line);
                errors.push(place.error(format!("{what} is already at {earlier}")));
            }
            None => {
                first.insert(key, place);
            }
        }
    }
}

fn unique_texts<'n>(places: impl IntoIterator<Item = Place<'n>>, errors: &mut Vec<PolicyError>) {
    let keyed = places.into_iter();
    unique(
        keyed.filter_map(|place| Some((place.text()?, place))),
        errors,
    );
}

fn fields<'n>(places: &[Place<'n>], name: &str) -> Vec<Place<'n>> {
    places
        .iter()
        .filter_map(|place| place.field(name))
        .collect()
}

/// The items of the lists that a field of each place is.
fn items<'n>(places: &[Place<'n>], name: &str) -> Vec<Place<'n>> {
    places
        .iter()
        .flat_map(|place| place.items_of(name))
        .collect()
}

fn check_personas(personas: &[Place<'_>], policy: &Policy, errors: &mut Vec<PolicyError>) {
    texts(fields(personas, "name"), names::free_text_fault, errors);
    unique_texts(fields(personas, "name"), errors);
    let cluster_roles = items(personas, "clusterRoles");
    texts(cluster_roles.clone(), names::role_fault, errors);
    // Across all personas: a binding is judged by one of them.
    unique_texts(cluster_roles, errors);
    for persona in personas {
        unique_texts(persona.items_of("subjectKinds"), errors);
        let companions = persona.items_of("companions");
        for companion in &companions {
            errors.extend(unknown_companion(companion, policy));
        }
        unique_texts(companions, errors);
    }
}

fn unknown_companion(place: &Place<'_>, policy: &Policy) -> Option<PolicyError> {
    let name = place.text()?;
    let known = policy
        .companions
        .iter()
        .map(|companion| companion.cluster_role.as_str());
    if known.clone().any(|known| known == name) {
        return None;
    }
    let hint = did_you_mean(name, known);
    Some(place.error(format!(
        "{} is not one of spec.companions{hint}",
        quoted(name)
    )))
}

fn check_companions(companions: &[Place<'_>], errors: &mut Vec<PolicyError>) {
    let cluster_roles = fields(companions, "clusterRole");
    texts(cluster_roles.clone(), names::role_fault, errors);
    unique_texts(cluster_roles, errors);
    texts(items(companions, "impliedBy"), names::role_fault, errors);
    for companion in companions {
        let own = companion
            .field("clusterRole")
            .and_then(|field| field.text());
        let implied_by = companion.items_of("impliedBy");
        for place in &implied_by {
            if place.text().is_some() && place.text() == own {
                errors.push(place.error("a companion implies itself anyway; leave it out"));
            }
        }
        unique_texts(implied_by, errors);
    }
}

/// A binding to such a role would need itself: nothing could ever be bound first. Where only one
/// of the two lists is given, the error stands there.
fn companions_are_no_personas(
    personas: &[Place<'_>],
    companions: &[Place<'_>],
    policy: &Policy,
    errors: &mut Vec<PolicyError>,
) {
    let is_persona = |name: &str| {
        let mut roles = policy
            .personas
            .iter()
            .flat_map(|persona| &persona.cluster_roles);
        roles.any(|role| role == name)
    };
    let is_companion = |name: &str| {
        let mut known = policy.companions.iter();
        known.any(|companion| companion.cluster_role == name)
    };
    let mut given = fields(companions, "clusterRole");
    if given.is_empty() {
        given = items(personas, "clusterRoles");
    }
    for place in given {
        if let Some(name) = place.text()
            && is_persona(name)
            && is_companion(name)
        {
            errors.push(place.error(format!(
                "{} is both a persona and a companion; its first binding would need itself",
                quoted(name)
            )));
        }
    }
}

fn check_provisioning(provisioning: &Place<'_>, errors: &mut Vec<PolicyError>) {
    if let Some(field) = provisioning.field("orderLifetime")
        && let Some(text) = field.text()
        && let Err(fault) = duration::parse(text)
    {
        errors.push(field.error(format!("{} {fault}", quoted(text))));
    }
    let accounts = provisioning.items_of("serviceAccounts");
    for account in &accounts {
        texts(account.field("namespace"), names::namespace_fault, errors);
        texts(account.field("name"), names::object_fault, errors);
    }
    let keyed = accounts.into_iter().filter_map(|account| {
        let text = |name| account.field(name).and_then(|field| field.text());
        Some(((text("namespace")?, text("name")?), account))
    });
    unique(keyed, errors);
    let not_ordering = provisioning.items_of("notOrdering");
    for subject in &not_ordering {
        subjects::check_outside(subject, errors);
    }
    unique_subjects(not_ordering, errors);
}

fn check_exemptions(exempt: &Place<'_>, errors: &mut Vec<PolicyError>) {
    let namespaces = exempt.items_of("namespaces");
    texts(namespaces.clone(), names::namespace_fault, errors);
    unique_texts(namespaces, errors);
    check_subjects(exempt, "subjects", errors);
    check_subjects(exempt, "requesters", errors);
}

fn check_subjects(place: &Place<'_>, list: &str, errors: &mut Vec<PolicyError>) {
    let list = place.items_of(list);
    for subject in &list {
        subjects::check(subject, errors);
    }
    unique_subjects(list, errors);
}

/// Reports the subjects that are an earlier one, be it in another form.
fn unique_subjects(list: Vec<Place<'_>>, errors: &mut Vec<PolicyError>) {
    let keyed = list.into_iter();
    unique(
        keyed.filter_map(|place| Some((subjects::read(&place)?, place))),
        errors,
    );
}
