//! Tables for people: columns that fit the terminal.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns, as kubectl has them.
const GAP: usize = 3;
/// No column is made narrower than this.
const NARROWEST: usize = 9;

/// What becomes of a cell that is wider than its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It goes on in the next line, between words where that is enough.
    Wrap,
    /// It is cut, so that a row stays a line.
    Cut,
}

/// How wide the columns of a table are. The rows are not kept: there may be very many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    widths: Vec<usize>,
    /// Nothing where there is no terminal that a row could be too wide for.
    overflow: Option<Overflow>,
}

impl Table {
    /// A table that fits so many columns of a terminal, for a header and rows as these.
    #[must_use]
    pub fn fitting(
        header: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
        columns: Option<usize>,
        overflow: Overflow,
    ) -> Self {
        let mut widths: Vec<usize> = header.iter().map(|cell| cell.width()).collect();
        let mut words = widths.clone();
        for row in rows {
            for ((width, word), cell) in widths.iter_mut().zip(&mut words).zip(&row) {
                *width = (*width).max(cell.width());
                *word = (*word).max(longest_word(cell));
            }
        }
        if let Some(columns) = columns {
            if overflow == Overflow::Wrap {
                // Words are broken only where that is not enough.
                shrink(&mut widths, &words, columns);
            }
            let narrowest: Vec<usize> = widths.iter().map(|_| NARROWEST).collect();
            shrink(&mut widths, &narrowest, columns);
        }
        Self {
            widths,
            overflow: columns.map(|_| overflow),
        }
    }

    /// Writes a row, the header too, in as many lines as its longest cell needs.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_row<T: AsRef<str>>(&self, cells: &[T], writer: &mut impl Write) -> io::Result<()> {
        let cells: Vec<Vec<String>> = cells
            .iter()
            .zip(&self.widths)
            .map(|(cell, width)| match self.overflow {
                None => vec![cell.as_ref().to_owned()],
                Some(Overflow::Cut) => vec![cut(cell.as_ref(), *width)],
                Some(Overflow::Wrap) => wrapped(cell.as_ref(), *width),
            })
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or_default();
        for line in 0..lines {
            let mut text = String::new();
            for (cell, width) in cells.iter().zip(&self.widths) {
                let part = cell.get(line).map(String::as_str).unwrap_or_default();
                text.push_str(part);
                let padding = width.saturating_sub(part.width()) + GAP;
                text.extend(std::iter::repeat_n(' ', padding));
            }
            writeln!(writer, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

fn longest_word(cell: &str) -> usize {
    let words = cell.split(' ').map(UnicodeWidthStr::width);
    words.max().unwrap_or_default()
}

/// Takes from the widest columns until all fit, or none can give any more.
fn shrink(widths: &mut [usize], least: &[usize], columns: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        let giving = widths
            .iter_mut()
            .zip(least)
            .filter(|(width, least)| **width > **least);
        let Some((width, _)) = giving.max_by_key(|(width, _)| **width) else {
            return;
        };
        *width -= 1;
    }
}

/// The lines of a cell: broken at the last space that fits, or else in the middle of a word.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = cell;
    while rest.width() > width {
        let mut used = 0;
        let end = rest
            .char_indices()
            .find(|(_, character)| {
                used += character.width().unwrap_or_default();
                used > width
            })
            .map_or(rest.len(), |(end, _)| end);
        // At least one character, however wide it is.
        let end = end.max(rest.chars().next().map_or(0, char::len_utf8));
        let (line, after) = rest.split_at(end);
        let broken = match line.rfind(' ') {
            Some(space) if !after.starts_with(' ') => rest.split_at(space),
            _ => (line, after),
        };
        lines.push(broken.0.to_owned());
        rest = broken.1.trim_start_matches(' ');
    }
    lines.push(rest.to_owned());
    lines
}

/// As much of a text as fits.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = width.saturating_sub(1);
    for character in text.chars() {
        let needs = character.width().unwrap_or(0);
        if needs > left {
            break;
        }
        left -= needs;
        kept.push(character);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::{Overflow, Table, cut, shrink, wrapped};

    #[test]
    fn the_widest_columns_give_way_first_and_equally() {
        let shrunk = |widths: &[usize], least: usize, columns| {
            let mut widths = widths.to_vec();
            shrink(&mut widths, &[least; 4], columns);
            widths
        };
        assert_eq!(shrunk(&[5, 60, 20, 60], 0, 103), [5, 35, 20, 34]);
        assert_eq!(shrunk(&[5, 30, 30], 0, 100), [5, 30, 30]);
        assert_eq!(shrunk(&[5, 30, 30], 12, 10), [5, 12, 12]);
    }

    #[test]
    fn a_cell_is_broken_between_words_or_else_within_one() {
        assert_eq!(wrapped("User alice", 20), ["User alice"]);
        assert_eq!(
            wrapped("User alice@example.com", 12),
            ["User", "alice@exampl", "e.com"]
        );
        assert_eq!(wrapped("lacks one, two", 10), ["lacks one,", "two"]);
        assert_eq!(wrapped("漢漢漢", 3), ["漢", "漢", "漢"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn a_text_is_cut_by_the_columns_that_it_takes() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("漢字漢", 4), "漢…");
        assert_eq!(cut("漢字", 4), "漢字");
    }

    #[test]
    fn without_a_terminal_nothing_is_wrapped_or_cut() {
        for overflow in [Overflow::Wrap, Overflow::Cut] {
            let table = Table::fitting(&["A", "B"], [], None, overflow);
            let mut text = Vec::new();
            table.write_row(&["alice", "bob"], &mut text).unwrap();
            assert_eq!(text, b"alice   bob\n");
        }
    }
}
