//! What a person reads: the message of a denial and the warnings of a call that passes.
//!
//! kubectl prints both as they are, so that every name in them is escaped.

use std::fmt::{self, Display, Formatter, Write};

use crate::domain::assess::Missing;
use crate::domain::binding::BindingKind;
use crate::domain::companion_set::CompanionSet;
use crate::domain::conclude::{Because, Fault};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::domain::remedy::{can_be_commanded, command};
pub(crate) use crate::domain::shown::ShownIdentity;
use crate::domain::text::ShownName;

/// How many subjects a message names in full.
const MOST_SUBJECTS: usize = 5;
/// The longest command that goes into a warning, in characters: the API server cuts longer
/// warnings, and half a command is a trap.
const LONGEST_WARNING: usize = 256;

/// What a binding is told whose companions could be made.
const COULD_ORDER: &str = "Or have them made: set the annotation bindguard.dev/provision: \"true\" \
                           on this binding. That takes the right to create clusterrolebindings and \
                           the verb bind on every companion, in the whole cluster.";

/// What a message has to say about having the companions made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering<'a> {
    /// Nothing.
    Silent,
    /// The binding does not ask for it, and could.
    Possible,
    /// It is to be done, and this sentence says why nothing comes of that.
    Futile(&'a str),
}

/// The binding that a message is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its kind.
    pub kind: BindingKind,
    /// Its namespace, for a RoleBinding.
    pub namespace: Option<&'a str>,
    /// Its name; what `generateName` says while there is none.
    pub name: &'a str,
    /// About having its companions made.
    pub ordering: Ordering<'a>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

/// The message of a denial: what was refused, who lacks what, and the commands that mend it.
#[must_use]
pub fn denial(policy: &Policy, about: About<'_>, fault: &Fault<'_, '_>) -> String {
    let missing: Vec<Missing<'_>> = fault.new_missing().copied().collect();
    let shown = missing.get(..MOST_SUBJECTS).unwrap_or(&missing);
    let mut text = Lines::default();
    text.line(format_args!(
        "{about} grants {} to subjects that lack companions, without which the VM console does \
         not work:",
        ShownName(fault.role)
    ));
    for one in shown {
        text.line(format_args!("  {}", Lacks(policy, one)));
    }
    match missing.len() - shown.len() {
        0 => {}
        1 => text.line(format_args!("  and 1 more subject")),
        more => text.line(format_args!("  and {more} more subjects")),
    }
    write_remedy(&mut text, policy, shown);
    text.line(format_args!(
        "If they are in the same file or chart, they must come before this binding."
    ));
    if shown
        .iter()
        .any(|one| matches!(one.identity, Identity::User(_)))
    {
        text.line(format_args!(
            "A companion bound to a group does not count for its members, since Kubernetes does \
             not know who they are."
        ));
    }
    match about.ordering {
        Ordering::Silent => {}
        Ordering::Possible => text.line(format_args!("{COULD_ORDER}")),
        Ordering::Futile(sentence) => text.line(format_args!("{sentence}")),
    }
    text.0
}

/// The warnings of a call that passes although something is missing, one for each subject.
#[must_use]
pub fn warnings(policy: &Policy, about: About<'_>, fault: &Fault<'_, '_>) -> Vec<String> {
    let outcome = match fault.because {
        // Of what is ordered this is not said.
        Because::Action | Because::Order => "",
        Because::Ratchet => "; it did so before this change",
        Because::DryRun => "; without the dry run this is refused",
    };
    let mut warnings: Vec<String> = fault
        .missing
        .iter()
        .map(|one| format!("{about}: {}{outcome}", Lacks(policy, one)))
        .collect();
    let will_be = if about.dry_run { "would be" } else { "will be" };
    warnings.extend(fault.ordered.iter().map(|one| {
        format!(
            "{about}: {} {will_be} bound to {}, as ordered",
            Companions(policy, one.lacks),
            ShownIdentity(one.identity)
        )
    }));
    let few = fault.missing.get(..MOST_SUBJECTS).unwrap_or(&fault.missing);
    let commands = commands(policy, few).map(|command| format!("add: {command}"));
    warnings.extend(commands.filter(|text| text.chars().count() <= LONGEST_WARNING));
    match about.ordering {
        Ordering::Futile(sentence) if !fault.missing.is_empty() => {
            warnings.push(sentence.to_owned());
        }
        Ordering::Silent | Ordering::Possible | Ordering::Futile(_) => {}
    }
    warnings
}

/// Warnings that go with a denial: what was missing before, and is not the reason.
#[must_use]
pub fn old_faults(policy: &Policy, about: About<'_>, fault: &Fault<'_, '_>) -> Vec<String> {
    fault
        .old_missing()
        .map(|one| {
            format!(
                "{about}: {}; it did so before this change",
                Lacks(policy, one)
            )
        })
        .collect()
}

/// The commands that mend what is missing, one for each companion.
fn commands<'m>(
    policy: &'m Policy,
    missing: &'m [Missing<'m>],
) -> impl Iterator<Item = String> + 'm {
    policy
        .all_companions()
        .positions()
        .filter_map(move |position| command(policy, position, missing))
}

fn write_remedy(text: &mut Lines, policy: &Policy, shown: &[Missing<'_>]) {
    let mut commands = commands(policy, shown).peekable();
    if commands.peek().is_some() {
        text.line(format_args!(
            "Companions are ClusterRoleBindings. Add them, then try again:"
        ));
    }
    for command in commands {
        text.line(format_args!("  {command}"));
    }
    if shown.iter().any(|one| !can_be_commanded(&one.identity)) {
        text.line(format_args!(
            "Some of these names are too long or too odd for a command line: use a manifest for \
             them."
        ));
    }
}

/// Lines joined by line feeds, without one at the end.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(line);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl Display for About<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.kind)?;
        if let Some(namespace) = self.namespace {
            write!(formatter, "{}/", ShownName(namespace))?;
        }
        write!(formatter, "{}", ShownName(self.name))
    }
}

/// `User alice lacks companion, companion`.
struct Lacks<'a>(&'a Policy, &'a Missing<'a>);

impl Display for Lacks<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(policy, missing) = self;
        write!(
            formatter,
            "{} lacks {}",
            ShownIdentity(missing.identity),
            Companions(policy, missing.lacks)
        )
    }
}

/// `companion, companion`.
struct Companions<'a>(&'a Policy, CompanionSet);

impl Display for Companions<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(policy, set) = self;
        for (position, companion) in policy.companion_names(*set).enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(formatter, "{separator}{}", ShownName(companion))?;
        }
        Ok(())
    }
}
