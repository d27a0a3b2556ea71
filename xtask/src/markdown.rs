//! Links and anchors of a Markdown page, as far as this repository's pages use Markdown.
//!
//! In: a page's text. Out: where its links lead, and the anchors of its headings. Code is skipped:
//! fenced blocks, indented blocks and spans. Not here: files; see `pages`.

use std::{collections::HashMap, ops::Range};

/// The destinations of inline links, images and reference definitions, as ranges of the text.
pub(crate) fn links(text: &str) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    for (start, line) in prose(text) {
        let shifted = |range: Range<usize>| start + range.start..start + range.end;
        if let Some(range) = definition(line) {
            links.push(shifted(range));
            continue;
        }
        let mut at = 0;
        while let Some(rest) = line.get(at..)
            && let Some(found) = rest.find(['`', ']'])
        {
            at += found;
            if line[at..].starts_with('`') {
                at = after_code_span(line, at);
            } else if let Some(after) = line[at..].strip_prefix("](") {
                let open = at + 2;
                let length = after.find([')', ' ']).unwrap_or(after.len());
                links.push(shifted(open..open + length));
                at = open + length;
            } else {
                at += 1;
            }
        }
    }
    links
}

/// The anchors of headings, as GitHub and mdBook make them: lower case, hyphens for spaces, no
/// punctuation, and a number when a heading repeats.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut anchors = Vec::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor = anchor(title.trim());
        let count = seen.entry(anchor.clone()).or_default();
        anchors.push(if *count == 0 {
            anchor
        } else {
            format!("{anchor}-{count}")
        });
        *count += 1;
    }
    anchors
}

fn anchor(title: &str) -> String {
    let mut anchor = String::new();
    let mut rest = title;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        // Of a link, only the text counts.
        if next == ']'
            && let Some(destination) = rest.strip_prefix('(')
            && let Some((_, after)) = destination.split_once(')')
        {
            rest = after;
        } else if next == ' ' {
            anchor.push('-');
        } else if next.is_alphanumeric() || next == '-' || next == '_' {
            anchor.extend(next.to_lowercase());
        }
    }
    anchor
}

/// Lines that are not code, without their line breaks, and where each starts.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut fence = None;
    let mut after_blank = true;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| content.trim_start().starts_with(mark));
        let is_indented = after_blank && content.starts_with("    ");
        if mark.is_some() && (fence.is_none() || fence == mark) {
            fence = if fence.is_none() { mark } else { None };
        } else if fence.is_none() && !is_indented {
            lines.push((start, content));
        }
        // An indented block lasts until a line that is not indented.
        after_blank = content.is_empty() || is_indented;
        start += line.len();
    }
    lines
}

/// Where a line `[name]: destination` leads.
fn definition(line: &str) -> Option<Range<usize>> {
    let (name, rest) = line.strip_prefix('[')?.split_once("]: ")?;
    let start = 1 + name.len() + 3;
    let length = rest.find(' ').unwrap_or(rest.len());
    (!name.contains(']')).then_some(start..start + length)
}

/// The position after the code span that opens at `at`, or after its backticks if it never closes.
fn after_code_span(line: &str, at: usize) -> usize {
    let rest = &line[at..];
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    let inside = at + ticks;
    let mut from = inside;
    while let Some(found) = line[from..].find('`') {
        let close = from + found;
        let run = &line[close..];
        let length = run.len() - run.trim_start_matches('`').len();
        if length == ticks {
            return close + length;
        }
        from = close + length;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::{anchors, links};

    fn destinations(text: &str) -> Vec<&str> {
        links(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn links_images_and_definitions_are_found() {
        let text = "See [a](a.md) and ![plot](b/c.svg \"A plot\"), [d][e].\n\n[e]: https://e.org\n";
        assert_eq!(destinations(text), ["a.md", "b/c.svg", "https://e.org"]);
        assert_eq!(
            destinations("- [`code` and [more]](f.md#top)\n"),
            ["f.md#top"]
        );
    }

    #[test]
    fn code_has_no_links() {
        let text = "`[a](a.md)` and ``b`[c](d)`` [e](f)\n\n```toml\n[x]: y\n[g](h)\n```\n\n    \
                    [i](j)\n\n    [k](l)\n\n- item\n    [m](n)\n";
        assert_eq!(destinations(text), ["f", "n"]);
    }

    #[test]
    fn an_unclosed_code_span_hides_nothing() {
        assert_eq!(destinations("a ` b [c](d)\n"), ["d"]);
    }

    #[test]
    fn anchors_are_those_of_github() {
        let text = "# The `rot13` filter, plain\n## Rates (per line)\n## A [stage](x.md)\n\
                    ```sh\n# no heading\n```\n#hashtag\n## Rates (per line)\n";
        assert_eq!(
            anchors(text),
            [
                "the-rot13-filter-plain",
                "rates-per-line",
                "a-stage",
                "rates-per-line-1"
            ],
        );
    }
}
