//! An explanation for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::outcome::Covering;
use super::{Counted, Explanation, Gives, HasPersona, Membership, NearMiss, Reached, Why, text};
use crate::domain::companion_set::CompanionSet;
use crate::domain::policy::Policy;
use crate::report::finding::{BindingName, Place, Who};
use crate::report::format::json;
use crate::report::yaml::write_value;

/// How an explanation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// The same in YAML.
    Yaml,
}

/// Writes an explanation; `columns` is how many the terminal has, if it is one.
///
/// # Errors
///
/// Those of the writer.
pub fn write(
    format: Format,
    explanation: &Explanation<'_>,
    columns: Option<usize>,
    writer: &mut impl Write,
) -> io::Result<()> {
    match format {
        Format::Table => text::write(explanation, columns, writer),
        Format::Json => writeln!(writer, "{}", json::pretty(&Shown::of(explanation), 0)?),
        Format::Yaml => {
            let mut text = String::new();
            write_value(&mut text, &serde_json::to_value(Shown::of(explanation))?, 0);
            writer.write_all(text.as_bytes())
        }
    }
}

#[derive(Serialize)]
struct Shown<'e> {
    subject: &'e Who,
    groups: Vec<Group<'e>>,
    personas: Vec<Persona<'e>>,
    companions: Vec<Companion<'e>>,
    missing: Vec<&'e str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
    errors: &'e [String],
}

#[derive(Serialize)]
struct Group<'e> {
    #[serde(flatten)]
    who: &'e Who,
    by: &'static str,
}

#[derive(Serialize)]
struct Through<'e> {
    binding: &'e BindingName,
    names: &'e Who,
    by: &'static str,
    #[serde(flatten)]
    place: Option<At>,
}

#[derive(Serialize)]
struct At {
    file: String,
    document: usize,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Persona<'e> {
    #[serde(rename = "persona")]
    role: &'e str,
    set: &'e str,
    severity: &'static str,
    #[serde(flatten)]
    through: Through<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt_by: Option<&'static str>,
    needs: Vec<&'e str>,
    missing: Vec<&'e str>,
    assumed: Vec<&'e str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Companion<'e> {
    #[serde(rename = "companion")]
    name: &'e str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exists: Option<bool>,
    covered_by: Vec<Gift<'e>>,
    near_misses: Vec<Near<'e>>,
    groups: Vec<&'e Who>,
    more_groups: usize,
}

#[derive(Serialize)]
struct Gift<'e> {
    role: &'e str,
    counts: bool,
    #[serde(flatten)]
    through: Through<'e>,
}

#[derive(Serialize)]
struct Near<'e> {
    binding: &'e BindingName,
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<&'e Who>,
    #[serde(flatten)]
    place: Option<At>,
}

impl<'e> Shown<'e> {
    fn of(explanation: &'e Explanation<'_>) -> Self {
        let policy = explanation.policy;
        let groups = explanation.question.groups.iter();
        Self {
            subject: &explanation.question.subject,
            groups: groups.map(Group::of).collect(),
            personas: explanation
                .personas
                .iter()
                .map(|has| Persona::of(policy, has))
                .collect(),
            companions: explanation.companions.iter().map(Companion::of).collect(),
            missing: names(policy, explanation.lacks()),
            fix: explanation.fix.to_string(),
            errors: &explanation.errors,
        }
    }
}

impl<'e> Group<'e> {
    fn of(group: &'e Counted) -> Self {
        Self {
            who: &group.who,
            by: word(group.by),
        }
    }
}

impl<'e> Persona<'e> {
    fn of(policy: &'e Policy, has: &'e HasPersona) -> Self {
        Self {
            role: &has.through.binding.role,
            set: &has.set,
            severity: has.severity.as_str(),
            through: Through::of(&has.through),
            exempt_by: has.exempt,
            needs: names(policy, has.needs),
            missing: names(policy, has.lacks),
            assumed: names(policy, has.assumed),
        }
    }
}

impl<'e> Companion<'e> {
    fn of(covering: &'e Covering) -> Self {
        Self {
            name: &covering.companion,
            state: covering.state.as_str(),
            exists: covering.exists,
            covered_by: covering.by.iter().map(Gift::of).collect(),
            near_misses: covering.near.iter().map(Near::of).collect(),
            groups: covering.groups.iter().collect(),
            more_groups: covering.more_groups,
        }
    }
}

impl<'e> Gift<'e> {
    fn of(gives: &'e Gives) -> Self {
        Self {
            role: &gives.through.binding.role,
            counts: gives.counts,
            through: Through::of(&gives.through),
        }
    }
}

impl<'e> Near<'e> {
    fn of(near: &'e NearMiss) -> Self {
        let (why, names) = match &near.why {
            Why::OneNamespace => ("oneNamespace", None),
            Why::NamesAnother(who) => ("namesAnother", Some(who)),
        };
        Self {
            binding: &near.binding,
            why,
            names,
            place: at(&near.binding, near.place),
        }
    }
}

impl<'e> Through<'e> {
    fn of(reached: &'e Reached) -> Self {
        Self {
            binding: &reached.binding,
            names: &reached.named.who,
            by: word(reached.named.by),
            place: at(&reached.binding, reached.place),
        }
    }
}

fn at(binding: &BindingName, place: Option<Place>) -> Option<At> {
    let (file, place) = (binding.file.as_ref()?, place?);
    Some(At {
        file: file.to_string_lossy().into_owned(),
        document: place.document,
        line: place.line,
        column: place.column,
    })
}

const fn word(by: Membership) -> &'static str {
    match by {
        Membership::Itself => "itself",
        Membership::Kubernetes => "kubernetes",
        Membership::Assumed => "assumed",
    }
}

fn names(policy: &Policy, set: CompanionSet) -> Vec<&str> {
    policy.companion_names(set).collect()
}
