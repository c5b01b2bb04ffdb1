//! What a file of cases says, once its form fits.

use std::collections::BTreeMap;

use crate::domain::binding::{BindingKind, RBAC_GROUP};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::Policy;
use crate::manifest::{self, ManifestBinding, ManifestRole, ManifestSubject};

use super::order::ordered;
use super::{Case, Cases, Expected, Guard, Lack, Requester};
use crate::policy_file::error::PolicyError;
use crate::policy_file::place::Place;
use crate::policy_file::suggestion::{did_you_mean, quoted};
use crate::policy_file::{read, rules};

/// The annotation by which a binding asks for its companions.
const PROVISION: &str = "bindguard.dev/provision";

pub(super) type Errors = Vec<PolicyError>;

pub(super) fn document(
    document: &Place<'_>,
    load: impl FnOnce(&str) -> Result<Policy, String>,
    errors: &mut Errors,
) -> Cases {
    let policy = policy(document, load, errors);
    let holdings = holdings(document, &policy, errors);
    let items = document.items_of("cases");
    let cases = items
        .iter()
        .filter_map(|place| case(place, &policy, &holdings, errors))
        .collect();
    Cases { policy, cases }
}

fn policy(
    document: &Place<'_>,
    load: impl FnOnce(&str) -> Result<Policy, String>,
    errors: &mut Errors,
) -> Policy {
    let mut policy = Policy::built_in();
    match (document.field("policy"), document.field("policyFile")) {
        (Some(_), Some(file)) => errors.push(file.error("give either policy or policyFile")),
        (Some(spec), None) => {
            read::spec(&spec, &mut policy);
            rules::check_spec(&spec, &policy, errors);
        }
        (None, Some(file)) => match load(file.text().unwrap_or_default()) {
            Ok(loaded) => policy = loaded,
            Err(faults) => errors.extend(faults.lines().map(|fault| file.error(fault))),
        },
        (None, None) => {}
    }
    policy
}

fn case(
    place: &Place<'_>,
    policy: &Policy,
    shared: &[ManifestBinding],
    errors: &mut Errors,
) -> Option<Case> {
    let name = named(place, "name", errors);
    let own = holdings(place, policy, errors);
    let binding = version(place, ["binding", "manifest"], errors);
    if binding.is_none() && place.field("binding").is_none() && place.field("manifest").is_none() {
        errors.push(place.error("a case needs a binding or a manifest"));
    }
    let previous = version(place, ["previous", "previousManifest"], errors);
    let requester = place.field("requester").map(|requester| Requester {
        user: named(&requester, "user", errors),
        groups: requester.texts_of("groups"),
        may_create_companions: is_true(&requester, "mayCreateCompanions"),
    });
    let order = place.field("order").map(|order| ordered(&order, errors));
    let [missing, ordered] = ["missing", "ordered"].map(|field| {
        let list = place.field(field);
        list.map(|list| lacks(&list, policy, errors))
    });
    Some(Case {
        name,
        position: place.node.position,
        holdings: shared.iter().cloned().chain(own).collect(),
        binding: binding?,
        previous,
        requester,
        dry_run: is_true(place, "dryRun"),
        order,
        guard: place.word_of("guard").unwrap_or(Guard::InPlace),
        companion_bindings: place
            .field("companionBindings")
            .and_then(|field| usize::try_from(field.integer()?).ok()),
        expected: place.word_of::<Expected>("expect")?,
        missing,
        ordered,
    })
}

fn is_true(place: &Place<'_>, field: &str) -> bool {
    let field = place.field(field);
    field.and_then(|field| field.boolean()).unwrap_or_default()
}

fn lacks(list: &Place<'_>, policy: &Policy, errors: &mut Errors) -> Vec<Lack> {
    let known: Vec<&str> = policy
        .companions
        .iter()
        .map(|companion| companion.cluster_role.as_str())
        .collect();
    let mut lacks = Vec::new();
    for item in list.items() {
        let Some(subject) = item.field("subject").and_then(|one| subject(&one, errors)) else {
            continue;
        };
        lacks.push(Lack {
            kind: subject.kind,
            name: subject.name,
            namespace: subject.namespace,
            companions: companions(&item, &known, errors),
        });
    }
    lacks
}

/// The names of companions, which the policy must know.
fn companions(place: &Place<'_>, known: &[&str], errors: &mut Errors) -> Vec<String> {
    let items = place.items_of("companions");
    for item in &items {
        let name = item.text().unwrap_or_default();
        if !known.contains(&name) {
            let hint = did_you_mean(name, known.iter().copied());
            let name = quoted(name);
            errors.push(item.error(format!("{name} is no companion of the policy{hint}")));
        }
    }
    place.texts_of("companions")
}

