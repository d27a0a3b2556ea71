//! All documentation as one book: `target/book/index.html`.
//!
//! In: the checkout's pages, and mdBook, which is installed into `target/tools` if it is not on
//! `PATH`. Out: HTML. What mdBook reads is staged in `target/book-source`; see `stage`.

mod stage;

use std::{fs, io, path::Path};

use anyhow::{Context as _, Result};

use crate::{
    acquire, pages,
    step::{self, say},
    workspace::Workspace,
};

/// Configuration of mdBook.
const CONFIG: &str = "docs/book.toml";
/// Files of `docs` that pages show.
const IMAGES: [&str; 2] = ["png", "svg"];

/// Checks the pages and builds the book.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    pages::check(workspace)?;
    let mdbook = acquire::mdbook(workspace)?;
    let source = workspace.target().join("book-source");
    write(workspace.root(), &source).context("staging the book")?;
    let out = workspace.target().join("book");
    let mut command = mdbook;
    command
        .arg("build")
        .arg(&source)
        .arg("--dest-dir")
        .arg(&out);
    step::run("building the book", &mut command)?;
    say(&format!("{}", out.join("index.html").display()));
    Ok(())
}

/// Fills `source` anew.
fn write(root: &Path, source: &Path) -> Result<()> {
    match fs::remove_dir_all(source) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let pages = pages::read(root)?;
    for (path, text) in stage::pages(&pages, |path| root.join(path).is_dir()) {
        let file = source.join(path);
        fs::create_dir_all(file.parent().unwrap_or(source))?;
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    fs::copy(root.join(CONFIG), source.join("book.toml")).context(CONFIG)?;
    copy_images(&root.join(pages::DOCS), &source.join(pages::DOCS))
}

fn copy_images(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_images(&path, &to)?;
        } else if path
            .extension()
            .is_some_and(|extension| IMAGES.iter().any(|image| extension == *image))
        {
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            fs::copy(&path, &to).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::write;

    #[test]
    fn the_book_has_every_page_and_image() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        put("README.md", "# Mill\n[guide](docs/guide.md) [code](host)\n");
        put("docs/SUMMARY.md", "# Summary\n\n- [Guide](guide.md)\n");
        put("docs/guide.md", "# Guide\n![plot](bench/a.svg)\n");
        put("docs/bench/a.svg", "<svg/>");
        put("docs/bench/a.json", "{}");
        put("docs/book.toml", "[book]\n");
        for folder in ["examples", "host", "plugins", "tests"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }

        let source = root.path().join("target/book-source");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("old.md"), "of a page that was removed").unwrap();
        write(root.path(), &source).unwrap();

        let read = |path: &str| fs::read_to_string(source.join(path)).unwrap();
        assert!(read("index.md").contains("(docs/guide.md)"));
        assert!(read("index.md").contains("/tree/main/host)"));
        assert!(read("docs/guide.md").contains("(bench/a.svg)"));
        assert_eq!(read("docs/bench/a.svg"), "<svg/>");
        assert_eq!(read("book.toml"), "[book]\n");
        assert!(!source.join("docs/bench/a.json").exists());
        assert!(!source.join("old.md").exists());
    }
}
