//! WebAssembly proposals: which of them filters may use, and which others a file uses.
//!
//! In: a file that the engine refused. Out: [`Reason`]: the proposals without which it would be valid,
//! with the way to build it without them; or that it is damaged, or that the file is not the reason.
//! Not here: compiling (`plugin`), the engine (`engine`).

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// What filters may use. Proposals that they do not need are off.
pub(crate) const ALLOWED: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::TAIL_CALL);

/// Why the engine refused a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It uses proposals that are off.
    Proposals(Vec<WasmFeatures>),
    /// It is not valid whatever is on.
    Damaged,
    /// It is valid. What compiles it lacks something.
    Valid,
}

const SYNCHRONOUS: &str =
    "build it for WASI 0.2 or none, with synchronous functions and without `stream` and `future`";
const EXCEPTIONS: &str = "build it without exceptions: `-fno-exceptions` instead of `-fwasm-exceptions` (clang, Emscripten), `panic = \"abort\"` (Rust)";
const MANAGED: &str =
    "build it for linear memory; compilers for garbage-collected languages may have no such switch";
const THREADS: &str = "build it without threads: no `-pthread` or `-matomics` (clang, Emscripten), `-C target-feature=-atomics` (Rust), no `wasm32-wasip1-threads`";

/// Proposals by name, with the usual way to build without them.
const NAMES: [(WasmFeatures, &str, &str); 20] = [
    (
        WasmFeatures::MEMORY64,
        "memory64",
        "build it for a wasm32 target instead of wasm64 (clang: `--target=wasm32`, Rust: `wasm32-unknown-unknown`, Emscripten: no `-sMEMORY64`)",
    ),
    (WasmFeatures::THREADS, "threads", THREADS),
    (
        WasmFeatures::SHARED_EVERYTHING_THREADS,
        "shared-everything threads",
        THREADS,
    ),
    (WasmFeatures::GC, "garbage collection (gc)", MANAGED),
    (
        WasmFeatures::FUNCTION_REFERENCES,
        "typed function references",
        MANAGED,
    ),
    (
        WasmFeatures::CUSTOM_DESCRIPTORS,
        "custom descriptors",
        MANAGED,
    ),
    (WasmFeatures::EXCEPTIONS, "exception handling", EXCEPTIONS),
    (
        WasmFeatures::LEGACY_EXCEPTIONS,
        "legacy exception handling",
        EXCEPTIONS,
    ),
    (
        WasmFeatures::RELAXED_SIMD,
        "relaxed SIMD",
        "build it without: `-mno-relaxed-simd` (clang, Emscripten), `-C target-feature=-relaxed-simd` (Rust)",
    ),
    (
        WasmFeatures::STACK_SWITCHING,
        "stack switching",
        "build it without: compilers use it only if told to, such as by an option for coroutines or effects",
    ),
    (
        WasmFeatures::CUSTOM_PAGE_SIZES,
        "custom page sizes",
        "link it without `--page-size` (wasm-ld; clang: `-Wl,--page-size`)",
    ),
    (
        WasmFeatures::WIDE_ARITHMETIC,
        "wide arithmetic",
        "build it without: `-mno-wide-arithmetic` (clang), `-C target-feature=-wide-arithmetic` (Rust)",
    ),
    (
        WasmFeatures::MEMORY_CONTROL,
        "memory control",
        "build it without `memory.discard`",
    ),
    (
        WasmFeatures::COMPACT_IMPORTS,
        "compact import sections",
        "build it with a linker that writes plain import sections",
    ),
    (
        WasmFeatures::CM_ASYNC,
        "asynchronous components",
        SYNCHRONOUS,
    ),
    (
        WasmFeatures::CM_ASYNC_STACKFUL,
        "asynchronous components with stacks",
        SYNCHRONOUS,
    ),
    (
        WasmFeatures::CM_MORE_ASYNC_BUILTINS,
        "more functions of asynchronous components",
        SYNCHRONOUS,
    ),
    (
        WasmFeatures::CM_THREADING,
        "threads of components",
        SYNCHRONOUS,
    ),
    (
        WasmFeatures::CM_ERROR_CONTEXT,
        "error contexts of components",
        SYNCHRONOUS,
    ),
    (
        WasmFeatures::CM_GC,
        "garbage collection in components",
        MANAGED,
    ),
];

/// Finds out why the engine refused a file, by validating it with proposals on and off.
pub(super) fn reason(bytes: &[u8]) -> Reason {
    let valid_with = |features| {
        let mut validator = Validator::new_with_features(features);
        validator.validate_all(bytes).is_ok()
    };
    if !is_whole(bytes) {
        return Reason::Damaged;
    }
    if valid_with(ALLOWED) {
        return Reason::Valid;
    }
    let all = WasmFeatures::all();
    let others = || {
        all.iter_names()
            .map(|(_, one)| one)
            .filter(|one| !ALLOWED.intersects(*one))
    };
    // Mostly it is one. Several are those without which none of the others help.
    if let Some(one) = others().find(|one| valid_with(ALLOWED.union(*one))) {
        return Reason::Proposals(vec![one]);
    }
    if !valid_with(all) {
        return Reason::Damaged;
    }
    let needed = others().filter(|one| !valid_with(all.difference(*one)));
    Reason::Proposals(needed.collect())
}