/// The companion bindings of a list.
fn holdings(owner: &Place<'_>, policy: &Policy, errors: &mut Errors) -> Vec<ManifestBinding> {
    let known: Vec<&str> = policy
        .companions
        .iter()
        .flat_map(|one| [&one.cluster_role].into_iter().chain(&one.implied_by))
        .map(String::as_str)
        .collect();
    let mut bindings = Vec::new();
    for item in owner.items_of("holdings") {
        match (
            item.field("subject"),
            item.field("companions"),
            item.field("manifest"),
        ) {
            (Some(who), Some(_), None) => {
                let given = companions(&item, &known, errors);
                let Some(who_holds) = subject(&who, errors) else {
                    continue;
                };
                if who_holds.kind == SubjectKind::ServiceAccount && who_holds.namespace.is_none() {
                    errors.push(who.error("a ServiceAccount needs its namespace"));
                }
                bindings.extend(given.into_iter().map(|role| ManifestBinding {
                    subjects: vec![who_holds.clone()],
                    ..short(&item, BindingKind::ClusterRoleBinding, role)
                }));
            }
            (None, None, Some(manifest)) => bindings.extend(manifests(&manifest, errors)),
            _ => errors.push(item.error("give a subject and companions, or a manifest")),
        }
    }
    bindings
}

/// A version of the binding of a case, in one of its two forms.
fn version(
    place: &Place<'_>,
    [short_form, whole]: [&str; 2],
    errors: &mut Errors,
) -> Option<ManifestBinding> {
    match (place.field(short_form), place.field(whole)) {
        (None, None) => None,
        (Some(binding), None) => self::binding(&binding, errors),
        (Some(_), Some(manifest)) => {
            errors.push(manifest.error(format!("give either {short_form} or {whole}")));
            None
        }
        (None, Some(manifest)) => {
            let mut bindings = manifests(&manifest, errors).into_iter();
            let binding = bindings.next();
            if bindings.next().is_some() {
                errors.push(manifest.error("one binding belongs here, not several"));
            }
            binding
        }
    }
}

fn binding(place: &Place<'_>, errors: &mut Errors) -> Option<ManifestBinding> {
    let kind: BindingKind = place.word_of("kind")?;
    let namespace = place.field("namespace");
    match (kind, &namespace) {
        (BindingKind::RoleBinding, None) => {
            errors.push(place.error("a RoleBinding needs its namespace"));
        }
        (BindingKind::ClusterRoleBinding, Some(namespace)) => {
            errors.push(namespace.error("a ClusterRoleBinding has no namespace; leave it out"));
        }
        _ => {}
    }
    let role = named(place, "role", errors);
    let subjects = place.items_of("subjects");
    Some(ManifestBinding {
        namespace: namespace.and_then(|field| field.text()).map(str::to_owned),
        subjects: subjects
            .iter()
            .filter_map(|one| subject(one, errors))
            .collect(),
        annotations: is_true(place, "provision")
            .then(|| (PROVISION.to_owned(), "true".to_owned()))
            .into_iter()
            .collect(),
        ..short(place, kind, role)
    })
}

/// A binding without subjects to a ClusterRole.
fn short(place: &Place<'_>, kind: BindingKind, role: String) -> ManifestBinding {
    ManifestBinding {
        kind,
        name: String::new(),
        generate_name: None,
        namespace: None,
        uid: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        role: ManifestRole {
            api_group: Some(RBAC_GROUP.to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role,
        },
        subjects: Vec::new(),
        position: place.node.position,
        document: 0,
    }
}

pub(super) fn subject(place: &Place<'_>, errors: &mut Errors) -> Option<ManifestSubject> {
    let kind: SubjectKind = place.word_of("kind")?;
    let namespace = place.field("namespace");
    if let Some(namespace) = namespace
        .as_ref()
        .filter(|_| kind != SubjectKind::ServiceAccount)
    {
        errors.push(namespace.error(format!("a {kind} has no namespace; leave it out")));
    }
    Some(ManifestSubject {
        kind,
        name: named(place, "name", errors),
        namespace: namespace.and_then(|field| field.text()).map(str::to_owned),
        position: place.node.position,
    })
}

/// The bindings of a manifest, of which there must be one.
fn manifests(place: &Place<'_>, errors: &mut Errors) -> Vec<ManifestBinding> {
    let contents = manifest::read_object(place.node);
    let problems = contents.problems.into_iter().map(|problem| PolicyError {
        position: problem.position,
        field: place.path.clone(),
        message: problem.message,
    });
    let before = errors.len();
    errors.extend(problems);
    let mut bindings = contents.bindings;
    if bindings.is_empty() && errors.len() == before {
        errors.push(place.error("a RoleBinding or a ClusterRoleBinding belongs here"));
    }
    for binding in &mut bindings {
        if binding.kind == BindingKind::RoleBinding && binding.namespace.is_none() {
            binding.namespace = Some("default".to_owned());
        }
    }
    bindings
}

/// A text that must not be empty.
pub(super) fn named(place: &Place<'_>, field: &str, errors: &mut Errors) -> String {
    let text = place.field(field);
    if let Some(field) = text.as_ref().filter(|field| field.text() == Some("")) {
        errors.push(field.error("must not be empty"));
    }
    text.and_then(|field| field.text())
        .unwrap_or_default()
        .to_owned()
}
