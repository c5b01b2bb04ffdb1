//! What an Event says, and what it is called.

use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::audit::denial::{Binding, Denial, Pair, hexadecimal};
use crate::audit::line::to_line;
use crate::domain::text::{Escaped, ShownName};

/// The longest note that the API server takes, in bytes.
///
/// Source: `NoteLengthLimit` in `pkg/apis/core/validation/events.go` of Kubernetes.
const LONGEST_NOTE: usize = 1_024;
/// How much is said of one name, in characters. Whole names are in the annotation.
const LONGEST_NAME: usize = 80;
/// How much of a denial goes into the annotation, in bytes.
const LONGEST_ANNOTATION: usize = 4 * 1024;

/// The Event's namespace, if Kubernetes could have one of this name: where its binding is, and for
/// those without, where Kubernetes wants Events about objects of the whole cluster.
pub(super) fn namespace(denial: &Denial) -> Option<&str> {
    let Some(namespace) = &denial.binding.namespace else {
        return Some("default");
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // A forged review names what it likes, and this goes into an address.
    let is_label =
        !namespace.is_empty() && namespace.len() <= 63 && namespace.bytes().all(is_plain);
    is_label.then_some(namespace.as_str())
}

/// A name that no other Event has: of the denial, of when it began, and of who reports it.
pub(super) fn name(denial: &Denial, first: Timestamp, reporter: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(to_line(denial));
    digest.update(reporter);
    format!(
        "bindguard.{}.{:x}",
        hexadecimal(&digest.finalize(), 16),
        first.as_microsecond()
    )
}

/// The denial as JSON, without characters that do not show as themselves.
pub(super) fn annotation(denial: &Denial) -> String {
    let line = to_line(&denial.within(LONGEST_ANNOTATION));
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

/// What people read. Whatever the names are, it is one line of at most 1 kB.
pub(super) fn note(denial: &Denial) -> String {
    let mut note = format!("{} was refused: ", shown(&denial.requester));
    // Writing to a String cannot fail.
    let _ = match (&denial.persona, &denial.companion) {
        (_, Some(companion)) => write!(
            note,
            "without {} subjects would lose {}",
            place(&denial.binding),
            shown(companion)
        ),
        (persona, None) => write!(
            note,
            "{} grants {} to subjects that lack companions",
            place(&denial.binding),
            shown(persona.as_deref().unwrap_or_default())
        ),
    };
    let mut said = 0;
    for pairs in denial
        .missing
        .chunk_by(|one, other| one.subject == other.subject)
    {
        let mark = if said == 0 { ":" } else { ";" };
        let subject = format!("{mark} {}", lacks(pairs, denial.companion.is_some()));
        // Leaves room for how many there are besides.
        if note.len() + subject.len() > LONGEST_NOTE - 40 {
            break;
        }
        note.push_str(&subject);
        said += pairs.len();
    }
    let rest = denial.total().saturating_sub(said);
    if rest > 0 {
        let _ = write!(note, "; and {rest} more");
    }
    note
}

fn lacks(pairs: &[Pair], is_lost: bool) -> String {
    let Some(first) = pairs.first() else {
        return String::new();
    };
    let subject = &first.subject;
    let mut text = format!("{} ", subject.kind.as_str());
    if let Some(namespace) = &subject.namespace {
        let _ = write!(text, "{}/", shown(namespace));
    }
    text.push_str(&shown(&subject.name));
    if !is_lost {
        let companions: Vec<String> = pairs.iter().map(|pair| shown(&pair.companion)).collect();
        let _ = write!(text, " lacks {}", companions.join(", "));
    }
    text
}

fn place(binding: &Binding) -> String {
    let namespace = binding.namespace.as_deref().map(|name| shown(name) + "/");
    let (kind, name) = (binding.kind.as_str(), shown(&binding.name));
    format!("{kind} {}{name}", namespace.unwrap_or_default())
}

/// A name, cut to what is said of one.
fn shown(name: &str) -> String {
    let shown = ShownName(name).to_string();
    if shown.chars().count() <= LONGEST_NAME {
        return shown;
    }
    let cut: String = Escaped(name)
        .to_string()
        .chars()
        .take(LONGEST_NAME)
        .collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests;
