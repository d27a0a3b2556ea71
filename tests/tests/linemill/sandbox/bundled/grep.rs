//! `grep`: which lines it keeps, drops, or sends by a route.

use linemill_tests::{Folder, run};

use super::pipe::{outputs, pipe};

#[test]
fn keeps_and_drops() {
    let log = b"ERROR disk full\nWARN  GET /healthz slow\nINFO  started\nWARN  late\r\nerror x\n";
    outputs(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\", \"^WARN\"], drop = [\"/healthz\"] }",
        log,
        b"ERROR disk full\nWARN  late\r\n",
    );
    outputs(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], ignore_case = true }",
        log,
        b"ERROR disk full\nerror x\n",
    );
    outputs(
        "plugin = \"grep\"\nsettings = { drop = [\"^(WARN|INFO)\"] }",
        log,
        b"ERROR disk full\nerror x\n",
    );
}

#[test]
fn takes_literal_texts() {
    outputs(
        "plugin = \"grep\"\nsettings = { drop = [\"a.c\", \"(\"], literal = true }",
        b"a.c\nabc\nf(x)\nlast",
        b"abc\nlast",
    );
}

#[test]
fn passes_all_lines_if_its_route_is_not_configured() {
    outputs(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], route = \"errors\" }",
        b"ERROR disk full\nINFO  started\r\nlast",
        b"ERROR disk full\nINFO  started\r\nlast",
    );
    // In a test of the filter, routed lines leave the output.
    outputs(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], route = \"errors\" }\n\
         test = [{ in = [\"ERROR x\", \"INFO y\"], out = [\"INFO y\"] }]",
        b"ERROR z\n",
        b"ERROR z\n",
    );
    pipe(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], route = \"a b\" }",
        b"",
    )
    .failure()
    .stderr_has(&["c.toml:3", "`a b` is not a valid route name"]);
}

#[test]
fn requires_a_valid_pattern() {
    pipe("plugin = \"grep\"", b"x\n").failure().stderr_has(&[
        "c.toml:1",
        "`keep` or `drop`",
        "needs a pattern",
    ]);
    let folder = Folder::new();
    run(folder.path(), ["pipe", "grep"], b"x\n")
        .failure()
        .stderr_has(&["`grep`", "needs a pattern"]);
    pipe("plugin = \"grep\"\nsettings = { keep = [\"(\"] }", b"x\n")
        .failure()
        .stderr_has(&["c.toml:3", "keep[0]", "unclosed group"]);
}
