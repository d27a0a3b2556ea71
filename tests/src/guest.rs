//! Builds guests: turns `.wat` text into components for the worlds of the WIT package, without a wasm
//! toolchain.
//!
//! In: the name of a file in `tests/guests`. Out: the bytes of a component or, on purpose, of something
//! else. A file is appended to `base.wat`, which contains what every guest needs; together they are the
//! fields of one core module. Not here: the bundled filters' sources (`plugins/`).

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component for the world `filter`: many lines per call.
pub fn batch(name: &str) -> Vec<u8> {
    component(name, "filter")
}

/// A component for the world `line-filter`: one line per call.
pub fn line(name: &str) -> Vec<u8> {
    component(name, "line-filter")
}

/// A component for the world `filter-with-state`, whose state can be handed over.
pub fn with_state(name: &str) -> Vec<u8> {
    component(name, "filter-with-state")
}

/// A component for the world `line-filter-with-state`.
pub fn line_with_state(name: &str) -> Vec<u8> {
    component(name, "line-filter-with-state")
}

/// A correct component for the world `filter` with `more` fields in its core module, which are unused.
pub fn batch_with(more: &str) -> Vec<u8> {
    let text = format!("(module\n{}\n{}\n{more})", text("base"), text("shout"));
    let module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    let (resolve, world) = world("filter", &text);
    encode(module, &resolve, world)
}

/// A correct filter with an additional function that is expensive to compile: `depth` nested blocks,
/// `jumps` branch tables to all of them, and `locals` live values. The effort grows with the product
/// of the three.
pub fn bomb(depth: usize, jumps: usize, locals: usize) -> Vec<u8> {
    let mut text = "(func (param $x i32) (local".to_owned();
    text += &" i32".repeat(locals);
    text += ")\n";
    text += &"(block ".repeat(depth);
    let targets: String = (0..depth).map(|at| format!("{at} ")).collect();
    for jump in 0..jumps {
        let local = 1 + jump % locals;
        let _written = writeln!(
            text,
            "(local.set {local} (i32.add (local.get {local}) (local.get $x)))
             (if (local.get {local}) (then (br_table {targets} (local.get $x))))"
        );
    }
    for at in 0..depth {
        let local = 1 + at % locals;
        let _written = writeln!(text, ") (local.set {local} (i32.const {at}))");
    }
    text += &(1..=locals)
        .map(|local| format!("(drop (local.get {local}))\n"))
        .collect::<String>();
    text += ")";
    batch_with(&text)
}

