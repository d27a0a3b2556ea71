//! The known name nearest to a mistyped one.
//!
//! In: a name and the names that exist. Out: the hint of a report.

/// The name that a user most likely meant; `None` if no name is similar.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let near = |other: &str| distance(&name, &other.to_lowercase());
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|other| (near(other), other))
        .filter(|(far, _)| *far <= allowed)
        .min()
        .map(|(_, other)| other)
}

/// `did you mean …? noun: a, b, c`, as far as it applies.
pub fn hint(name: &str, noun: &str, known: &[&str]) -> String {
    let list: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
    let list = format!(
        "{noun}: {}",
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        }
    );
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? {list}"),
        None => list,
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    // `rows[i][j]`: distance of the first i of `a` to the first j of `b`.
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_slip_of_a_finger() {
        let known = ["max_line", "max_connections", "bind"];
        assert_eq!(nearest("max_lines", known), Some("max_line"));
        assert_eq!(nearest("MAXLINE", known), Some("max_line"));
        assert_eq!(nearest("bnid", known), Some("bind"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn hint_lists_what_there_is() {
        assert_eq!(
            hint("lff", "known", &["lf", "nul"]),
            "did you mean `lf`? known: `lf`, `nul`"
        );
        assert_eq!(hint("x", "filters", &[]), "filters: none");
    }
}
