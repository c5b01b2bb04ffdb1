//! Subjects in the policy: one rule for every list of them.

use crate::domain::binding::RBAC_GROUP;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::PolicySubject;

use super::error::PolicyError;
use super::names;
use super::place::Place;
use super::suggestion::quoted;
use super::words::OutsideKind;

/// The subjects of a list, in their canonical form.
pub(super) fn read_all(list: &Place<'_>) -> Vec<PolicySubject> {
    list.items().iter().filter_map(read).collect()
}

/// A subject in its canonical form: a User in the form of a ServiceAccount is one.
pub(super) fn read(place: &Place<'_>) -> Option<PolicySubject> {
    let kind: SubjectKind = place.word_of("kind")?;
    let name = place.field("name")?.text()?;
    let namespace = place.field("namespace").and_then(|field| field.text());
    let (kind, namespace, name) = match (kind, Identity::user(name)) {
        (SubjectKind::User, Identity::ServiceAccount { namespace, name }) => {
            (SubjectKind::ServiceAccount, namespace, name)
        }
        (SubjectKind::ServiceAccount, _) => (kind, namespace.unwrap_or_default(), name),
        (SubjectKind::User | SubjectKind::Group, _) => (kind, "", name),
    };
    Some(PolicySubject {
        kind,
        name: name.to_owned(),
        namespace: namespace.to_owned(),
    })
}

/// Reports what is wrong with a subject beyond its form.
pub(super) fn check(place: &Place<'_>, errors: &mut Vec<PolicyError>) {
    let (Some(written), Some(subject)) = (place.word_of::<SubjectKind>("kind"), read(place)) else {
        return;
    };
    check_name(place, &subject, errors);
    check_namespace(place, written, &subject, errors);
    check_api_group(place, written, errors);
}

/// Reports what is wrong beyond its form with a subject that is no ServiceAccount.
pub(super) fn check_outside(place: &Place<'_>, errors: &mut Vec<PolicyError>) {
    let (Some(OutsideKind(written)), Some(subject)) = (place.word_of("kind"), read(place)) else {
        return;
    };
    match subject.kind {
        SubjectKind::User | SubjectKind::Group => check_name(place, &subject, errors),
        SubjectKind::ServiceAccount => errors.push(place.error(
            "this user is a ServiceAccount, and those order only when \
             spec.provisioning.serviceAccounts lists them; leave it out",
        )),
    }
    check_api_group(place, written, errors);
}

fn check_name(place: &Place<'_>, subject: &PolicySubject, errors: &mut Vec<PolicyError>) {
    let fault = match subject.kind {
        SubjectKind::User | SubjectKind::Group => names::free_text_fault(&subject.name),
        SubjectKind::ServiceAccount => names::object_fault(&subject.name),
    };
    let name = place.field("name");
    errors.extend(fault.zip(name).map(|(fault, name)| name.error(fault)));
}

fn check_namespace(
    place: &Place<'_>,
    written: SubjectKind,
    subject: &PolicySubject,
    errors: &mut Vec<PolicyError>,
) {
    let field = place.field("namespace");
    match (written, field) {
        (SubjectKind::ServiceAccount, None) => errors.push(PolicyError {
            field: place.path_of("namespace"),
            ..place.error("is missing; a ServiceAccount needs its namespace")
        }),
        (SubjectKind::User | SubjectKind::Group, Some(field)) => {
            errors.push(field.error(format!("a {written} has no namespace; leave it out")));
        }
        (SubjectKind::ServiceAccount, Some(field)) if field.text().is_some() => {
            errors
                .extend(names::namespace_fault(&subject.namespace).map(|fault| field.error(fault)));
        }
        // The namespace that stands in the name of a User.
        (SubjectKind::User, None) if subject.kind == SubjectKind::ServiceAccount => {
            errors
                .extend(names::namespace_fault(&subject.namespace).map(|fault| place.error(fault)));
        }
        (SubjectKind::ServiceAccount, Some(_)) | (SubjectKind::User | SubjectKind::Group, None) => {
        }
    }
}

fn check_api_group(place: &Place<'_>, written: SubjectKind, errors: &mut Vec<PolicyError>) {
    let Some(field) = place.field("apiGroup") else {
        return;
    };
    let Some(group) = field.text() else {
        return;
    };
    let fits = match written {
        SubjectKind::User | SubjectKind::Group => matches!(group, "" | RBAC_GROUP),
        SubjectKind::ServiceAccount => group.is_empty(),
    };
    if !fits {
        errors.push(field.error(format!(
            "{} is not the API group of a {written}; leave it out",
            quoted(group)
        )));
    }
}
