//! Tables whose middle column is drawn: who is covered where, and who was refused when.

use std::cmp::Reverse;
use std::io::{self, Write};

use jiff::Timestamp;

use super::text::Escaped;
use crate::audit::denial::Denial;
use crate::audit::history::{Seen, Tally};
use crate::domain::shown::ShownBinding;
use crate::domain::text::ShownName;
use crate::report::judge::{Coverage, Report};

/// How wide a picture is, in units of its own.
const WIDTH: i64 = 1000;
/// The shortest bar that is still seen.
const SHORTEST: i64 = 12;

/// A bar for each namespace, the worst first.
pub(super) fn write_coverage(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    let mut namespaces: Vec<(&String, &Coverage)> = report
        .namespaces
        .iter()
        .filter(|(_, coverage)| coverage.subjects > 0)
        .collect();
    if namespaces.is_empty() {
        return Ok(());
    }
    namespaces.sort_by_key(|(_, coverage)| Reverse(coverage.lacking));
    writer.write_all(
        b"<section aria-labelledby=\"coverage-title\">\n<h2 id=\"coverage-title\">Coverage</h2>\n\
         <p>How many subjects of persona bindings lack nothing, by namespace.</p>\n\
         <table class=\"bars\" id=\"coverage\">\n<thead><tr><th scope=\"col\">Namespace</th>\
         <td></td><th scope=\"col\">Covered</th></tr></thead>\n<tbody>\n",
    )?;
    for (namespace, coverage) in namespaces {
        let name = match namespace.as_str() {
            "" => "<i>by ClusterRoleBindings</i>".to_owned(),
            name => Escaped(&ShownName(name).to_string()).to_string(),
        };
        let all = coverage.subjects;
        let covered = all.saturating_sub(coverage.lacking);
        let width = share(covered, all);
        let state = if covered == all { "whole" } else { "part" };
        writeln!(
            writer,
            "<tr class=\"{state}\"><th scope=\"row\">{name}</th><td class=\"bar\"><svg \
             viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"track\" width=\"{WIDTH}\" height=\"10\" /><rect class=\"covered\" \
             width=\"{width}\" height=\"10\" /></svg></td><td>{covered} of {all}</td></tr>"
        )?;
    }
    writer.write_all(b"</tbody>\n</table>\n</section>\n")
}

/// The part of the width that so many of all take. Nothing but all of them takes all of it.
fn share(some: usize, all: usize) -> i64 {
    let share = some as u128 * u128::from(WIDTH.unsigned_abs()) / all.max(1) as u128;
    i64::try_from(share).unwrap_or(WIDTH)
}

/// A bar for each denial, from the first time to the last, the latest first.
pub(super) fn write_denials(denials: &Tally, writer: &mut impl Write) -> io::Result<()> {
    let mut entries: Vec<_> = denials.iter().collect();
    entries.sort_by_key(|(_, seen)| Reverse(seen.last_seen));
    writer.write_all(
        b"<section aria-labelledby=\"denials-title\">\n<h2 id=\"denials-title\">Denials</h2>\n",
    )?;
    let first = entries.iter().map(|(_, seen)| seen.first_seen).min();
    let last = entries.iter().map(|(_, seen)| seen.last_seen).max();
    let (Some(first), Some(last)) = (first, last) else {
        return writer.write_all(b"<p>The history has none.</p>\n</section>\n");
    };
    writeln!(
        writer,
        "<p>Who was refused what: {} calls, from {} to {} UTC. A bar begins when a binding was \
         refused first, and ends when it was last.</p>\n\
         <table class=\"bars\" id=\"denials\">\n<thead><tr><th scope=\"col\">Requester and \
         binding</th><td></td><th scope=\"col\">Calls, last</th></tr></thead>\n<tbody>",
        denials.calls(),
        moment(first),
        moment(last)
    )?;
    for (denial, seen) in entries {
        write_denial(denial, seen, (first, last), writer)?;
    }
    writer.write_all(b"</tbody>\n</table>\n</section>\n")
}

fn write_denial(
    denial: &Denial,
    seen: Seen,
    (first, last): (Timestamp, Timestamp),
    writer: &mut impl Write,
) -> io::Result<()> {
    let binding = ShownBinding {
        kind: denial.binding.kind.into(),
        namespace: denial.binding.namespace.as_deref(),
        name: &denial.binding.name,
    };
    let role = denial.persona.as_ref().or(denial.companion.as_ref());
    let role = role.map(|role| format!(" ({})", ShownName(role)));
    let binding = format!("{binding}{}", role.unwrap_or_default());
    let (start, width) = span(seen, first, last);
    writeln!(
        writer,
        "<tr><th scope=\"row\">{}<small>{}</small></th><td class=\"bar\"><svg viewBox=\"0 0 {WIDTH} \
         10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"track\" \
         width=\"{WIDTH}\" height=\"10\" /><rect class=\"denied\" x=\"{start}\" width=\"{width}\" \
         height=\"10\" /></svg></td><td>{}<small>{}</small></td></tr>",
        Escaped(&ShownName(&denial.requester).to_string()),
        Escaped(&binding),
        seen.count,
        moment(seen.last_seen)
    )
}

/// Where the bar of a denial begins, and how wide it is.
fn span(seen: Seen, first: Timestamp, last: Timestamp) -> (i64, i64) {
    let second = |at: Timestamp| i128::from(at.as_second());
    let all = (second(last) - second(first)).max(1);
    let place = |at: Timestamp| {
        let place = (second(at) - second(first)) * i128::from(WIDTH) / all;
        i64::try_from(place).unwrap_or_default().clamp(0, WIDTH)
    };
    let start = place(seen.first_seen).min(WIDTH - SHORTEST);
    let width = place(seen.last_seen).saturating_sub(start).max(SHORTEST);
    (start, width)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%F %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{SHORTEST, Seen, WIDTH, share, span};

    #[test]
    fn only_all_of_them_fill_a_bar_of_namespaces_of_any_size() {
        assert_eq!(share(0, 3), 0);
        assert_eq!(share(999_999, 1_000_000), WIDTH - 1);
        assert_eq!(share(7, 7), WIDTH);
        assert_eq!(share(usize::MAX, usize::MAX), WIDTH);
    }

    #[test]
    fn a_denial_stands_where_it_was_and_is_seen_however_short() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let seen = |first, last| Seen {
            count: 2,
            first_seen: at(first),
            last_seen: at(last),
        };
        let bar = |first, last| span(seen(first, last), at(100), at(200));
        assert_eq!(bar(100, 200), (0, WIDTH));
        assert_eq!(bar(125, 150), (250, 250));
        assert_eq!(bar(150, 150), (500, SHORTEST));
        assert_eq!(bar(200, 200), (WIDTH - SHORTEST, SHORTEST));
        let all_at_once = span(seen(100, 100), at(100), at(100));
        assert_eq!(all_at_once, (0, SHORTEST));
        // What somebody else wrote into the history may end before it begins.
        assert_eq!(bar(180, 120), (800, SHORTEST));
        let ever = (Timestamp::MIN, Timestamp::MAX);
        assert_eq!(
            span(
                Seen {
                    count: 1,
                    first_seen: ever.0,
                    last_seen: ever.1
                },
                ever.0,
                ever.1
            ),
            (0, WIDTH)
        );
    }
}
