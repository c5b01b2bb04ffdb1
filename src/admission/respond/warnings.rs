//! Warnings, as the API server passes them on.

use serde::{Serialize, Serializer};

use super::printable::printable;

/// How many characters of one warning the API server is sure to pass on.
const MAX_CHARACTERS: usize = 256;
/// How many characters the API server passes on in all is 4,096; the rest is for the count of
/// those left out.
const MAX_TOTAL: usize = 4_000;
/// More are read by nobody.
const MAX_COUNT: usize = 20;

/// Warnings that the API server passes on to the user as they are: not empty, on one line, without
/// control characters, none twice, and short enough, each and all together.
///
/// What the API server does to others is to drop or cut them without a word.
///
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    kept: Vec<String>,
    characters: usize,
    left_out: usize,
}

impl Warnings {
    /// Adds a warning. Control characters are escaped, line breaks too: a name with one in it
    /// must not begin a line of its own.
    pub fn push(&mut self, text: &str) {
        let warning = cut(text.trim());
        if warning.is_empty() || self.kept.contains(&warning) {
            return;
        }
        let characters = self.characters + warning.chars().count();
        if self.left_out > 0 || self.kept.len() == MAX_COUNT || characters > MAX_TOTAL {
            self.left_out += 1;
            return;
        }
        self.characters = characters;
        self.kept.push(warning);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The count of the warnings that were left out, as the last warning.
    fn rest(&self) -> Option<String> {
        (self.left_out > 0).then(|| format!("… and {} more", self.left_out))
    }
}

impl Serialize for Warnings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rest = self.rest();
        serializer.collect_seq(self.kept.iter().chain(&rest))
    }
}

fn cut(text: &str) -> String {
    // So many are enough to tell whether it is too long, and a name may have a million.
    let enough = text.char_indices().nth(MAX_CHARACTERS + 1);
    let start = enough.and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    let printable = printable(start, &[]);
    if printable.chars().count() <= MAX_CHARACTERS {
        return printable.into_owned();
    }
    printable
        .chars()
        .take(MAX_CHARACTERS - 1)
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::Warnings;

    fn sent<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut warnings = Warnings::default();
        for text in texts {
            warnings.push(text);
        }
        serde_json::from_value(serde_json::to_value(&warnings).unwrap()).unwrap()
    }

    #[test]
    fn a_plain_warning_is_left_as_it_is() {
        assert_eq!(sent(["User alice: größer 😀"]), ["User alice: größer 😀"]);
    }

    #[test]
    fn an_empty_warning_is_left_out() {
        assert!(sent(["", "  ", "\n"]).is_empty());
    }

    #[test]
    fn control_characters_are_escaped_and_never_begin_a_line() {
        let all: String = ('\0'..='\u{9f}').filter(|c| c.is_control()).collect();
        for warning in sent([all.as_str(), "a\nb\u{1b}[2J"]) {
            assert!(!warning.chars().any(char::is_control), "{warning}");
        }
        assert_eq!(sent(["a\nb\u{1b}[2J"]), [r"a\u{a}b\u{1b}[2J"]);
    }

    #[test]
    fn a_warning_of_256_characters_is_whole_and_a_longer_one_is_cut() {
        let fits = "ü".repeat(256);
        assert_eq!(sent([fits.as_str()]), [fits.as_str()]);
        let cut = format!("{}…", "ü".repeat(255));
        assert_eq!(sent([format!("{fits}ü").as_str()]), [cut.as_str()]);
        assert_eq!(sent(["ü".repeat(1_000_000).as_str()]), [cut]);
    }

    #[test]
    fn a_warning_is_told_once() {
        assert_eq!(sent(["a", "b", "a"]), ["a", "b"]);
    }

    #[test]
    fn past_twenty_they_are_counted() {
        let many: Vec<String> = (0..25).map(|number| number.to_string()).collect();
        let warnings = sent(many.iter().map(String::as_str));
        assert_eq!(warnings.len(), 21);
        assert_eq!(warnings.last().unwrap(), "… and 5 more");
    }

    #[test]
    fn together_they_stay_below_what_the_api_server_passes_on() {
        let many: Vec<String> = (10..30)
            .map(|number| format!("{number}{}", "x".repeat(300)))
            .collect();
        let warnings = sent(many.iter().map(String::as_str));
        let characters: usize = warnings.iter().map(|text| text.chars().count()).sum();
        assert!(characters <= 4_096, "{characters}");
        assert_eq!(warnings.last().unwrap(), "… and 5 more");
    }

    proptest! {
        #[test]
        fn whatever_is_pushed_is_passed_on_by_the_api_server(texts in any::<Vec<String>>()) {
            for warning in sent(texts.iter().map(String::as_str)) {
                prop_assert!(!warning.is_empty() && warning.chars().count() <= 256);
                prop_assert!(!warning.chars().any(char::is_control));
            }
        }
    }
}
