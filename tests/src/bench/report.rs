//! Formats a table for a terminal.

/// Rows under a head. The first column is aligned left, all others right.
pub(crate) fn table<S: AsRef<str>>(head: &[S], rows: &[impl AsRef<[String]>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row.as_ref()[column].chars().count());
        let head = head[column].as_ref().chars().count();
        cells.chain([head]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    let rows = rows
        .iter()
        .map(|row| line(&mut row.as_ref().iter().map(String::as_str)));
    [line(&mut head.iter().map(AsRef::as_ref))]
        .into_iter()
        .chain(rows)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up() {
        let rows = [
            ["native".to_owned(), "1.00".to_owned()],
            ["it".to_owned(), "10.00".to_owned()],
        ];
        assert_eq!(
            table(&["peer", "rate"], &rows),
            "peer     rate\nnative   1.00\nit      10.00\n"
        );
    }
}
