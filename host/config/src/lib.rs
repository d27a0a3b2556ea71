//! The configuration: from a TOML file to validated settings.
//!
//! In: a file's path, or its text, and the names of the bundled plugins. Out:
//! [`Settings`](settings::Settings), or [`Problems`]: everything that is wrong with it. Not here:
//! watching the file, loading plugins, opening addresses; the code that does so reports a [`Problem`] at
//! the [`Place`] of the key.

mod address;
mod chain_arg;
mod checker;
mod circles;
mod collector;
mod destination;
pub mod diff;
pub mod documents;
mod files;
mod host_port;
mod include;
mod item;
mod json;
pub mod json_pointer;
mod key;
mod keys;
mod keyword;
mod kind;
mod load;
mod malformed;
mod overrides;
mod plugin_ref;
mod printable;
mod problem;
mod schema;
pub mod settings;
mod shape;
mod share;
mod substitute;
mod suggest;
mod tables;
mod units;
mod validate;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod samples;

pub use chain_arg::{ChainArgs, split_chain};
pub use circles::{circles, reaches};
pub use files::inputs::{Content, HeldBack, Input, Inputs, Question, Sighting, Stamp};
#[cfg(unix)]
pub use files::open_regular_in;
pub use files::patience::{Files, NO_ANSWER, NoAnswer};
pub use files::{ReadError, is_shortage, open_regular, read_open, read_regular, read_stream};
pub use host_port::{Host, HostPort};
pub use keyword::Keyword;
pub use load::{load, load_once, parse, parse_all};
pub use malformed::Malformed;
pub use plugin_ref::is_name;
pub use printable::{
    Escape, PRINTABLE, Shown, is_unprintable, printable, printable_json, quote, shown,
};
pub use problem::place::{InnerPlaces, Place, Places, Source};
pub use problem::report::ProblemReport;
pub use problem::{Problem, Problems};
pub use schema::{SCHEMA_MAPS, schema};
pub use suggest::hint as hint_of_names;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::load::FILE_SIZE;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_why_a_file_cannot_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.toml");
        let missing = load(&path, &[], &Files::default())
            .expect_err("missing")
            .to_string();
        assert!(missing.starts_with(&format!(
            "error: {}: the configuration cannot be read: ",
            path.display()
        )));
        std::fs::write(&path, b"a = \"\xff\"").expect("written");
        let binary = load(&path, &[], &Files::default())
            .expect_err("not UTF-8")
            .to_string();
        assert!(binary.contains("not UTF-8 at byte 5"), "{binary}");
        std::fs::write(&path, vec![b'\n'; FILE_SIZE as usize + 1]).expect("written");
        let large = load(&path, &[], &Files::default())
            .expect_err("too large")
            .to_string();
        assert!(large.contains("too large"), "{large}");
    }

    #[test]
    fn an_error_can_cross_threads() {
        fn crosses<T: std::error::Error + Send + Sync + 'static>() {}
        crosses::<Problem>();
        crosses::<Problems>();
    }

    /// Pieces that make random text reach the later checks.
    const PIECES: &[&str] = &[
        "[host]\n",
        "[[listener]]\n",
        "[filter.a]\n",
        "[filter]\n",
        "listener = 1\n",
        "admin",
        "bind",
        "chain",
        "tls",
        "rate",
        "settings",
        "test",
        "size",
        "deadline",
        "name",
        " = ",
        "\"\"",
        "\"unix:\"",
        "\"1s\"",
        "\"é\t\"",
        "{ in = [1] }",
        "[",
        "]",
        "{",
        "}",
        "nan",
        "-1",
        "0x1F",
        "1979-05-27",
        "true",
        "\n",
        "\r\n",
        ",",
        "\u{feff}",
        "\0",
        "'''",
        "#",
    ];

    proptest! {
        #[test]
        fn no_text_breaks_the_loader(text in any::<String>()) {
            if let Err(problems) = parse(Path::new("a.toml"), &text, &["rot13"]) {
                prop_assert!(problems.to_string().starts_with("error: a.toml"));
            }
        }

        #[test]
        fn no_heap_of_pieces_breaks_the_loader(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
            if let Err(problems) = parse(Path::new("a.toml"), &pieces.concat(), &["rot13"]) {
                prop_assert!(problems.iter().all(|problem| !problem.what().is_empty()));
                prop_assert!(problems.to_string().starts_with("error: a.toml"));
            }
        }
    }
}