/// A bundled filter.
pub fn bundled(name: &str) -> Vec<u8> {
    let path = folder("../target/plugins")
        .join(name)
        .with_extension("wasm");
    fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask plugins`", path.display()))
}

/// The same component with a different digest: `mark` is appended as the name of a custom section.
pub fn marked(mut component: Vec<u8>, mark: &str) -> Vec<u8> {
    // Custom section: id 0, size, length of the name, name; the lengths fit into one byte each.
    let length = u8::try_from(mark.len()).expect("a short mark");
    component.extend([0, length + 1, length]);
    component.extend(mark.as_bytes());
    component
}

/// A component for the world `importing` of `imports.wit`: `filter`, with the imports that its text
/// names.
pub fn importing(name: &str) -> Vec<u8> {
    of_test_world(name, "imports.wit", "importing")
}

/// A component for a world of `extended.wit`: a filter that uses interfaces that came after 0.1.0.
pub fn extended(name: &str, world: &str) -> Vec<u8> {
    of_test_world(name, "extended.wit", world)
}

/// `about.wat` with other parts: a filter that describes itself in its own way. Each change replaces the line
/// that has a text.
pub fn describing(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut source = source("about");
    for (marked, line) in changes {
        let found = source.lines().find(|line| line.contains(marked));
        let found = found.unwrap_or_else(|| panic!("about.wat has no {marked:?}"));
        source = source.replacen(&found.to_owned(), line, 1);
    }
    let module = wat::parse_str(&source).unwrap_or_else(|error| panic!("about.wat: {error}"));
    of_world(module, &source, "extended.wit", "describing")
}

/// `about.wat` with another schema: any bytes.
pub fn describing_settings(schema: impl AsRef<[u8]>) -> Vec<u8> {
    let schema = schema.as_ref();
    let size = schema.len();
    let fields = format!("  (call $text (i32.const 288) (i32.const 65536) (i32.const {size}))");
    let pages = size / 65_536 + 2;
    let bytes: String = schema.iter().map(|byte| format!("\\{byte:02x}")).collect();
    describing(&[
        (";; schema", &fields),
        (
            "(memory (export",
            &format!("(memory (export \"memory\") {pages})"),
        ),
        (
            "(data (i32.const 65536)",
            &format!("(data (i32.const 65536) \"{bytes}\")"),
        ),
    ])
}

fn of_test_world(name: &str, file: &str, world: &str) -> Vec<u8> {
    of_world(core(name), &source(name), file, world)
}

fn of_world(module: Vec<u8>, source: &str, file: &str, world: &str) -> Vec<u8> {
    let mut resolve = resolve(source);
    let path = folder("guests").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let package = resolve
        .push_str(&path, &text)
        .unwrap_or_else(|error| panic!("{file}: {error:#}"));
    let world = resolve.packages[package].worlds[world];
    encode(module, &resolve, world)
}

/// As [`batch`], with debug information that names the source `NAME.wat`; and the number of the last
/// source line that contains `text`.
pub fn with_source(name: &str, text: &str) -> (Vec<u8>, usize) {
    let source = source(name);
    let (_, number) = source
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.contains(text))
        .last()
        .unwrap_or_else(|| panic!("{name}.wat has no {text:?}"));
    let module = wat::Parser::new()
        .generate_dwarf(wat::GenerateDwarf::Full)
        .parse_str(Some(format!("{name}.wat").as_ref()), &source)
        .unwrap_or_else(|error| panic!("{name}.wat: {error}"));
    let (resolve, world) = world("filter", &source);
    (encode(module, &resolve, world), number)
}

/// The core module of a guest, which is not a component.
pub fn core(name: &str) -> Vec<u8> {
    wat::parse_str(source(name)).unwrap_or_else(|error| panic!("{name}.wat: {error}"))
}

/// The text of a guest as one core module.
fn source(name: &str) -> String {
    // In the text of a module, imports come first.
    let (mut base, text) = (text("base"), text(name));
    // A guest may export its own.
    if text.contains("(export \"cabi_realloc\")") {
        base = base.replace("(export \"cabi_realloc\")", "");
    }
    let (imports, rest): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with("(import "));
    let (imports, rest) = (imports.join("\n"), rest.join("\n"));
    format!("(module\n{imports}\n{base}\n{rest})")
}

/// A file that is a complete component in itself.
pub fn complete(name: &str) -> Vec<u8> {
    wat::parse_str(text(name)).unwrap_or_else(|error| panic!("{name}.wat: {error}"))
}

fn component(name: &str, of: &str) -> Vec<u8> {
    let (resolve, world) = world(of, &source(name));
    encode(core(name), &resolve, world)
}

fn world(name: &str, source: &str) -> (Resolve, wit_parser::WorldId) {
    let resolve = resolve(source);
    let (_, package) = resolve
        .packages
        .iter()
        .next()
        .expect("the package was read");
    let world = package.worlds[name];
    (resolve, world)
}

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: wit_parser::WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)
        .expect("a module takes a section");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder
        .and_then(|mut encoder| encoder.encode())
        .unwrap_or_else(|error| panic!("not of its world: {error:#}"))
}

/// The version of the contract that a guest is for. Most guests are for its first one, which shows that
/// components of that version go on working.
fn resolve(source: &str) -> Resolve {
    let mut resolve = Resolve::default();
    let wit = if source.contains("@0.1.0") {
        "guests/wit-0.1.0"
    } else {
        "../wit"
    };
    resolve
        .push_dir(folder(wit))
        .expect("the WIT package is right");
    resolve
}

fn text(name: &str) -> String {
    let path = folder("guests").join(name).with_extension("wat");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_guest_becomes_what_it_should() {
        for entry in std::fs::read_dir(super::folder("guests")).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.extension().is_none_or(|extension| extension != "wat") {
                continue;
            }
            let name = path
                .file_stem()
                .and_then(|name| name.to_str())
                .expect("names are text");
            let (bytes, component) = match name {
                "base" => continue,
                "stranger" => (super::complete(name), true),
                "calls" | "clock" | "reach" | "wasi" => (super::importing(name), true),
                "ask" | "ask-early" | "shared" => (super::extended(name, "asking"), true),
                "join" => (super::extended(name, "ticking"), true),
                "about" => (super::describing(&[]), true),
                "line" | "split" => (super::line(name), true),
                "late" | "ledger" => (super::with_state(name), true),
                "tally" => (super::line_with_state(name), true),
                "shout" => (super::core(name), false),
                _ => (super::batch(name), true),
            };
            // The version field of the preamble distinguishes components from modules.
            let kind: &[u8] = if component {
                b"\0asm\x0d\0\x01\0"
            } else {
                b"\0asm\x01\0\0\0"
            };
            assert_eq!(&bytes[..8], kind, "{name}");
        }
        assert_eq!(&super::batch("shout")[..8], b"\0asm\x0d\0\x01\0");
    }
}
