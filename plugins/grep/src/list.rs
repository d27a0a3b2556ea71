//! Reads a list of patterns, one in each line of a text.
//!
//! In: a text from the settings, usually that of a file. Out: the patterns with the numbers of their lines,
//! for errors. Not here: what the patterns mean.

/// The patterns of a list, each with its line, from 1. Lines may end with CR LF, and blank ones are ignored.
pub(crate) fn patterns(list: &str) -> impl Iterator<Item = (usize, &str)> {
    // Some editors begin a file with this mark.
    let text = list.strip_prefix('\u{feff}').unwrap_or(list);
    let lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let numbered = (1..).zip(lines);
    numbered.filter(|(_, line)| !line.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn blank_lines_are_ignored() {
        let list = "\u{feff}a\r\n\r\n \t\n b \n\nc";
        let all: Vec<_> = patterns(list).collect();
        assert_eq!(all, [(1, "a"), (4, " b "), (6, "c")]);
        assert_eq!(patterns("").count() + patterns("\r\n").count(), 0);
    }
}
