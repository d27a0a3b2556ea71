//! Broken plugins.
//!
//! In: guests. Out: entries. Not here: how they are tried (`entries`).

use linemill_tests::guest;

use super::content::Content;
use super::content::Content::{Bytes, Fifo, Folder, Link, Nothing};
use super::entries::{Broken, VALID};

/// Position of the key `plugin` of an entry's filter.
const PLUGIN: &str = "linemill.toml:10:10: ";
/// Line of the key after it.
const NEXT: &str = "linemill.toml:11:";

/// All entries. Those that break the running plugin come last, because it stays broken.
pub(super) fn entries() -> Vec<Broken> {
    let shout = || guest::batch("shout");
    let mut all = vec![
        // Missing, or not a regular file.
        file(
            "missing",
            Nothing,
            &["missing.wasm", "No such file", "check the path"],
        ),
        file(
            "folder",
            Folder,
            &["folder.wasm is a folder", "name the .wasm file itself"],
        ),
        file(
            "fifo",
            Fifo,
            &[
                "fifo.wasm is not a regular file",
                "name the .wasm file itself",
            ],
        ),
        file(
            "zeros",
            Link("/dev/zero".into()),
            &["zeros.wasm is not a regular file"],
        ),
        file(
            "nowhere",
            Link("gone".into()),
            &["nowhere.wasm", "No such file"],
        ),
        file(
            "loop",
            Link("loop.wasm".into()),
            &["loop.wasm", "symbolic link"],
        ),
        file(
            "below",
            Link("live.wasm/below".into()),
            &["below.wasm", "Not a directory"],
        ),
        // Not a component.
        bytes(
            "text",
            b"#!/bin/sh\necho hello\n".to_vec(),
            &["this is not WebAssembly", "linemill build"],
        ),
        bytes("zeroed", vec![0; 4096], &["this is not WebAssembly"]),
        bytes(
            "core",
            guest::core("shout"),
            &[
                "a core WebAssembly module, not a component",
                "linemill build",
            ],
        ),
        bytes(
            "future",
            b"\0asm\x0e\0\x01\0".to_vec(),
            &["invalid component"],
        ),
        bytes("flipped", flipped(shout()), &["invalid component"]),
        bytes("twice", [shout(), shout()].concat(), &["invalid component"]),
        // A component for another world or version.
        bytes(
            "stranger",
            guest::complete("stranger"),
            &[
                "a component of another world",
                "answer",
                "linemill:filter/batch",
            ],
        ),
        bytes(
            "empty-world",
            b"\0asm\x0d\0\x01\0".to_vec(),
            &["it exports nothing", "linemill:filter/batch"],
        ),
        bytes(
            "older",
            version(shout(), "0.0.9"),
            &[
                "linemill:filter/batch@0.0.9; this host speaks linemill:filter@0.1",
                "SDK of this version",
            ],
        ),
        bytes(
            "newer",
            version(shout(), "0.2.0"),
            &[
                "linemill:filter/batch@0.2.0; this host speaks linemill:filter@0.1",
                "SDK of this version",
            ],
        ),
        bytes(
            "next-major",
            version(shout(), "1.0.0"),
            &["linemill:filter/batch@1.0.0; this host speaks"],
        ),
        bytes(
            "older-line",
            version(guest::line("line"), "0.0.1"),
            &["linemill:filter/line@0.0.1; this host speaks"],
        ),
        bytes(
            "newer-line",
            version(guest::line("line"), "0.2.0"),
            &["linemill:filter/line@0.2.0; this host speaks"],
        ),
        bytes(
            "importing",
            guest::importing("clock"),
            &[
                "it imports acme:tools/clock@1.0.0, which nothing grants",
                "grant",
            ],
        ),
        // Does not start.
        bytes(
            "boot-trap",
            guest::batch("boot-trap"),
            &[
                "filter `boot-trap`",
                "unreachable",
                "report it to its author",
            ],
        ),
        bytes(
            "start-trap",
            guest::batch("start-trap"),
            &[
                "filter `start-trap`",
                "unreachable",
                "report it to its author",
            ],
        ),
        with(
            "boot-loop",
            guest::batch("boot-loop"),
            "deadline = \"20ms\"",
            "linemill.toml:11:12: ",
            &["filter `boot-loop`", "deadline"],
        ),
        with(
            "start-loop",
            guest::batch("start-loop"),
            "deadline = \"20ms\"",
            "linemill.toml:11:12: ",
            &["filter `start-loop`", "deadline"],
        ),
        entry(
            "start-error",
            Bytes(guest::batch("start-error")),
            "",
            &[
                "linemill.toml:9:9: ",
                "filter `start-error`",
                "settings.limit: give it a number",
                "the settings it takes",
            ],
        ),
        with(
            "small-memory",
            shout(),
            "memory = \"64KiB\"",
            NEXT,
            &["filter `small-memory`", "raise `memory`"],
        ),
        // Contradicts the configuration.
        with(
            "digest",
            shout(),
            &format!("sha256 = \"{}\"", "0".repeat(64)),
            PLUGIN,
            &[
                "its SHA-256 is ",
                &"0".repeat(64),
                "put the pinned file back",
            ],
        ),
        with(
            "oversized",
            shout(),
            "size = \"1KiB\"",
            PLUGIN,
            &[
                "oversized.wasm is larger than 1024 bytes",
                "raise the filter's `size`",
            ],
        ),
        with(
            "test-differs",
            shout(),
            "test = [ { in = [\"a\"], out = [\"b\"] } ]",
            NEXT,
            &[
                "filter `test-differs`: its test does not hold: [\"a\"] gave [\"A\"], not [\"b\"]",
                "correct the test",
            ],
        ),
        with(
            "test-drops",
            guest::batch("verdicts"),
            "test = [ { in = [\"-a\"], out = [\"a\"] } ]",
            NEXT,
            &["gave [], not [\"a\"]"],
        ),
        with(
            "test-second",
            shout(),
            "test = [ { in = [\"a\"], out = [\"A\"] }, { in = [\"c\"], out = [] } ]",
            "linemill.toml:11:39: ",
            &["gave [\"C\"], not []"],
        ),
        with(
            "test-traps",
            guest::batch("trap"),
            "test = [ { in = [\"a!\"], out = [\"A!\"] } ]",
            NEXT,
            &["its test does not hold"],
        ),
        with(
            "test-spins",
            guest::batch("loop"),
            "deadline = \"20ms\"\ntest = [ { in = [\"a!\"], out = [\"A!\"] } ]",
            "linemill.toml:12:",
            &["its test does not hold"],
        ),
        with(
            "route",
            guest::batch("shout"),
            "[filter.grep]\nplugin = \"grep\"\nsettings = { patern = \"a\" }",
            "linemill.toml:13:",
            &["filter `grep`", "patern"],
        ),
    ];
    let whole = shout();
    all.extend((0..20).map(|nth| {
        let length = nth * (whole.len() - 1) / 19;
        let name = format!("cut-at-{length}");
        // A cut between two sections leaves a valid component with fewer exports.
        bytes(
            &name,
            whole[..length].to_vec(),
            &[&format!("{name}.wasm: ")],
        )
    }));
    // The file of the running plugin.
    all.extend([
        live(
            "live-empty",
            Bytes(Vec::new()),
            &["live.wasm: the file is empty"],
        ),
        live(
            "live-half-written",
            Bytes(half(shout())),
            &["live.wasm: invalid component"],
        ),
        live(
            "live-older",
            Bytes(version(shout(), "0.0.9")),
            &["live.wasm", "@0.0.9; this host speaks"],
        ),
        live(
            "live-trap",
            Bytes(guest::batch("start-trap")),
            &["filter `live`", "unreachable"],
        ),
        live("live-gone", Nothing, &["live.wasm", "No such file"]),
        live("live-folder", Folder, &["live.wasm is a folder"]),
        live("live-fifo", Fifo, &["live.wasm is not a regular file"]),
    ]);
    all
}

