//! A table of the document, and its plots.
//!
//! In: names of columns, and rows, from this bench or another program. Out: text, and cells for others
//! to show. Numbers keep four digits, since more would be noise and change with every measurement.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::report::table;

/// A table with its heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// The heading.
    pub(crate) title: String,
    /// A paragraph of Markdown that says what was measured, and how.
    pub(crate) about: String,
    /// The command that measures it again; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) command: String,
    /// Names of the columns, with units.
    pub(crate) columns: Vec<String>,
    /// Rows with one cell per column.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Plots of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) plots: Vec<Plot>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    /// A measured number.
    Number(f64),
    /// A text, such as a name, or a count that was not measured.
    Text(String),
}

/// A plot of a table's columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Plot {
    /// The heading.
    pub(crate) title: String,
    pub(crate) kind: Kind,
    /// The column whose values are the places along the axis, in the order of the rows. Without it, the
    /// places are the names of the columns in `y`.
    pub(crate) x: Option<String>,
    /// The column with the numbers; several only without `x`.
    pub(crate) y: Vec<String>,
    /// The column that names the series; without it there is one series.
    pub(crate) by: Option<String>,
    /// Restricts the plot to rows with this text in this column.
    pub(crate) only: Option<[String; 2]>,
    /// Label of the axis of places, with its unit.
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// The columns with the lowest and the highest value of the numbers in `y`.
    pub(crate) spread: Option<[String; 2]>,
    /// The value of `x` whose bar is emphasised.
    pub(crate) emphasis: Option<String>,
    /// Whether the scale of the numbers is logarithmic.
    pub(crate) log: bool,
}

/// The form of a plot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A line per series, with a mark per number.
    #[default]
    Lines,
    /// A bar per number, grouped by place.
    Bars,
}

impl Part {
    /// Prints it on standard output.
    pub(crate) fn print(&self) {
        println!("{}\n", self.about);
        print!("{}", self.text());
    }

    /// The table alone, with aligned columns.
    fn text(&self) -> String {
        let shown = |row: &Vec<Cell>| row.iter().map(Cell::shown).collect::<Vec<_>>();
        let rows: Vec<_> = self.rows.iter().map(shown).collect();
        table(&self.columns, &rows)
    }

    /// The index of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Checks that rows are as wide as the head, and that plots name existing columns.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let width = self.columns.len();
        for (nth, row) in self.rows.iter().enumerate() {
            ensure!(
                row.len() == width,
                "row {} has {} cells, but there are {width} columns",
                nth + 1,
                row.len()
            );
        }
        for plot in &self.plots {
            for name in plot.columns() {
                ensure!(
                    self.column(name).is_some(),
                    "the plot {:?} names the unknown column {name:?}\nhint: the columns are {:?}",
                    plot.title,
                    self.columns
                );
            }
        }
        Ok(())
    }
}

impl Plot {
    /// The columns that the plot names.
    fn columns(&self) -> impl Iterator<Item = &String> {
        let only = self.only.iter().map(|[column, _]| column);
        let named = self.x.iter().chain(&self.y).chain(&self.by);
        named.chain(only).chain(self.spread.iter().flatten())
    }
}

impl Cell {
    /// A number, rounded to four digits.
    pub(crate) fn number(value: f64) -> Self {
        let rounded = format!("{value:.3e}").parse();
        Self::Number(rounded.unwrap_or(value))
    }

    /// A count, shown with all its digits because it was not measured.
    pub(crate) fn count(count: impl ToString) -> Self {
        Self::Text(grouped(&count.to_string()))
    }

    /// A text, shown as it is.
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

    /// The number with about three digits, in groups of thousands.
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
    fn invalid_tables_are_refused() {
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
        assert_eq!(error, "row 1 has 1 cells, but there are 2 columns");
    }
}