/// Whether no module or component is cut off. Validating does not tell, if the cut is between two of its
/// sections.
fn is_whole(bytes: &[u8]) -> bool {
    let mut payloads = Parser::new(0).parse_all(bytes);
    payloads.all(|payload| match payload {
        Ok(
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            },
        ) => unchecked_range.end <= bytes.len(),
        _ => true,
    })
}

/// The names of proposals, and what to do about them.
pub(super) fn described(proposals: &[WasmFeatures]) -> (String, String) {
    let (mut names, mut hints) = (Vec::new(), Vec::new());
    for proposal in proposals {
        let known = NAMES.iter().find(|(known, ..)| known == proposal);
        let (name, hint) = match known {
            Some((_, name, hint)) => ((*name).to_owned(), *hint),
            None => (flag(*proposal), "build it without that proposal"),
        };
        names.push(name);
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    if names.is_empty() {
        let hint = "build it for the second version of WebAssembly, without later proposals";
        return (
            "proposals that filters may not use".to_owned(),
            hint.to_owned(),
        );
    }
    (names.join(" and "), hints.join("; "))
}

/// A proposal by the name of its flag, such as `cm-map`.
fn flag(proposal: WasmFeatures) -> String {
    let names: Vec<_> = proposal.iter_names().map(|(name, _)| name).collect();
    names.join("-").to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::plugin::parse;
    use crate::{Refusal, bundled};

    /// Core modules, each with the part of the name of the proposal that it uses.
    const USES: [(&str, &str); 12] = [
        ("(memory i64 1)", "memory64"),
        ("(memory 1 1 shared)", "threads"),
        (
            "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
            "threads",
        ),
        ("(type (struct (field i32)))", "gc"),
        ("(type (array i8))", "gc"),
        (
            "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
            "typed function references",
        ),
        (
            "(tag $e) (func (block $b (try_table (catch $e $b) (throw $e))))",
            "exception handling",
        ),
        (
            "(tag $e) (func try (throw $e) catch_all end)",
            "legacy exception handling",
        ),
        (
            "(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
            "relaxed SIMD",
        ),
        (
            "(type $f (func)) (type $c (cont $f)) (elem declare func 0) (func (drop (cont.new $c (ref.func 0))))",
            "stack switching",
        ),
        ("(memory 1 (pagesize 1))", "custom page sizes"),
        (
            "(func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0)))",
            "wide arithmetic",
        ),
    ];

    fn component(module: &str) -> Vec<u8> {
        let text = format!("(component (core module {module}))");
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{module}: {error}"))
    }

    #[track_caller]
    fn refused(engine: &Engine, bytes: &[u8]) -> Refusal {
        parse(engine, bytes).map(drop).expect_err("refused")
    }

    #[test]
    fn a_proposal_is_named_with_the_way_to_do_without() {
        let engine = Engine::new().expect("an engine");
        for (module, name) in USES {
            let refusal = refused(&engine, &component(module));
            let (what, hint) = (refusal.problem.what(), refusal.problem.hint());
            assert!(what.starts_with("it uses "), "{module}: {what}");
            assert!(what.contains(name), "{module}: {what}");
            assert!(
                hint.starts_with("build it ") || hint.starts_with("link it "),
                "{hint}"
            );
            assert!(!hint.contains("truncated"), "{hint}");
        }
    }

    #[test]
    fn several_proposals_are_all_named() {
        let engine = Engine::new().expect("an engine");
        let module = "(memory i64 1 1 shared) (tag $e) (func (throw $e))";
        let refusal = refused(&engine, &component(module));
        let what = refusal.problem.what();
        for name in ["memory64", "threads", "exception handling"] {
            assert!(what.contains(name), "{what}");
        }
    }

    #[test]
    fn asynchronous_components_are_named() {
        let engine = Engine::new().expect("an engine");
        let text = "(component (type $s (stream u8)) (core func (canon stream.new $s)))";
        let refusal = refused(&engine, &wat::parse_str(text).expect("text"));
        let what = refusal.problem.what();
        assert!(what.contains("asynchronous components"), "{what}");
        assert!(refusal.problem.hint().contains("synchronous functions"));
    }

    #[test]
    fn a_proposal_without_a_text_has_its_name() {
        let (name, hint) = described(&[WasmFeatures::CM_MAP]);
        assert_eq!(
            (&*name, &*hint),
            ("cm-map", "build it without that proposal")
        );
    }

    #[test]
    fn what_is_damaged_is_not_blamed_on_a_proposal() {
        let engine = Engine::new().expect("an engine");
        for (module, _) in USES {
            let whole = component(module);
            for length in 9..whole.len() {
                let reason = reason(&whole[..length]);
                assert_eq!(reason, Reason::Damaged, "{module}: {length}");
            }
            let refusal = refused(&engine, &whole[..whole.len() - 1]);
            assert!(refusal.problem.hint().contains("truncated"), "{refusal}");
        }
    }

    #[test]
    fn filters_use_what_is_allowed() {
        let engine = Engine::new().expect("an engine");
        for name in bundled::names() {
            let bytes = bundled::component(name).expect("bundled");
            assert_eq!(reason(bytes), Reason::Valid, "{name}");
        }
        for module in [
            "(memory 1) (memory 1)",
            "(func return_call 0)",
            "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
            "(func (result i32 i32) (i32.const 1) (i32.const 2))",
            "(table 1 externref)",
        ] {
            parse(&engine, &component(module)).unwrap_or_else(|refusal| panic!("{refusal}"));
        }
    }
}