/// The valid configuration with another filter at the end of the chain; `content` is its plugin,
/// `more` are further keys.
fn entry(name: &str, content: Content, more: &str, report: &[&str]) -> Broken {
    let chain = VALID.replace("\"live\"", &format!("\"live\", \"{name}\""));
    let config = format!("{chain}[filter.{name}]\nplugin = \"./{name}.wasm\"\n{more}\n");
    let plugin = format!("{name}.wasm");
    Broken::files(
        name,
        [(&plugin, content), ("linemill.toml", Bytes(config.into()))],
        report,
    )
}

/// An entry whose report is about the key `plugin`.
fn file(name: &str, content: Content, report: &[&str]) -> Broken {
    entry(name, content, "", &[&[PLUGIN], report].concat())
}

/// As [`file`], with these bytes as the plugin.
fn bytes(name: &str, bytes: Vec<u8>, report: &[&str]) -> Broken {
    file(name, Bytes(bytes), report)
}

/// A plugin whose filter has further keys; the report is about `place`.
fn with(name: &str, bytes: Vec<u8>, more: &str, place: &str, report: &[&str]) -> Broken {
    entry(name, Bytes(bytes), more, &[&[place], report].concat())
}

/// The running plugin, replaced; the configuration stays valid.
fn live(name: &str, content: Content, report: &[&str]) -> Broken {
    let expected = [&["linemill.toml:8:10: "], report].concat();
    let valid = Bytes(VALID.into());
    Broken::files(
        name,
        [("live.wasm", content), ("linemill.toml", valid)],
        &expected,
    )
}

/// The same component with another version of the interfaces it implements.
fn version(mut component: Vec<u8>, version: &str) -> Vec<u8> {
    const OURS: &[u8] = b"@0.1.0";
    let mut at = 0;
    while let Some(found) = component[at..]
        .windows(OURS.len())
        .position(|part| part == OURS)
    {
        at += found + OURS.len();
        component[at - version.len()..at].copy_from_slice(version.as_bytes());
    }
    assert!(at > 0, "a component names its version");
    component
}

/// The same component with one bit flipped, in the size of its first section.
fn flipped(mut component: Vec<u8>) -> Vec<u8> {
    component[9] ^= 0x40;
    component
}

/// The first half of a component.
fn half(mut component: Vec<u8>) -> Vec<u8> {
    component.truncate(component.len() / 2);
    component
}
