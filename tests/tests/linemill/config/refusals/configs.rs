//! Configurations that must not go into force, apart from those of `tests/golden/config`: files
//! that are none, settings a filter refuses, and changes that need a restart.

use std::net::TcpListener;
use std::sync::LazyLock;

use super::place::Content;
use super::place::Content::{Fifo, Folder, Link, Nothing};
use super::{Broken, GOOD};

/// An address that somebody else listens on, as long as the tests run.
static TAKEN: LazyLock<(TcpListener, String)> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    (listener, address)
});

/// What an entry that needs a restart says, besides the key.
const RESTART: &str = "this needs a restart";

pub(super) fn entries() -> Vec<Broken> {
    vec![
        // No configuration at all.
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
            &format!("{GOOD}# {}\n", "x".repeat(1 << 20)),
            &["too large", "1MiB"],
        ),
        Broken::config(
            "latin-1",
            [GOOD.as_bytes(), b"# caf\xe9\n"].concat(),
            &["not UTF-8 at byte", "save it as UTF-8"],
        ),
        Broken::config("utf-16", utf16(GOOD), &["not UTF-8 at byte 0"]),
        Broken::config(
            "wasm",
            b"\0asm\x01\0\0\0".to_vec(),
            &["linemill.toml:1:9: this is not TOML"],
        ),
        // Half of one: in the middle of a table, of a string, of a key.
        cut("[filter.", &["linemill.toml:7:", "this is not TOML"]),
        cut("\"./live.w", &["linemill.toml:8:", "this is not TOML"]),
        cut("plug", &["linemill.toml:8:", "this is not TOML"]),
        cut(
            "chain = [\"rot13\", ",
            &["linemill.toml:6:", "this is not TOML"],
        ),
        // A word wrong.
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
        // The filter itself refuses its settings.
        settings(
            "case",
            "to = \"larger\"",
            &["`to`: unknown variant `larger`"],
        ),
        settings("rot13", "by = 14", &["filter `rot13`", "by"]),
        settings("grep", "match = [\"(\"]", &["filter `grep`"]),
        settings(
            "redact",
            "patterns = [\"phone\"]",
            &["`patterns[0]`: unknown variant `phone`"],
        ),
        settings("number", "width = 21", &["filter `number`", "width"]),
        settings("number", "start = \"one\"", &["filter `number`", "start"]),
        // Another certificate than none, and a hop: files that are missing.
        edit(
            "certificate",
            (
                "chain",
                "tls = { cert = \"gone.crt\", key = \"gone.key\" }\nchain",
            ),
            &["linemill.toml:6:", "tls"],
        ),
        // Right by itself, but not while the host runs.
        edit(
            "admin",
            ("admin = \"127.0.0.1:0\"\n", "admin = \"127.0.0.2:0\"\n"),
            &["host: admin", RESTART, "restart linemill"],
        ),
        edit(
            "no-admin",
            ("[host]\nadmin = \"127.0.0.1:0\"\n", ""),
            &["host: admin", RESTART],
        ),
        restart("framing = \"nul\"", "framing \"lf\" -> \"nul\""),
        restart("buffer = \"32KiB\"", "buffer"),
        restart("to = \"tcp://127.0.0.1:9\"", "to "),
        restart("to = \"file:out\"", "to "),
        restart("to_framing = \"crlf\"", "to_framing"),
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

fn text(name: &str, text: &str, says: &[&str]) -> Broken {
    Broken::config(name, text, says)
}

fn file(name: &str, content: Content, says: &[&str]) -> Broken {
    Broken::files(name, [("linemill.toml", content)], says)
}

/// The good configuration with something else in one place.
fn edit(name: &str, (from, to): (&str, &str), says: &[&str]) -> Broken {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD, "{name}");
    Broken::config(name, text, says)
}

/// The good configuration up to this, as when its writer is not done.
fn cut(after: &str, says: &[&str]) -> Broken {
    let at = GOOD.find(after).expect("a part of it") + after.len();
    text(&format!("cut after {after}"), &GOOD[..at], says)
}

/// A filter of the chain with settings.
fn settings(filter: &str, settings: &str, says: &[&str]) -> Broken {
    let chain = GOOD.replace("\"rot13\"", &format!("\"{filter}\""));
    let config = format!("{chain}[filter.{filter}]\nsettings = {{ {settings} }}\n");
    text(
        settings,
        &config,
        &[&["linemill.toml:10:12: "], says].concat(),
    )
}

/// A key of the listener that cannot change while it runs.
fn restart(line: &str, says: &str) -> Broken {
    let place = format!(
        "linemill.toml:6:{}: listener test: ",
        line.find('=').map_or(1, |at| at + 3)
    );
    edit(
        line,
        ("chain", &format!("{line}\nchain")),
        &[&place, says, RESTART, "restart linemill"],
    )
}

/// One more listener.
fn listener(name: &str, keys: &str, says: &[&str]) -> Broken {
    let config = format!("{GOOD}[[listener]]\nname = \"{name}\"\n{keys}chain = []\n");
    text(name, &config, says)
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}
