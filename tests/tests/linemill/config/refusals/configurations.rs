//! Broken configurations other than those of `tests/golden/config`: things that are not files, settings
//! that a filter refuses, changes that need a restart.
//!
//! In: nothing. Out: entries. Not here: how they are tried (`entries`).

use std::net::TcpListener;
use std::sync::LazyLock;

use super::content::Content;
use super::content::Content::{Fifo, Folder, Link, Nothing};
use super::entries::{Broken, VALID};

/// An address in use, for as long as the tests run.
static TAKEN: LazyLock<(TcpListener, String)> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    (listener, address)
});

/// The report of a change that needs a restart contains this, besides the key.
const RESTART: &str = "this needs a restart";

/// All entries.
pub(super) fn entries() -> Vec<Broken> {
    vec![
        // Not a regular file, or not text.
        file(
            "missing",
            Nothing,
            &["cannot be read: No such file", "name a file that exists"],
        ),
        file(
            "folder",
            Folder,
            &[
                "linemill.toml: the configuration is not a regular file",
                "name the .toml file itself",
            ],
        ),
        file(
            "fifo",
            Fifo,
            &[
                "linemill.toml: the configuration is not a regular file",
                "name the .toml file itself",
            ],
        ),
        file(
            "zeros",
            Link("/dev/zero".into()),
            &[
                "linemill.toml: the configuration is not a regular file",
                "name the .toml file itself",
            ],
        ),
        file(
            "link-loop",
            Link("linemill.toml".into()),
            &["cannot be read: Too many levels of symbolic links"],
        ),
        file(
            "link-nowhere",
            Link("gone.toml".into()),
            &["cannot be read: No such file"],
        ),
        text("empty", "", &["listener"]),
        text("blank", "\n \n# nothing\n", &["listener"]),
        text("no-listener", "[filter.rot13]\n", &["listener"]),
        text(
            "too-large",
            &format!("{VALID}# {}\n", "x".repeat(1 << 20)),
            &["too large", "1MiB"],
        ),
        Broken::config(
            "latin-1",
            [VALID.as_bytes(), b"# caf\xe9\n"].concat(),
            &["not UTF-8 at byte", "save it as UTF-8"],
        ),
        Broken::config("utf-16", utf16(VALID), &["not UTF-8 at byte 0"]),
        Broken::config(
            "wasm",
            b"\0asm\x01\0\0\0".to_vec(),
            &["linemill.toml:1:9: this is not TOML"],
        ),
        // Cut off in the middle of a table, a string, a key.
        cut("[filter.", &["linemill.toml:7:", "this is not TOML"]),
        cut("\"./live.w", &["linemill.toml:8:", "this is not TOML"]),
        cut("plug", &["linemill.toml:8:", "this is not TOML"]),
        cut(
            "chain = [\"rot13\", ",
            &["linemill.toml:6:", "this is not TOML"],
        ),
        // One wrong word.
        edit(
            "key",
            ("chain =", "chian ="),
            &[
                "linemill.toml:6:1: unknown key `chian` of listener `test`",
                "did you mean `chain`?",
            ],
        ),
        edit(
            "type",
            ("\"test\"\n", "7\n"),
            &["linemill.toml:4:8: key `name`", "`7`"],
        ),
        edit(
            "filter",
            ("\"rot13\"", "\"rot31\""),
            &[
                "linemill.toml:6:10: ",
                "`rot31` is not a filter",
                "did you mean `rot13`?",
            ],
        ),
        edit(
            "unit",
            ("chain", "max_line = \"16 parsecs\"\nchain"),
            &["linemill.toml:6:12: key `max_line`", "16 parsecs"],
        ),
        edit(
            "plugin",
            ("./live.wasm", "rot31"),
            &["linemill.toml:8:", "rot31"],
        ),
        // Settings that the schema of the plugin does not allow, or that the filter itself refuses.
        settings(
            "case",
            "to = \"larger\"",
            &["10:19: key `settings.to` of filter `case`: `larger` is not one of the choices"],
        ),
        settings(
            "rot13",
            "by = 14",
            &["10:14: unknown key `by` of `settings` of filter `rot13`"],
        ),
        settings(
            "grep",
            "match = [\"(\"]",
            &["10:14: unknown key `match` of `settings` of filter `grep`"],
        ),
        settings(
            "grep",
            "keep = [\"(\"]",
            &["10:22: filter `grep`: it refuses its settings: `keep[0]`"],
        ),
        settings(
            "redact",
            "patterns = [\"phones\"]",
            &["10:26: key `settings.patterns[0]` of filter `redact`: `phones` is not"],
        ),
        settings(
            "number",
            "width = 21",
            &["10:22: key `settings.width` of filter `number`"],
        ),
        settings(
            "number",
            "start = \"one\"",
            &["10:22: key `settings.start` of filter `number`"],
        ),
        // A certificate whose files are missing.
        edit(
            "certificate",
            (
                "chain",
                "tls = { cert = \"gone.crt\", key = \"gone.key\" }\nchain",
            ),
            &["linemill.toml:6:", "tls"],
        ),
        // Valid, but not while the host runs.
        edit(
            "stack",
            ("[host]\n", "[host]\nstack = \"1MiB\"\n"),
            &["host: stack", RESTART, "restart linemill"],
        ),
        listener(
            "taken",
            &format!("bind = \"{}\"\n", TAKEN.1),
            &[
                "linemill.toml:11:8: listener `taken`: cannot listen on ",
                &TAKEN.1,
                "Address already in use",
                "another program listens there",
            ],
        ),
        listener(
            "folder-bind",
            "bind = \"unix:.\"\n",
            &[
                "linemill.toml:11:8: listener `folder-bind`: . is a folder",
                "choose another path",
            ],
        ),
        listener(
            "test",
            "bind = \"127.0.0.1:0\"\n",
            &["linemill.toml:10:8: ", "test"],
        ),
    ]
}

fn text(name: &str, text: &str, report: &[&str]) -> Broken {
    Broken::config(name, text, report)
}

fn file(name: &str, content: Content, report: &[&str]) -> Broken {
    Broken::files(name, [("linemill.toml", content)], report)
}

/// The valid configuration with one replacement.
fn edit(name: &str, (from, to): (&str, &str), report: &[&str]) -> Broken {
    let text = VALID.replacen(from, to, 1);
    assert_ne!(text, VALID, "{name}");
    Broken::config(name, text, report)
}

/// The valid configuration up to and including `after`, as if it were only half written.
fn cut(after: &str, report: &[&str]) -> Broken {
    let at = VALID.find(after).expect("a part of the configuration") + after.len();
    text(&format!("cut after {after}"), &VALID[..at], report)
}

/// The valid configuration with this filter instead of `rot13`, with settings.
fn settings(filter: &str, settings: &str, report: &[&str]) -> Broken {
    let chain = VALID.replace("\"rot13\"", &format!("\"{filter}\""));
    let config = format!("{chain}[filter.{filter}]\nsettings = {{ {settings} }}\n");
    text(
        settings,
        &config,
        &[&["linemill.toml:10:"], report].concat(),
    )
}

/// The valid configuration with another listener.
fn listener(name: &str, keys: &str, report: &[&str]) -> Broken {
    let config = format!("{VALID}[[listener]]\nname = \"{name}\"\n{keys}chain = []\n");
    text(name, &config, report)
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}
