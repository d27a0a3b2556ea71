//! The checkout's pages as mdBook reads them. Pure.
//!
//! In: the pages. Out: the same pages at the same paths, so that links between them hold, except
//! that README.md becomes index.md, the name of a folder's first page in a book; and one table of
//! contents for all. Links to files that are not in the book lead to the repository instead.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    markdown,
    pages::{DOCS, Pages, SUMMARY, local},
};

/// Where links to source files lead.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
/// The first page of the book.
const FIRST: &str = "README.md";
/// Top-level pages about the project, in this order. All other pages outside of `docs` follow.
const PROJECT: [&str; 3] = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/// The book's files: text by path.
pub(super) fn pages(pages: &Pages, is_folder: impl Fn(&Path) -> bool) -> BTreeMap<PathBuf, String> {
    let summary = Path::new(SUMMARY);
    let mut staged: BTreeMap<_, _> = pages
        .iter()
        .filter(|(path, _)| *path != summary)
        .map(|(path, text)| {
            let text = relink(text, |link| in_book(pages, &is_folder, path, link));
            (index(path), text)
        })
        .collect();
    staged.insert("SUMMARY.md".into(), contents(pages));
    staged
}

/// A link as it reads in the book; `None` if it stays.
fn in_book(
    pages: &Pages,
    is_folder: impl Fn(&Path) -> bool,
    page: &Path,
    link: &str,
) -> Option<String> {
    let (path, _) = local(page, link)?;
    let path = path?;
    if pages.contains_key(&path) {
        return link
            .contains(FIRST)
            .then(|| link.replace(FIRST, "index.md"));
    }
    // Images are copied along.
    if path.starts_with(DOCS) && path.extension().is_some() {
        return None;
    }
    let kind = if is_folder(&path) { "tree" } else { "blob" };
    Some(format!("{REPOSITORY}/{kind}/main/{}", path.display()))
}

/// The table of contents: the first page, those that `docs/SUMMARY.md` lists, then all others.
fn contents(pages: &Pages) -> String {
    let summary = Path::new(SUMMARY);
    let text = pages.get(summary).map_or("", String::as_str);
    let body = text.trim_start().strip_prefix("# Summary").unwrap_or(text);
    let target = |link: &str| local(summary, link)?.0;
    let listed: BTreeSet<_> = markdown::links(body)
        .into_iter()
        .filter_map(|range| target(&body[range]))
        .collect();
    let body = relink(body, |link| {
        Some(index(&target(link)?).to_string_lossy().into_owned())
    });
    let row = |path: &Path| {
        let text = pages.get(path).filter(|_| !listed.contains(path))?;
        Some(format!("[{}]({})\n", title(text)?, index(path).display()))
    };
    let first = row(Path::new(FIRST)).unwrap_or_default();
    let others = pages
        .keys()
        .filter(|path| !path.starts_with(DOCS) && path.components().count() > 1);
    let project: String = PROJECT
        .into_iter()
        .map(Path::new)
        .chain(others.map(PathBuf::as_path))
        .filter_map(|path| {
            Some(format!(
                "{}- {}",
                "  ".repeat(depth(pages, path)),
                row(path)?
            ))
        })
        .collect();
    format!(
        "# Summary\n\n{first}\n{}\n\n# The project\n\n{project}",
        body.trim()
    )
}

/// How many pages a page is below: the README of each folder around it.
fn depth(pages: &Pages, path: &Path) -> usize {
    path.ancestors()
        .skip(1)
        .map(|folder| folder.join(FIRST))
        .filter(|readme| readme != path && readme != Path::new(FIRST))
        .filter(|readme| pages.contains_key(readme))
        .count()
}

/// The first heading.
fn title(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("# "))
}

/// The path in the book.
fn index(path: &Path) -> PathBuf {
    if path.file_name().is_some_and(|name| name == FIRST) {
        path.with_file_name("index.md")
    } else {
        path.to_owned()
    }
}

/// Replaces the links for which there is a replacement.
fn relink(text: &str, replacement: impl Fn(&str) -> Option<String>) -> String {
    let mut linked = String::with_capacity(text.len());
    let mut copied = 0;
    for range in markdown::links(text) {
        if let Some(link) = replacement(&text[range.clone()]) {
            linked.push_str(&text[copied..range.start]);
            linked.push_str(&link);
            copied = range.end;
        }
    }
    linked.push_str(&text[copied..]);
    linked
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{REPOSITORY, pages};
    use crate::pages::Pages;

    fn checkout() -> Pages {
        [
            (
                "README.md",
                "# Mill\n[a](docs/a.md#one) [code](host) [sample](config/a.toml)\n",
            ),
            ("CHANGELOG.md", "# Changelog\n"),
            (
                "docs/SUMMARY.md",
                "# Summary\n\n# Use\n\n- [A](a.md)\n  - [Why](why/README.md)\n",
            ),
            (
                "docs/a.md",
                "# A\n[up](../README.md#mill) ![plot](a.svg) [b](why/README.md)\n",
            ),
            ("docs/why/README.md", "# Why\n"),
            ("plugins/README.md", "# Filters\n"),
            ("plugins/rot13/README.md", "# rot13\n"),
        ]
        .map(|(path, text)| (path.into(), text.to_owned()))
        .into()
    }

    #[test]
    fn links_lead_to_pages_of_the_book_or_to_the_repository() {
        let book = pages(&checkout(), |path| path == Path::new("host"));
        assert_eq!(
            book[Path::new("index.md")],
            format!(
                "# Mill\n[a](docs/a.md#one) [code]({REPOSITORY}/tree/main/host) \
                 [sample]({REPOSITORY}/blob/main/config/a.toml)\n"
            ),
        );
        assert_eq!(
            book[Path::new("docs/a.md")],
            "# A\n[up](../index.md#mill) ![plot](a.svg) [b](why/index.md)\n",
        );
    }

    #[test]
    fn the_table_of_contents_has_every_page_once() {
        let book = pages(&checkout(), |_| false);
        assert_eq!(
            book[Path::new("SUMMARY.md")],
            "# Summary\n\n[Mill](index.md)\n\n# Use\n\n- [A](docs/a.md)\n  - [Why](docs/why/index.md)\
             \n\n# The project\n\n- [Changelog](CHANGELOG.md)\n- [Filters](plugins/index.md)\n  - \
             [rot13](plugins/rot13/index.md)\n",
        );
        assert!(!book.contains_key(Path::new("docs/SUMMARY.md")));
    }
}
