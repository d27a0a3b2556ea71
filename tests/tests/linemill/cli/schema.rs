//! `linemill schema`: what it accepts and refuses, according to a validator that others wrote.

use std::path::Path;
use std::process::Command;

use linemill_tests::{Folder, Host, guest, python_with, run, skip};
use serde_json::Value;

/// Prints a line for each file: `ok`, or what is wrong with it.
const VALIDATE: &str = "
import json, sys, tomllib, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sys.argv[2:]:
    errors = [e.message for e in validator.iter_errors(tomllib.load(open(path, 'rb')))]
    print(json.dumps(errors) if errors else 'ok')
";

/// Configurations, and whether one value of each shows that it is wrong.
const CASES: &[(&str, bool)] = &[
    ("[[listener]]\nmax_line = \"16KiB\"", true),
    ("[[listener]]\nmax_line = \"16KB\"", false),
    ("[[listener]]\nmax_line = 16", false),
    ("[[listener]]\nmax_line = \"${SIZE}\"", true),
    ("[[listener]]\nmax_line = { file = \"size\" }", true),
    ("[[listener]]\nmax_line = { fil = \"size\" }", false),
    ("[[listener]]\nframing = \"nul\"", true),
    ("[[listener]]\nframing = \"null\"", false),
    ("[[listener]]\nmax_connections = 1", true),
    ("[[listener]]\nmax_connections = 0", false),
    ("[[listener]]\nmax_connections = \"${N}\"", true),
    ("[[listener]]\nshared = \"yes\"", false),
    ("[[listener]]\nto = [\"tcp://a:1\", \"tcp://b:1\"]", true),
    ("[[listener]]\nroutes = { a = \"file:a\" }", true),
    ("[[listener]]\nroutes = [\"a\"]", false),
    (
        "[[listener]]\nchain = [\"a\", { filter = \"b\", when = \"c\" }]",
        true,
    ),
    ("[[listener]]\nchain = [{ when = \"c\" }]", false),
    ("[listener]\nname = \"a\"", false),
    ("[host]\nmemory = \"auto\"", true),
    ("[host]\nmemory = \"1GiB\"", true),
    ("[host]\nmemory = \"all\"", false),
    ("[host]\nrollback = { share = 1 }", false),
    ("[filter.a]\nsettings = { anything = [1, { b = 2 }] }", true),
    // The settings of bundled plugins, by their own names and by others.
    ("[filter.case]\nsettings = { to = \"upper\" }", true),
    ("[filter.case]\nsettings = { to = \"larger\" }", false),
    (
        "[filter.case]\nplugin = \"./a.wasm\"\nsettings = { to = 7 }",
        true,
    ),
    (
        "[filter.a]\nplugin = \"number\"\nsettings = { width = 3 }",
        true,
    ),
    (
        "[filter.a]\nplugin = \"number\"\nsettings = { widht = 3 }",
        false,
    ),
    (
        "[filter.a]\nplugin = \"number\"\nsettings = { separator = \"${X}\" }",
        true,
    ),
    (
        "[filter.a]\nplugin = \"case\"\nsettings = { to = { file = \"x\" } }",
        true,
    ),
    (
        "[filter.a]\nplugin = \"case\"\nsettings = { to = { fil = \"x\" } }",
        false,
    ),
    (
        "[filter.a]\ncanary = { plugin = \"case\", share = \"5%\", settings = { to = \"upper\" } }",
        true,
    ),
    (
        "[filter.a]\nshadow = { plugin = \"case\", share = \"5%\", settings = { to = \"larger\" } }",
        false,
    ),
    ("[filter.a]\nplugin = \"redact\"\nmemmory = \"1MiB\"", false),
    ("[filter.redact]\nmemmory = \"1MiB\"", false),
    ("[filter.a]\ntest = [{ in = [\"a\"] }]", false),
    (
        "[filter.a]\ncanary = { plugin = \"b\", share = \"5%\" }",
        true,
    ),
    ("[filter.a]\ncanary = { plugin = \"b\", share = 5 }", false),
    ("[[test]]\nlistener = \"a\"\nin = [\"b\"]\nout = []", true),
    ("[[test]]\nin = [\"b\"]\nout = []", false),
    ("include = [\"a\"]", true),
    ("includes = [\"a\"]", false),
];

#[test]
fn a_validator_knows_what_fits() {
    let python = match python_with("jsonschema", "python3-jsonschema") {
        Ok(python) => python,
        Err(why) => return skip("the JSON Schema of configurations", &why),
    };
    let folder = Folder::new();
    let schema = run(folder.path(), ["schema"], b"").success();
    let schema = folder.write("schema.json", schema.stdout);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let samples = std::fs::read_dir(root.join("config")).expect("config/");
    let samples = samples.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = samples
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| (path, true))
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    for (index, (text, fits)) in CASES.iter().enumerate() {
        files.push((folder.write(&format!("{index}.toml"), text), *fits));
    }
    let mut command = Command::new(python);
    command.args(["-c", VALIDATE]).arg(schema);
    command.args(files.iter().map(|(path, _)| path));
    let done = command.output().expect("Python starts");
    let (found, error) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert_eq!(found.lines().count(), files.len(), "{error}");
    for ((path, fits), found) in files.iter().zip(found.lines()) {
        assert_eq!(found == "ok", *fits, "{}: {found}", path.display());
    }
}

#[test]
fn the_plugins_of_a_configuration_are_known() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::describing(&[]));
    folder.write(
        "linemill.toml",
        Host::config(
            "chain = [\"a\"]",
            "[filter.a]\nplugin = \"./guest.wasm\"\n[filter.rot13]\nplugin = \"case\"\n",
        ),
    );
    let known = |arguments: &[&str]| {
        let schema = run(folder.path(), arguments, b"").success();
        let schema: Value = serde_json::from_str(&schema.text()).expect("JSON");
        let definitions = schema["definitions"].as_object().expect("definitions");
        let names = definitions
            .keys()
            .filter(|name| name.starts_with("plugin "));
        names.cloned().collect::<Vec<_>>()
    };
    let of_config = known(&["schema", "--config", "linemill.toml"]);
    assert_eq!(of_config, ["plugin ./guest.wasm", "plugin case"]);
    assert_eq!(known(&["schema", "./guest.wasm"]), ["plugin ./guest.wasm"]);
    let bundled = run(folder.path(), ["filters"], b"").success().text();
    assert_eq!(known(&["schema"]).len(), bundled.lines().count());
}
