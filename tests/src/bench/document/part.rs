//! One table of the document, and what to draw of it.
//!
//! A table is its columns' names and its rows; whoever wrote it, this bench or another program, it is
//! shown by the same rules. Numbers keep four digits: more would be noise, and would make each new
//! measurement a change of every byte.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::report::table;

/// A table with its heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// The heading.
    pub(crate) title: String,
    /// What was measured and how: a paragraph of Markdown.
    pub(crate) about: String,
    /// The command that measures it again; none when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) command: String,
    /// Names of the columns, with units.
    pub(crate) columns: Vec<String>,
    /// As many cells in each as there are columns.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// What to draw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) plots: Vec<Plot>,
}

/// What is in one place of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    /// A measured number.
    Number(f64),
    /// Anything else: a name, a count that is no measurement.
    Text(String),
}

/// A drawing of a table's columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Plot {
    /// The heading.
    pub(crate) title: String,
    pub(crate) kind: Kind,
    /// The column along the axis from left to right, its values in the order of the rows. Without it,
    /// the names of the columns in `y` are there.
    pub(crate) x: Option<String>,
    /// The column with the numbers, or several if `x` is left out.
    pub(crate) y: Vec<String>,
    /// The column that tells series apart; without it there is one.
    pub(crate) by: Option<String>,
    /// Only rows that have this text in this column.
    pub(crate) only: Option<[String; 2]>,
    /// Labels of the axes, with units.
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// The columns with the least and the most of what is in `y`.
    pub(crate) spread: Option<[String; 2]>,
    /// The value of `x` whose bar stands out.
    pub(crate) emphasis: Option<String>,
    /// Whether the numbers are on a logarithmic scale.
    pub(crate) log: bool,
}

/// How a plot shows numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// One line a series, a mark for each number.
    #[default]
    Lines,
    /// A bar for each number, those of one place side by side.
    Bars,
}

impl Part {
    /// Shows it on standard output.
    pub(crate) fn print(&self) {
        println!("{}\n", self.about);
        print!("{}", self.text());
    }

    /// The table alone, its columns lined up.
    fn text(&self) -> String {
        let shown = |row: &Vec<Cell>| row.iter().map(Cell::shown).collect::<Vec<_>>();
        let rows: Vec<_> = self.rows.iter().map(shown).collect();
        table(&self.columns, &rows)
    }

    /// Where a column is.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Whether rows are as wide as the head, and plots name columns that exist.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let width = self.columns.len();
        for (nth, row) in self.rows.iter().enumerate() {
            ensure!(
                row.len() == width,
                "row {} has {} cells, there are {width} columns",
                nth + 1,
                row.len()
            );
        }
        for plot in &self.plots {
            for name in plot.columns() {
                ensure!(
                    self.column(name).is_some(),
                    "the plot {:?} names the column {name:?}, which is not there\nhint: columns are {:?}",
                    plot.title,
                    self.columns
                );
            }
        }
        Ok(())
    }
}

impl Plot {
    /// The columns that it needs.
    fn columns(&self) -> impl Iterator<Item = &String> {
        let only = self.only.iter().map(|[column, _]| column);
        let named = self.x.iter().chain(&self.y).chain(&self.by);
        named.chain(only).chain(self.spread.iter().flatten())
    }
}

impl Cell {
    /// A number, of which four digits are kept.
    pub(crate) fn number(value: f64) -> Self {
        let rounded = format!("{value:.3e}").parse();
        Self::Number(rounded.unwrap_or(value))
    }

    /// A count: no measurement, so all its digits are shown.
    pub(crate) fn count(count: impl ToString) -> Self {
        Self::Text(grouped(&count.to_string()))
    }

    /// A text, or what is to be shown as it is.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The number, if it is one.
    pub(crate) fn value(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// With about three digits, those of thousands in groups.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value) if value.abs() < 9.995 => format!("{value:.2}"),
            Self::Number(value) if value.abs() < 99.95 => format!("{value:.1}"),
            Self::Number(value) => grouped(&format!("{value:.0}")),
        }
    }
}

/// Digits in groups of three: `1,234,567`.
pub(super) fn grouped(number: &str) -> String {
    let digits = number.trim_start_matches('-');
    let mut shown = number[..number.len() - digits.len()].to_owned();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Cell, Part, Plot};

    #[test]
    fn numbers_show_about_three_digits() {
        let shown = |value| Cell::number(value).shown();
        assert_eq!(shown(0.841_23), "0.84");
        assert_eq!(shown(9.996), "10.0");
        assert_eq!(shown(16.04), "16.0");
        assert_eq!(shown(99.97), "100");
        assert_eq!(shown(1_234.4), "1,234");
        assert_eq!(shown(-1_234_567.0), "-1,235,000");
        assert_eq!(Cell::text("a").shown(), "a");
        assert_eq!(Cell::count(16_384).shown(), "16,384");
        assert_eq!(Cell::count(4).shown(), "4");
    }

    #[test]
    fn a_table_that_does_not_fit_is_refused() {
        let mut part = Part {
            title: "T".to_owned(),
            about: String::new(),
            command: String::new(),
            columns: vec!["peer".to_owned(), "rate".to_owned()],
            rows: vec![vec![Cell::text("a"), Cell::number(1.0)]],
            plots: vec![],
        };
        part.check().expect("it fits");
        assert_eq!(part.text(), "peer  rate\na     1.00\n");
        part.plots = vec![Plot {
            y: vec!["speed".to_owned()],
            ..Plot::default()
        }];
        let error = part.check().expect_err("no such column").to_string();
        assert!(error.contains("\"speed\""), "{error}");
        part.plots.clear();
        part.rows[0].pop();
        let error = part.check().expect_err("too short").to_string();
        assert_eq!(error, "row 1 has 1 cells, there are 2 columns");
    }
}
