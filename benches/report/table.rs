//! Figures in rows, each with what it is to be.

use std::fmt::{self, Display};

/// Whether a figure is within its budget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    Met,
    Missed,
    /// It has none.
    None,
}

impl Budget {
    pub(crate) const fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }
}

impl Display for Budget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::None => "",
        })
    }
}

pub(crate) struct Table {
    title: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    cells: Vec<String>,
    budget: Budget,
}

impl Table {
    /// A table whose rows are named by the first column.
    pub(crate) fn new(title: &'static str, columns: &[&'static str]) -> Self {
        Self {
            title,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&dyn Display; N], budget: Budget) {
        assert_eq!(N, self.columns.len(), "a row has all columns");
        self.rows.push(Row {
            cells: cells.iter().map(ToString::to_string).collect(),
            budget,
        });
    }
}

impl Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "### {}\n", self.title)?;
        writeln!(formatter, "| {} | budget |", self.columns.join(" | "))?;
        writeln!(formatter, "|---|{}", "--:|".repeat(self.columns.len()))?;
        for Row { cells, budget } in &self.rows {
            writeln!(formatter, "| {} | {budget} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// The rows that miss their budget, in words.
pub(crate) fn missed(tables: &[Table]) -> impl Iterator<Item = String> {
    tables.iter().flat_map(|table| {
        let missed = |row: &&Row| row.budget == Budget::Missed;
        let told = |row: &Row| format!("{}: {}", table.title, row.cells.join(", "));
        table.rows.iter().filter(missed).map(told)
    })
}
