//! An explanation for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::outcome::{Covering, State};
use super::{Counted, Explanation, Gives, HasPersona, Membership, NearMiss, Why};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;
use crate::domain::policy::{Policy, UmbrellaGroups};
use crate::domain::remedy::{can_be_commanded, command_that_binds};
use crate::domain::shown::ShownIdentity;
use crate::domain::text::{Escaped, ShownName};
use crate::report::companion::NewBinding;
use crate::report::finding::{BindingName, Place, Severity, Who};
use crate::report::terminal::{Overflow, Table};

const PERSONAS: [&str; 4] = ["PERSONA", "BINDING", "NAMES", "RESULT"];
const COMPANIONS: [&str; 3] = ["COMPANION", "STATE", "WHY"];

pub(super) fn write(
    explanation: &Explanation<'_>,
    columns: Option<usize>,
    writer: &mut impl Write,
) -> io::Result<()> {
    writeln!(writer, "{}", in_short(explanation))?;
    let assumed = listed(explanation.question.assumed());
    if !assumed.is_empty() {
        let subject = shown(&explanation.question.subject);
        writeln!(writer, "Taken for granted: {subject} is in {assumed}.")?;
    }
    if !explanation.personas.is_empty() {
        let personas = explanation.personas.iter();
        let rows = personas.map(|has| persona_row(explanation, has));
        write_table(&PERSONAS, &rows.collect::<Vec<_>>(), columns, writer)?;
    }
    let companions = explanation.companions.iter();
    let rows = companions.flat_map(|one| companion_rows(explanation.policy, one));
    write_table(&COMPANIONS, &rows.collect::<Vec<_>>(), columns, writer)?;
    write_note(explanation, writer)?;
    write_fix(&explanation.fix.bindings, writer)
}

/// The explanation in a sentence.
fn in_short(explanation: &Explanation<'_>) -> String {
    let subject = shown(&explanation.question.subject);
    let personas = &explanation.personas;
    let lacks = explanation.lacks();
    if personas.is_empty() && !explanation.errors.is_empty() {
        format!("{subject} has no persona as far as could be read.")
    } else if personas.is_empty() {
        format!("{subject} has no persona: no binding makes it a VM user.")
    } else if !lacks.is_empty() {
        let lacks = names(explanation.policy, lacks);
        format!("{subject} lacks {lacks}, without which the VM console does not work.")
    } else if personas.iter().all(|has| has.exempt.is_some()) {
        format!("{subject} needs no companion: the policy exempts all its persona bindings.")
    } else if explanation.assumed().is_empty() {
        format!("{subject} has the companions that its personas need.")
    } else {
        format!(
            "{subject} has the companions that its personas need, some only by a group that it is said to be in."
        )
    }
}

fn persona_row(explanation: &Explanation<'_>, has: &HasPersona) -> Vec<String> {
    let policy = explanation.policy;
    let result = match has.exempt {
        Some(field) => format!("needs nothing: {field} of the policy"),
        None if !has.lacks.is_empty() => {
            let softer = match has.severity {
                Severity::Error => "",
                Severity::Warning => " (warned of, not refused)",
                Severity::Note => " (recorded, not refused)",
            };
            format!("lacks {}{softer}", names(policy, has.lacks))
        }
        None if has.assumed.is_empty() => "has what it needs".to_owned(),
        None => format!("has {} only by {}", names(policy, has.assumed), {
            listed(explanation.question.assumed())
        }),
    };
    vec![
        ShownName(&has.through.binding.role).to_string(),
        at(&has.through.binding, has.through.place),
        named(&has.through.named),
        result,
    ]
}

