//! Reading a configuration: its main file, and the files that this includes.
//!
//! In: a path, or texts that have been read already. Out: [`Settings`], or everything that is wrong. Values
//! from outside the files are put in (`substitute`), so that validation sees one kind of text. Not here:
//! what the keys mean (`validate`), which files a pattern matches (`include`).

use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use crate::collector::Collector;
use crate::files::patience::{Files, NO_ANSWER};
use crate::files::{ReadError, read_stream};
use crate::include;
use crate::problem::place::{Place, Source};
use crate::problem::{Problem, Problems};
use crate::settings::{OutsideValues, Settings};
use crate::substitute::{Level, Outside, substitute};
use crate::validate;

/// Largest configuration file accepted, in bytes.
pub(crate) const FILE_SIZE: u64 = 1024 * 1024;

/// A file of a configuration, parsed.
pub(crate) struct Document<'a> {
    pub(crate) source: &'a Arc<Source>,
    /// Folder that relative paths in it start from.
    pub(crate) folder: &'a Path,
    pub(crate) tree: DeTable<'a>,
}

/// Reads and checks the configuration at `path`, and the files that it includes, as some of the `files` of a
/// load.
///
/// `bundled` names the plugins that a chain may name without a `[filter.NAME]` table.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn load(path: &Path, bundled: &[&str], files: &Files) -> Result<Settings, Problems> {
    let bytes = files.read(path, FILE_SIZE);
    let text = bytes.map_err(|error| unreadable(&Place::file(path), error))?;
    let main = source(path, text)?;
    check(folder_of(path), &main, None, files, bundled)
}

/// As [`load`], for a command that reads the configuration once: it may be a pipe, too. Relative paths
/// in a pipe's text start from the working directory.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn load_once(path: &Path, bundled: &[&str]) -> Result<Settings, Problems> {
    let read = read_stream(path, FILE_SIZE);
    let (bytes, is_file) = read.map_err(|error| unreadable(&Place::file(path), error))?;
    let folder = if is_file {
        folder_of(path)
    } else {
        Path::new("")
    };
    let main = source(path, bytes)?;
    check(folder, &main, None, &Files::default(), bundled)
}

/// Checks the text of a configuration. `path` is where it came from: reports name it, and
/// relative paths in it start from its folder. Files that it includes are not read.
///
/// # Errors
/// Everything that is wrong with the text; if it is not TOML, only the first error.
pub fn parse(path: &Path, text: &str, bundled: &[&str]) -> Result<Settings, Problems> {
    let main = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    parse_all(&[Arc::new(main)], bundled)
}

/// Checks the texts of a configuration: the main file, then those that it includes.
///
/// # Errors
/// Everything that is wrong with them.
pub fn parse_all(sources: &[Arc<Source>], bundled: &[&str]) -> Result<Settings, Problems> {
    let Some((main, others)) = sources.split_first() else {
        return Ok(Settings::builtin());
    };
    let folder = folder_of(&main.path);
    check(folder, main, Some(others), &Files::default(), bundled)
}

/// Checks a configuration in whose main file relative paths start from `folder`. `included` are the files
/// that it includes; `None`: they are read.
fn check(
    folder: &Path,
    main: &Arc<Source>,
    included: Option<&[Arc<Source>]>,
    files: &Files,
    bundled: &[&str],
) -> Result<Settings, Problems> {
    let outside = Outside {
        variable: &|name| std::env::var_os(name),
        files,
    };
    let mut problems = Collector::default();
    let mut values = OutsideValues::default();
    let main = document(main, folder, &outside, &mut problems, &mut values)?;
    let others = match included {
        Some(included) => included.to_vec(),
        None => include::read(&main, files, &mut problems),
    };
    let mut documents = vec![main];
    for other in &others {
        let folder = folder_of(&other.path);
        match document(other, folder, &outside, &mut problems, &mut values) {
            Ok(document) => documents.push(document),
            Err(problem) => problems.push(problem),
        }
    }
    // Validation would report the same values again.
    problems.finish()?;
    validate::settings(&documents, values.sorted(), bundled)
}

/// Parses a file and puts in its values from outside.
fn document<'a>(
    source: &'a Arc<Source>,
    folder: &'a Path,
    outside: &Outside<'_>,
    problems: &mut Collector,
    values: &mut OutsideValues,
) -> Result<Document<'a>, Problem> {
    let tree = DeTable::parse(&source.text).map_err(|error| not_toml(source, &error))?;
    let mut tree = tree.into_inner();
    substitute(
        &mut tree,
        Level::File,
        source,
        folder,
        outside,
        problems,
        values,
    );
    Ok(Document {
        source,
        folder,
        tree,
    })
}

/// The report of a text that is not TOML.
pub(crate) fn not_toml(source: &Arc<Source>, error: &toml::de::Error) -> Problem {
    let place = Place::new(source, error.span().unwrap_or(0..0));
    let at = source.text.get(place.start()..).unwrap_or_default();
    if at.starts_with("null") {
        let hint =
            "leave the key out, or write a text; `set_json` of the filter json takes \"null\"";
        return place.problem("TOML has no null", hint);
    }
    let text = format!("this is not TOML: {}", error.message());
    place.problem(text, "the format is described at https://toml.io")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The text of the file at `path`.
///
/// # Errors
/// If it is not UTF-8.
pub(crate) fn source(path: &Path, bytes: Vec<u8>) -> Result<Arc<Source>, Problem> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let what = format!("the configuration is not UTF-8 at byte {at}");
        let hint = "save it as UTF-8 text; is this the right file?";
        Place::file(path).problem(what, hint)
    })?;
    let path = path.to_owned();
    Ok(Arc::new(Source { path, text }))
}

/// The report of a file that was not read.
pub(crate) fn unreadable(place: &Place, error: ReadError) -> Problem {
    let about_descriptors = error.hint_about_descriptors();
    let is_shortage = error.is_shortage();
    let (what, hint) = match error {
        ReadError::System(error) => (
            format!("the configuration cannot be read: {error}"),
            "name a file that exists and that you may read",
        ),
        ReadError::Folder | ReadError::NotRegular => (
            "the configuration is not a regular file".to_owned(),
            "name the .toml file itself",
        ),
        ReadError::TooLarge(_) => (
            "the configuration is too large".to_owned(),
            "a configuration file has at most 1MiB; is this the right file?",
        ),
        ReadError::NoAnswer(error) => (
            format!("the configuration cannot be read: {error}"),
            NO_ANSWER,
        ),
    };
    let problem = place.problem(what, about_descriptors.unwrap_or(hint));
    problem.passing_if(is_shortage)
}
