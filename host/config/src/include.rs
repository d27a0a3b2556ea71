//! The files that a configuration includes.
//!
//! In: the main file, whose key `include` has patterns such as `conf.d/*.toml`. Out: the files that match,
//! as text, in the order of the patterns, sorted by name within each. A file that matches twice, or that is
//! the main file, is read once. Not here: what is in them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use crate::collector::Collector;
use crate::files::is_shortage;
use crate::files::patience::{Files, NO_ANSWER};
use crate::item::{Item, Table};
use crate::load::{Document, FILE_SIZE, source, unreadable};
use crate::printable::quote;
use crate::problem::Problem;
use crate::problem::place::Source;

/// Most files that one configuration may include.
const MOST: usize = 1_000;
/// How names match. Hidden files do not, because editors and Kubernetes keep copies under such names.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Reads the files that `main` includes. What is wrong with a pattern or a file becomes a problem.
pub(crate) fn read(
    main: &Document<'_>,
    files: &Files,
    problems: &mut Collector,
) -> Vec<Arc<Source>> {
    let file = Table::root(main.source, &main.tree);
    let Some(item) = file.item("include") else {
        return Vec::new();
    };
    let main_path = main.source.path.clone();
    let own = files.ask(&main.source.path, move || identity(&main_path));
    let mut known: BTreeSet<PathBuf> = own.into_iter().collect();
    let mut sources = Vec::new();
    for pattern in problems.keep(item.list()).unwrap_or_default() {
        let found = matching(&pattern, main.folder, files);
        for path in problems.keep(found).unwrap_or_default() {
            let own = path.clone();
            let identity = files.ask(&path, move || identity(&own));
            if !known.insert(identity.unwrap_or_else(|_| path.clone())) {
                continue;
            }
            if sources.len() == MOST {
                let hint = "name fewer files, or put their tables into one";
                problems.push(pattern.refuse(format!("includes more than {MOST} files"), hint));
                return sources;
            }
            let bytes = files.read(&path, FILE_SIZE).map_err(|error| {
                let subject = format!("the included file {}", quote(&path.to_string_lossy()));
                unreadable(&pattern.place, error).of(subject)
            });
            let read = bytes.and_then(|bytes| source(&path, bytes));
            sources.extend(problems.keep(read));
        }
    }
    sources
}

/// The files that match a pattern, sorted by path.
fn matching(pattern: &Item<'_>, folder: &Path, files: &Files) -> Result<Vec<PathBuf>, Problem> {
    let written = pattern.text()?;
    let path = folder.join(written);
    if !is_pattern(written) {
        // Reading it says whether it exists.
        return Ok(vec![path]);
    }
    let whole = if Path::new(written).is_absolute() {
        written.to_owned()
    } else {
        let folder = folder.to_str().ok_or_else(|| {
            let fault = "cannot be looked up in a folder whose name is not UTF-8";
            pattern.refuse(fault, "rename the folder of the configuration")
        })?;
        let whole = Path::new(&Pattern::escape(folder)).join(written);
        whole.to_string_lossy().into_owned()
    };
    Pattern::new(&whole).map_err(|error| {
        let hint = "* and ? match any characters, [ab] one of these, ** folders of any depth";
        pattern.refuse(format_args!("is not a pattern: {}", error.msg), hint)
    })?;
    let start = folder.join(start_of(written));
    let missing = || {
        let hint = "create the folder, which may be empty, or correct the path";
        let shown = quote(&start.to_string_lossy());
        let fault = format!("is in a folder that does not exist: {shown}");
        pattern.refuse(fault, hint)
    };
    let own = start.clone();
    match files.list(&path, move || expand(&own, &whole)) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
        Ok(Err(error)) => {
            let hint = "allow the host to read the folder";
            let problem = pattern.refuse(format_args!("cannot be looked up: {error}"), hint);
            Err(problem.passing_if(is_shortage(&error)))
        }
        Err(error) => {
            let problem = pattern.refuse(format_args!("cannot be looked up: {error}"), NO_ANSWER);
            Err(problem.passing_if(true))
        }
    }
}

/// The folders that a pattern begins with, before its first special character.
fn start_of(pattern: &str) -> PathBuf {
    let parts = Path::new(pattern).components();
    let literal = parts.take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy()));
    literal.collect()
}

/// The paths that match `pattern`, which begins with the folder `start`.
fn expand(start: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    if !start.as_os_str().is_empty() {
        std::fs::metadata(start)?;
    }
    // The pattern has been checked.
    let paths = glob::glob_with(pattern, OPTIONS).into_iter().flatten();
    // One more than allowed shows that there are too many.
    let found = paths.take(MOST + 1).map(|path| {
        path.map_err(|error| {
            let text = error.to_string();
            io::Error::new(io::Error::from(error).kind(), text)
        })
    });
    found.collect()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// What two paths to the same file have in common.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests;
