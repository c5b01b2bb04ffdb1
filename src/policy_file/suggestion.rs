//! What was probably meant.

/// How much of a text that somebody wrote a message repeats.
const QUOTED_CHARACTERS: usize = 100;

/// A text for a message: in quotes, escaped, cut if it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// The words of a list as a message gives a choice: `"A", "B" or "C"`.
pub(super) fn choice(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => quoted(last),
        Some((last, others)) => {
            let others: Vec<_> = others.iter().map(|word| quoted(word)).collect();
            format!("{} or {}", others.join(", "), quoted(last))
        }
        None => String::new(),
    }
}

/// The end of a message about an unknown word: the known one that is nearest, if one is near.
pub(super) fn did_you_mean<'w>(
    written: &str,
    known: impl Iterator<Item = &'w str> + Clone,
) -> String {
    let same_but_for_case = known
        .clone()
        .find(|word| word.eq_ignore_ascii_case(written));
    if let Some(word) = same_but_for_case {
        return format!("; case counts, did you mean {}?", quoted(word));
    }
    // Nobody mistypes so much; the distance takes time in proportion to the length.
    if written.len() > 64 {
        return String::new();
    }
    known
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, word)| {
            format!("; did you mean {}?", quoted(word))
        })
}

#[cfg(test)]
mod tests {
    use super::{choice, did_you_mean, quoted};

    #[test]
    fn the_nearest_word_is_suggested_if_one_is_near() {
        let known = ["action", "personas", "companions", "dryRun"];
        for (written, expected) in [
            ("actoin", "; did you mean \"action\"?"),
            ("companion", "; did you mean \"companions\"?"),
            ("dryrun", "; case counts, did you mean \"dryRun\"?"),
            ("somethingElse", ""),
            ("", ""),
        ] {
            assert_eq!(
                did_you_mean(written, known.into_iter()),
                expected,
                "{written}"
            );
        }
    }

    #[test]
    fn a_choice_reads_as_people_write_it() {
        assert_eq!(
            choice(&["Deny", "Warn", "Audit"]),
            "\"Deny\", \"Warn\" or \"Audit\""
        );
        assert_eq!(choice(&["Deny"]), "\"Deny\"");
    }

    #[test]
    fn what_is_repeated_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}[1m\u{202e}"), r#""a\u{1b}[1m\u{202e}""#);
        assert_eq!(quoted(&"x".repeat(5000)).len(), 105);
    }
}