/// A companion with a row for each thing that there is to say of it.
fn companion_rows(policy: &Policy, covering: &Covering) -> Vec<Vec<String>> {
    let companion = &covering.companion;
    let mut reasons: Vec<String> = covering
        .by
        .iter()
        .map(|gives| given(policy, companion, gives))
        .collect();
    if covering.exists == Some(false) {
        reasons
            .push("there is no ClusterRole of this name: bindings to it give nothing".to_owned());
    }
    reasons.extend(covering.near.iter().map(missed));
    if !covering.groups.is_empty() {
        let more = match covering.more_groups {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        reasons.push(format!(
            "held by {}{more}: if it is in one of them, say so by --group",
            listed(&covering.groups)
        ));
    }
    if reasons.is_empty() {
        reasons.push("no binding gives it".to_owned());
    }
    let state = match covering.state {
        State::NotNeeded => "not needed",
        other => other.as_str(),
    };
    let heads = std::iter::once([companion.as_str(), state]);
    let heads = heads.chain(std::iter::repeat(["", ""]));
    heads
        .zip(reasons)
        .map(|([companion, state], reason)| {
            vec![Escaped(companion).to_string(), state.to_owned(), reason]
        })
        .collect()
}

/// How a binding gives a companion.
fn given(policy: &Policy, companion: &str, gives: &Gives) -> String {
    let binding = &gives.through.binding;
    let mut text = at(binding, gives.through.place);
    match gives.through.named.by {
        Membership::Itself => text.push_str(" names it"),
        Membership::Kubernetes | Membership::Assumed => {
            text.push_str(" names ");
            text.push_str(&named(&gives.through.named));
        }
    }
    if binding.role != companion {
        let role = ShownName(&binding.role);
        // Writing to a String cannot fail.
        let _ = write!(text, ", to {role}, which impliedBy of the policy lists");
    }
    if !gives.counts {
        text.push_str(match policy.umbrella_groups {
            UmbrellaGroups::Ignore => "; it does not count: coverage.umbrellaGroups is Ignore",
            UmbrellaGroups::Honour => "; it does not count for whoever is not authenticated",
        });
    }
    text
}

/// Why a binding does not give what it seems to.
fn missed(near: &NearMiss) -> String {
    let binding = at(&near.binding, near.place);
    match &near.why {
        Why::OneNamespace => {
            format!("{binding} gives it in one namespace only, which does not count")
        }
        Why::NamesAnother(who) => format!("{binding} names {}, which is somebody else", shown(who)),
    }
}

/// What whoever counts on a group has to know.
fn write_note(explanation: &Explanation<'_>, writer: &mut impl Write) -> io::Result<()> {
    let own = explanation.personas.iter();
    let own = own.filter(|has| has.through.named.by == Membership::Itself);
    let assumed = own.fold(CompanionSet::EMPTY, |all, has| all.union(has.assumed));
    if assumed.is_empty() {
        return Ok(());
    }
    let assumed = names(explanation.policy, assumed);
    writeln!(
        writer,
        "\nThe webhook, check and scan do not know who is in a group, and ask for {assumed} all the same."
    )
}

fn write_fix(bindings: &[NewBinding], writer: &mut impl Write) -> io::Result<()> {
    if bindings.is_empty() {
        return Ok(());
    }
    writeln!(writer, "\nWhat adds it:")?;
    for binding in bindings {
        let subjects: Vec<Identity<'_>> = binding.subjects.iter().map(Who::identity).collect();
        if subjects.iter().all(can_be_commanded) {
            let command = command_that_binds(&binding.name, &binding.companion, &subjects);
            writeln!(writer, "  {command}")?;
        } else {
            writeln!(
                writer,
                "  what -o yaml shows under fix: no command can carry the name"
            )?;
        }
    }
    Ok(())
}

fn write_table(
    header: &[&str],
    rows: &[Vec<String>],
    columns: Option<usize>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let table = Table::fitting(header, rows.iter().cloned(), columns, Overflow::Wrap);
    writeln!(writer)?;
    table.write_row(header, writer)?;
    for row in rows {
        table.write_row(row, writer)?;
    }
    Ok(())
}

/// Whom a binding names, and why that reaches the subject.
fn named(counted: &Counted) -> String {
    let who = shown(&counted.who);
    match counted.by {
        Membership::Itself => who,
        Membership::Kubernetes => format!("{who}, which Kubernetes gives it"),
        Membership::Assumed => format!("{who}, by --group"),
    }
}

/// A binding, and where in a file it names somebody.
fn at(binding: &BindingName, place: Option<Place>) -> String {
    let shown = binding.shown();
    match (&binding.file, place) {
        (Some(file), Some(Place { line, column, .. })) => {
            let file = file.to_string_lossy();
            format!("{shown} ({}:{line}:{column})", Escaped(&file))
        }
        _ => shown.to_string(),
    }
}

fn shown(who: &Who) -> String {
    ShownIdentity(who.identity()).to_string()
}

fn listed<'w>(all: impl IntoIterator<Item = &'w Who>) -> String {
    let all: Vec<String> = all.into_iter().map(shown).collect();
    all.join(", ")
}

fn names(policy: &Policy, set: CompanionSet) -> String {
    policy.companion_names(set).collect::<Vec<_>>().join(", ")
}
