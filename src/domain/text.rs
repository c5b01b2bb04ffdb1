//! Names as people may safely read them, and as a shell may safely be given them.
//!
//! Kubernetes accepts nearly any text as the name of a user or group, and kubectl prints messages
//! as they are, so that an unescaped name could move the cursor, reverse the line or hide itself.

use std::fmt::{self, Write};

/// The longest name that messages and warnings show whole, in characters: as long as Kubernetes
/// lets the name of an object be.
pub const LONGEST_NAME: usize = 253;

/// A text with everything escaped that does not stand for itself on a terminal: control
/// characters, C1 included, line and paragraph separators, and characters that change direction
/// or have no width.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            write_escaped(formatter, character)?;
        }
        Ok(())
    }
}

/// A name as messages show it: escaped, cut when it is overlong, and between quotes unless it is
/// made of nothing but letters, digits and the punctuation usual in names.
#[derive(Clone, Copy, Debug)]
pub struct ShownName<'a>(pub &'a str);

impl fmt::Display for ShownName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.len() <= LONGEST_NAME && self.0.chars().all(is_plain) {
            return formatter.write_str(self.0);
        }
        let mut characters = self.0.chars();
        formatter.write_char('"')?;
        for character in characters.by_ref().take(LONGEST_NAME) {
            match character {
                '"' => formatter.write_str("\\\"")?,
                other => write_escaped(formatter, other)?,
            }
        }
        formatter.write_char('"')?;
        match characters.count() {
            0 => Ok(()),
            rest => write!(formatter, "… ({} characters)", LONGEST_NAME + rest),
        }
    }
}

/// Whether a name would be cut in messages.
#[must_use]
pub fn is_overlong(name: &str) -> bool {
    name.chars().nth(LONGEST_NAME).is_some()
}

/// A word for a POSIX shell, or for bash and zsh where it holds characters that must not reach a
/// terminal as they are. It stands for exactly this text, but for NUL, which no command can be
/// given.
#[derive(Clone, Copy, Debug)]
pub struct ShellWord<'a>(pub &'a str);

impl fmt::Display for ShellWord<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            return formatter.write_str(self.0);
        }
        if self.0.chars().any(needs_escape) {
            return write_dollar_quoted(formatter, self.0);
        }
        formatter.write_char('\'')?;
        for character in self.0.chars() {
            match character {
                '\'' => formatter.write_str("'\\''")?,
                other => formatter.write_char(other)?,
            }
        }
        formatter.write_char('\'')
    }
}

/// Bash's `$'…'`, with bytes written in octal so that the locale of the shell does not matter.
fn write_dollar_quoted(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    formatter.write_str("$'")?;
    for character in text.chars() {
        match character {
            '\'' => formatter.write_str("\\'")?,
            '\\' => formatter.write_str("\\\\")?,
            hidden if needs_escape(hidden) => {
                for byte in hidden.encode_utf8(&mut [0; 4]).bytes() {
                    write!(formatter, "\\{byte:03o}")?;
                }
            }
            other => formatter.write_char(other)?,
        }
    }
    formatter.write_char('\'')
}

/// Whether a shell takes the character as it is, wherever in a word it stands.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(
            character,
            '.' | '_' | '-' | ':' | '@' | '/' | '+' | ',' | '='
        )
}

fn write_escaped(formatter: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    if needs_escape(character) {
        write!(formatter, "\\u{{{:x}}}", u32::from(character))
    } else {
        formatter.write_char(character)
    }
}

/// Whether a character does not show as itself.
///
/// Sources: Unicode's general categories Cc, Cf, Zl and Zp, `Default_Ignorable_Code_Point`
/// (<https://www.unicode.org/reports/tr44/>), and the bidirectional controls of
/// <https://www.unicode.org/reports/tr9/>. Variation selectors are let through, since emoji need
/// them, and they change nothing but the look of what stands before.
#[must_use]
pub fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Escaped, ShellWord, ShownName, is_overlong, needs_escape};

    #[test]
    fn plain_names_are_shown_as_they_are() {
        for name in ["alice", "alice@example.com", "oidc:alice", "CI_bot-1.2/x+y"] {
            assert_eq!(ShownName(name).to_string(), name);
        }
    }

    #[test]
    fn other_names_are_shown_between_quotes() {
        assert_eq!(ShownName("Team Blue").to_string(), "\"Team Blue\"");
        assert_eq!(ShownName("").to_string(), "\"\"");
        assert_eq!(ShownName("a\"b").to_string(), "\"a\\\"b\"");
        assert_eq!(ShownName("CORP\\alice").to_string(), "\"CORP\\alice\"");
    }

    #[test]
    fn what_could_fool_a_terminal_is_escaped() {
        for hidden in [
            "\0",
            "\n",
            "\r",
            "\u{1b}",
            "\u{7f}",
            "\u{80}",
            "\u{9b}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{200d}",
            "\u{feff}",
            "\u{2028}",
            "\u{2029}",
            "\u{ad}",
            "\u{e0041}",
        ] {
            let shown = Escaped(hidden).to_string();
            assert!(shown.starts_with("\\u{"), "{shown}");
            assert!(!shown.chars().any(needs_escape));
        }
        assert_eq!(Escaped("é 漢 🚀").to_string(), "é 漢 🚀");
    }

    #[test]
    fn an_overlong_name_is_cut_and_its_length_told() {
        let name = "é".repeat(1_000);
        let shown = ShownName(&name).to_string();
        assert!(shown.starts_with("\"éé"));
        assert!(shown.ends_with("\"… (1000 characters)"), "{shown}");
        assert_eq!(shown.matches('é').count(), 253);
        assert!(is_overlong(&name));
        assert!(!is_overlong(&"é".repeat(253)));
        let longest = "a".repeat(253);
        assert_eq!(ShownName(&longest).to_string(), longest);
    }

    #[test]
    fn a_shell_reads_a_word_back_as_the_name() {
        for name in [
            "alice",
            "Team Blue",
            "it's",
            "$(reboot)",
            "`id`",
            "a;b|c&d",
            "-x",
            "a\\b",
            "\"",
            "*",
            "~",
            "",
            "tab\there",
            "new\nline",
            "\u{1b}[31m",
            "\u{202e}evil",
            "é漢🚀",
            "a'b\nc\\d",
            "#x",
            "a=b",
            "{a,b}",
            "!x",
        ] {
            let command = format!("printf %s {}", ShellWord(name));
            assert!(!command.chars().any(needs_escape), "{command:?}");
            let output = Command::new("bash")
                .arg("-c")
                .arg(&command)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name, "{command}");
        }
    }
}
