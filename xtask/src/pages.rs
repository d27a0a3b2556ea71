//! The documentation's pages, and whether they hold together.
//!
//! In: the Markdown files of the checkout. Out: nothing, or a line per link that leads nowhere and
//! per page that the table of contents lacks. Links to other sites are not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::{markdown, workspace::Workspace};

/// Folder of the pages that the table of contents lists.
pub(crate) const DOCS: &str = "docs";
/// The table of contents, as [mdBook](https://rust-lang.github.io/mdBook/format/summary.html)
/// reads it.
pub(crate) const SUMMARY: &str = "docs/SUMMARY.md";
/// Folders whose Markdown files are pages too, at any depth; "" is the top level alone.
const FOLDERS: [&str; 4] = ["", "examples", "plugins", "tests"];
/// Folders that hold no pages: what tools made, and inputs of tests.
const SKIPPED: [&str; 4] = ["target", "corpus", "golden", "artifacts"];

/// Text of each page, by its path in the checkout.
pub(crate) type Pages = BTreeMap<PathBuf, String>;

/// Reads all pages.
pub(crate) fn read(root: &Path) -> Result<Pages> {
    let mut paths = Vec::new();
    for folder in FOLDERS.into_iter().chain([DOCS]) {
        collect(root, Path::new(folder), !folder.is_empty(), &mut paths)
            .with_context(|| format!("listing {}", root.join(folder).display()))?;
    }
    let text = |path: PathBuf| {
        let file = root.join(&path);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok((path, text))
    };
    paths.into_iter().map(text).collect()
}

fn collect(root: &Path, folder: &Path, deep: bool, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = folder.join(&name);
        if entry.file_type()?.is_dir() {
            if deep && SKIPPED.iter().all(|skipped| name != *skipped) {
                collect(root, &path, deep, paths)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Checks links and the table of contents.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let pages = read(workspace.root())?;
    let mut problems = broken(&pages, |path| workspace.root().join(path).exists());
    problems.extend(unlisted(&pages));
    if !problems.is_empty() {
        bail!("documentation:\n{}", problems.join("\n"));
    }
    Ok(())
}

/// Links that lead to no file, or to no heading of a page.
fn broken(pages: &Pages, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (page, text) in pages {
        for range in markdown::links(text) {
            let link = &text[range.clone()];
            let Some((path, anchor)) = local(page, link) else {
                continue;
            };
            let line = text[..range.start].matches('\n').count() + 1;
            let place = format!("  {}:{line}: {link}", page.display());
            match (path, anchor) {
                (None, _) => problems.push(format!("{place} leads out of the checkout")),
                (Some(path), _) if !exists(&path) => {
                    problems.push(format!("{place} leads to no file"));
                }
                (Some(path), Some(anchor))
                    if pages.get(&path).is_some_and(|text| {
                        !markdown::anchors(text).iter().any(|a| a == anchor)
                    }) =>
                {
                    problems.push(format!("{place} leads to no heading"));
                }
                _ => {}
            }
        }
    }
    problems
}

/// Where a link within the checkout leads: the file, unless that is outside, and the heading.
/// `None` for links to other sites.
pub(crate) fn local<'a>(page: &Path, link: &'a str) -> Option<(Option<PathBuf>, Option<&'a str>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (link, None),
    };
    let target = if path.is_empty() {
        page.to_owned()
    } else {
        page.parent().unwrap_or(Path::new("")).join(path)
    };
    Some((normal(&target), anchor))
}

/// The path without `.` and `..`; `None` if it starts outside of the checkout.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

/// Pages of `docs` that the table of contents does not list.
fn unlisted(pages: &Pages) -> Vec<String> {
    let summary = Path::new(SUMMARY);
    let Some(text) = pages.get(summary) else {
        return vec![format!("  {SUMMARY} is missing")];
    };
    let listed: BTreeSet<_> = markdown::links(text)
        .into_iter()
        .filter_map(|range| local(summary, &text[range])?.0)
        .collect();
    pages
        .keys()
        .filter(|page| page.starts_with(DOCS) && *page != summary && !listed.contains(*page))
        .map(|page| format!("  {} is not listed in {SUMMARY}", page.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Pages, broken, unlisted};

    fn pages(pages: &[(&str, &str)]) -> Pages {
        pages
            .iter()
            .map(|(path, text)| (path.into(), (*text).to_owned()))
            .collect()
    }

    fn broken_of(readme: &str) -> Vec<String> {
        let pages = pages(&[
            ("README.md", readme),
            ("docs/a.md", "# One\n[up](../README.md)\n"),
        ]);
        broken(&pages, |path| {
            pages.contains_key(path) || path == Path::new("LICENSE")
        })
    }

    #[test]
    fn links_to_files_headings_and_sites_hold() {
        let readme = "# Top\n[a](docs/a.md) [b](docs/a.md#one) [c](#top) [d](LICENSE)\n\
                      [e](https://example.org/x) [f](./docs/../docs/a.md)\n";
        assert_eq!(broken_of(readme), [""; 0]);
    }

    #[test]
    fn broken_links_are_reported_with_their_line() {
        assert_eq!(
            broken_of("\n[a](docs/b.md)\n[b](docs/a.md#two)\n[c](../x)\n"),
            [
                "  README.md:2: docs/b.md leads to no file",
                "  README.md:3: docs/a.md#two leads to no heading",
                "  README.md:4: ../x leads out of the checkout",
            ],
        );
    }

    #[test]
    fn the_table_of_contents_lists_every_page_of_docs() {
        let listing = |summary| {
            unlisted(&pages(&[
                ("README.md", ""),
                ("docs/SUMMARY.md", summary),
                ("docs/a.md", ""),
                ("docs/deep/b.md", ""),
            ]))
        };
        assert_eq!(listing("- [A](a.md)\n  - [B](deep/b.md)\n"), [""; 0]);
        assert_eq!(
            listing("- [A](a.md)\n"),
            ["  docs/deep/b.md is not listed in docs/SUMMARY.md"],
        );
    }
}
