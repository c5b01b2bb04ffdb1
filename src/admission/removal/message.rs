//! What a person reads who takes companions away.

use std::fmt::{self, Display, Formatter, Write as _};

use super::losers::{Loser, Losers};
use crate::admission::message::{Lines, ShownIdentity};
use crate::domain::assess::Missing;
use crate::domain::policy::Policy;
use crate::domain::remedy::command;
use crate::domain::removal::RemovalBecause;
use crate::domain::text::{ShellWord, ShownName};

/// How many subjects a message names.
const MOST_SUBJECTS: usize = 5;
/// How many roles it names for each.
const MOST_ROLES: usize = 3;
/// The longest command that goes into a warning; see `message::warnings`.
const LONGEST_WARNING: usize = 256;

/// The companion binding that a message is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Whether it is deleted, and not changed.
    pub(super) is_deleted: bool,
}

/// The message of a refusal: who would lose what, and what to do first.
pub(super) fn denial(policy: &Policy, about: About<'_>, losers: &Losers<'_>) -> String {
    let mut text = Lines::default();
    let doing = if about.is_deleted {
        "Deleting"
    } else {
        "Changing"
    };
    text.line(format_args!(
        "{doing} ClusterRoleBinding {} takes companions from VM users, without which the VM \
         console does not work:",
        ShownName(about.name)
    ));
    for loser in losers.named().take(MOST_SUBJECTS) {
        text.line(format_args!("  {}", Loses(policy, loser)));
    }
    if let Some(rest) = rest(losers) {
        text.line(format_args!("  {rest}"));
    }
    let commands = commands(policy, about, losers);
    if commands.is_empty() {
        text.line(format_args!(
            "Bind the companions to them by other ClusterRoleBindings first, or remove their \
             bindings to the personas."
        ));
    } else {
        text.line(format_args!(
            "Remove their bindings to the personas first, or bind the companions to them by other \
             ClusterRoleBindings:"
        ));
    }
    for command in commands {
        text.line(format_args!("  {command}"));
    }
    text.line(format_args!(
        "Members of system:masters are not refused this, only warned."
    ));
    text.into_text()
}

/// The warnings of a change that passes, one for each subject.
pub(super) fn warnings(
    policy: &Policy,
    about: About<'_>,
    losers: &Losers<'_>,
    because: RemovalBecause,
) -> Vec<String> {
    let outcome = match because {
        RemovalBecause::Action => "",
        RemovalBecause::Requester => "; others are refused this",
        RemovalBecause::DryRun => "; without the dry run this is refused",
    };
    let doing = if about.is_deleted {
        "without"
    } else {
        "by this change of"
    };
    let cause = format!(
        "{doing} ClusterRoleBinding {}{outcome}",
        ShownName(about.name)
    );
    let mut warnings: Vec<String> = losers
        .named()
        .take(MOST_SUBJECTS)
        .map(|loser| format!("{}, {cause}", Loses(policy, loser)))
        .collect();
    warnings.extend(rest(losers).map(|rest| format!("{rest}, {cause}")));
    let commands = commands(policy, about, losers).into_iter();
    warnings.extend(
        commands
            .map(|command| format!("to give it back: {command}"))
            .filter(|text| text.chars().count() <= LONGEST_WARNING),
    );
    warnings
}

/// Those who are not named, as far as there are any.
fn rest(losers: &Losers<'_>) -> Option<String> {
    let indirect = losers.indirect();
    let more = losers.each.len() - losers.named().count().min(MOST_SUBJECTS);
    if more == 0 {
        return None;
    }
    let word = if losers.named().next().is_some() {
        " more"
    } else {
        ""
    };
    let mut text = match more {
        1 => format!("1{word} subject loses companions"),
        _ => format!("{more}{word} subjects lose companions"),
    };
    if indirect > 0 && !losers.umbrellas.is_empty() {
        let groups: Vec<String> = losers
            .umbrellas
            .iter()
            .map(|group| ShownIdentity(*group).to_string())
            .collect();
        let part = if indirect < more {
            format!("{indirect} of them ")
        } else {
            String::new()
        };
        // Writing to a String cannot fail.
        let _ = write!(text, " ({part}covered only by {})", groups.join(", "));
    }
    Some(text)
}

/// The commands that give the companions to those who are named, but for one that would make a
/// binding of the very name that is under review.
fn commands(policy: &Policy, about: About<'_>, losers: &Losers<'_>) -> Vec<String> {
    let named: Vec<Missing<'_>> = losers
        .named()
        .take(MOST_SUBJECTS)
        .map(|loser| loser.missing)
        .collect();
    let same_name = format!(" {} --clusterrole=", ShellWord(about.name));
    policy
        .all_companions()
        .positions()
        .filter_map(|position| command(policy, position, &named))
        .filter(|command| !command.contains(&same_name))
        .collect()
}

/// `User alice loses companion, which spectro-vm-user needs (2 bindings)`.
struct Loses<'a>(&'a Policy, &'a Loser<'a>);

impl Display for Loses<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(policy, loser) = self;
        write!(
            formatter,
            "{} loses ",
            ShownIdentity(loser.missing.identity)
        )?;
        let companions = policy.companion_names(loser.missing.lacks);
        write_list(formatter, companions)?;
        formatter.write_str(", needed for ")?;
        let roles = loser.roles.iter().copied();
        write_list(formatter, roles.take(MOST_ROLES))?;
        match loser.roles.len().saturating_sub(MOST_ROLES) {
            0 => {}
            more => write!(formatter, " and {more} more")?,
        }
        match loser.bindings {
            1 => formatter.write_str(" (1 binding)"),
            more => write!(formatter, " ({more} bindings)"),
        }
    }
}

fn write_list<'a>(
    formatter: &mut Formatter<'_>,
    names: impl Iterator<Item = &'a str>,
) -> fmt::Result {
    for (position, name) in names.enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        write!(formatter, "{separator}{}", ShownName(name))?;
    }
    Ok(())
}
