//! The report as Markdown. All of it comes from the results file; prose that people write is in a
//! file of its own, which the report links, so that nothing is lost when it is made again.

use std::fmt::Write as _;

use super::{Cell, Part, Results, target};

/// The whole report; `folder` is where plots and notes are, seen from the report.
pub(crate) fn markdown(results: &Results, folder: &str) -> String {
    let mut text = format!(
        "<!-- Made by `cargo xtask bench report` from {folder}/results.json. Write into {folder}/notes.md instead. -->\n\
         # How fast it is\n\n\
         Every figure here was measured by one program, which checks every byte that comes back and \
         reports nothing when one is wrong. Peers take turns, round by round, so that whatever the \
         machine does besides meets all of them; figures are medians of the rounds, and a ratio is the \
         median of the ratios within single rounds. Servers and clients share the cores of one machine: \
         absolute figures mean little elsewhere, ratios more.\n\n\
         What was tried and did not help, and what profiles show: [notes]({folder}/notes.md).\n"
    );
    if let Some(machine) = &results.machine {
        text += "\n## The machine\n\n";
        text += &table(&["", ""], &machine.rows());
    }
    if !results.command.is_empty() {
        let _ = write!(
            text,
            "\nThis measures again and writes this page: `{}`\n",
            results.command
        );
    }
    let targets = target::rows(results);
    if !targets.is_empty() {
        text += "\n## What must hold\n\n";
        text += &table(&target::HEAD, &targets);
    }
    for (name, part) in results.ordered() {
        text += &section(name, part, folder);
    }
    text
}

fn section(name: &str, part: &Part, folder: &str) -> String {
    let mut text = format!("\n## {}\n\n{}\n", part.title, part.about);
    for (file, plot) in plots(name, part) {
        let title = plot.title.replace(['[', ']'], "");
        let _ = write!(text, "\n![{title}]({folder}/{file})\n");
    }
    let rows: Vec<Vec<String>> = part
        .rows
        .iter()
        .map(|row| row.iter().map(Cell::shown).collect())
        .collect();
    text += "\n";
    text += &table(&part.columns, &rows);
    if !part.command.is_empty() {
        let _ = write!(text, "\nAlone: `{}`\n", part.command);
    }
    text
}

/// The file of each plot of a part.
pub(crate) fn plots<'a>(
    name: &'a str,
    part: &'a Part,
) -> impl Iterator<Item = (String, &'a super::Plot)> {
    let file = move |nth| match nth {
        0 => format!("{name}.svg"),
        nth => format!("{name}-{}.svg", nth + 1),
    };
    part.plots
        .iter()
        .enumerate()
        .map(move |(nth, plot)| (file(nth), plot))
}

/// A table: columns of which all cells are numbers go to the right.
fn table<S: AsRef<str>>(head: &[S], rows: &[impl AsRef<[String]>]) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let line = |cells: &mut dyn Iterator<Item = String>| {
        cells.fold("|".to_owned(), |line, cell| line + " " + &cell + " |") + "\n"
    };
    let number = |text: &str| {
        let plain = text.replace(',', "");
        text.is_empty() || plain.parse::<f64>().is_ok()
    };
    let right = |column: usize| rows.iter().all(|row| number(&row.as_ref()[column]));
    let rules = (0..head.len()).map(|column| if right(column) { "--:" } else { "---" });
    let mut text = line(&mut head.iter().map(|name| cell(name.as_ref())));
    text += &line(&mut rules.map(str::to_owned));
    for row in rows {
        text += &line(&mut row.as_ref().iter().map(|text| cell(text)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::markdown;
    use crate::document::Results;

    #[test]
    fn a_part_of_any_name_becomes_a_section() {
        let results: Results = serde_json::from_str(
            r#"{ "command": "cargo xtask bench report", "parts": { "engines": {
                "title": "Other engines", "about": "The same filter.", "command": "run it",
                "columns": ["engine", "ns/line"],
                "rows": [["linemill", 16.04], ["a|b", 7980.0]],
                "plots": [{ "title": "Cost", "y": ["ns/line"], "x": "engine" }]
            } } }"#,
        )
        .expect("it is JSON of that form");
        let text = markdown(&results, "bench");
        let section = "\n## Other engines\n\nThe same filter.\n\n![Cost](bench/engines.svg)\n\n\
             | engine | ns/line |\n| --- | --: |\n| linemill | 16.0 |\n| a\\|b | 7,980 |\n\nAlone: `run it`\n";
        assert!(text.ends_with(section), "{text}");
        assert!(text.contains("again and writes this page: `cargo xtask bench report`\n"));
        assert!(!text.contains("What must hold") && !text.contains("The machine"));
    }
}
