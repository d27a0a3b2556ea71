//! `rot13` and `case`: filters that change letters.

use super::pipe::{outputs, pipe};

#[test]
fn rot13_rotates_letters_and_nothing_else() {
    let table = "plugin = \"rot13\"";
    outputs(
        table,
        "Hello\nGrüße, 13!\r\n".as_bytes(),
        "Uryyb\nTeüßr, 13!\r\n".as_bytes(),
    );
    outputs(
        table,
        b"\0a\xff\xfe\n\n[`{@\nrest",
        b"\0n\xff\xfe\n\n[`{@\nerfg",
    );
}

#[test]
fn case_has_four_modes() {
    let input = "Hello, wORLD\ndon't, wORLD ÄÖ é1a\n".as_bytes();
    for (settings, output) in [
        ("{ }", "hello, world\ndon't, world ÄÖ é1a\n"),
        ("{ to = \"lower\" }", "hello, world\ndon't, world ÄÖ é1a\n"),
        ("{ to = \"upper\" }", "HELLO, WORLD\nDON'T, WORLD ÄÖ é1A\n"),
        ("{ to = \"swap\" }", "hELLO, World\nDON'T, World ÄÖ é1A\n"),
        ("{ to = \"title\" }", "Hello, World\nDon't, World ÄÖ é1a\n"),
    ] {
        outputs(
            &format!("plugin = \"case\"\nsettings = {settings}"),
            input,
            output.as_bytes(),
        );
    }
    pipe("plugin = \"case\"\nsettings = { to = \"camel\" }", b"")
        .failure()
        .stderr_has(&["c.toml:3", "camel", "title"]);
}
