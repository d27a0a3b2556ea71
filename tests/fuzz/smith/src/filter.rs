//! Components of the world `filter` whose code is random.
//!
//! In: random bytes. Out: a component that has the world's exports, of the types that they must have.
//! wasm-smith makes one function; behind it stand `base.wat` of the test guests, whose memory the
//! random code works on, and `around.wat`, which calls it where a filter's own code would run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Config, Module};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// The type of the function that is random: that of `process`.
const SHAPE: &str = r#"(module
  (func (export "random") (param i32 i32 i32 i32) (result i32) unreachable))"#;
/// How often code may loop that runs before a filter has started: its time is two seconds there.
const FUEL: u32 = 1000;

/// Half of them have it where lines go through.
const PLACES: [Place; 6] = [
    Place::Process,
    Place::Process,
    Place::Process,
    Place::Start,
    Place::Finish,
    Place::Realloc,
];

/// What all of them have in common.
pub(crate) struct Filters {
    shape: Vec<u8>,
    /// Fields behind the random ones, in which `$random` is for the function.
    around: String,
    resolve: Resolve,
    world: WorldId,
}

/// Where a filter's own code would run, and random code does. Elsewhere it is right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Process,
    Start,
    Finish,
    Realloc,
}

impl Filters {
    pub(crate) fn new() -> Result<Self> {
        let mut resolve = Resolve::default();
        resolve.push_dir(tests().join("../wit"))?;
        let (_, package) = resolve.packages.iter().next().context("no package")?;
        let world = *package.worlds.get("filter").context("no world `filter`")?;
        let base = tests().join("guests/base.wat");
        let base = fs::read_to_string(&base).with_context(|| base.display().to_string())?;
        let around = base + include_str!("around.wat");
        let shape = wat::parse_str(SHAPE)?;
        Ok(Self {
            shape,
            around,
            resolve,
            world,
        })
    }

    pub(crate) fn make(&self, from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
        let place = from.choose(&PLACES)?;
        let mut config = self.config(from)?;
        config.allow_start_export = from.ratio(1, 16)?;
        let bounded = config.allow_start_export || !matches!(place, Place::Process);
        let mut module = Module::new(config, from)?;
        if bounded {
            module.ensure_termination(FUEL)?;
        }
        let text = self.text(&module.to_bytes(), *place)?;
        self.component(&text)
            .with_context(|| format!("not of its world:\n{text}"))
    }

    /// What the host's engine has, more or less of it, and nothing that `base.wat` has.
    fn config(&self, from: &mut Unstructured<'_>) -> Result<Config> {
        let any = Config::arbitrary(from)?;
        Ok(Config {
            exports: Some(self.shape.clone()),
            min_memories: 1,
            max_memories: 1,
            max_imports: 0,
            max_tags: 0,
            max_funcs: 12,
            max_instructions: any.max_instructions.max(20),
            max_data_segments: any.max_data_segments % 4,
            max_table_elements: any.max_table_elements % 1000,
            memory64_enabled: false,
            threads_enabled: false,
            exceptions_enabled: false,
            relaxed_simd_enabled: false,
            gc_enabled: false,
            ..any
        })
    }

    /// The text of the whole module.
    fn text(&self, module: &[u8], place: Place) -> Result<String> {
        let printed = wasmprinter::print_bytes(module)?;
        let fields = printed
            .trim()
            .strip_prefix("(module")
            .and_then(|fields| fields.strip_suffix(')'));
        let mut random = None;
        let mut text = String::from("(module\n");
        for line in fields.context("not a module")?.lines() {
            let field = line.trim_start();
            if let Some(export) = field.strip_prefix("(export \"random\" (func ") {
                random = export.strip_suffix("))").map(str::to_owned);
            } else if !field.starts_with("(memory (;0;)") {
                text.push_str(line);
                text.push('\n');
            }
        }
        let random = random.ok_or_else(|| anyhow!("no random function:\n{printed}"))?;
        let mut around = self.around.replace("$random", &random);
        if place == Place::Realloc {
            around = around.replace("(export \"cabi_realloc\")", "");
        }
        Ok(text + &around + place.exports() + ")")
    }

    fn component(&self, text: &str) -> Result<Vec<u8>> {
        let mut module = wat::parse_str(text)?;
        embed_component_metadata(&mut module, &self.resolve, self.world, StringEncoding::UTF8)?;
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .encode()
    }
}

// === impl Place ===

impl Place {
    /// The fields that export the world's functions.
    fn exports(self) -> &'static str {
        macro_rules! exports {
            ($start:literal, $process:literal, $finish:literal, $more:literal) => {
                concat!(
                    "(export \"linemill:filter/batch@0.1.0#start\" (func ",
                    $start,
                    "))\n",
                    "(export \"linemill:filter/batch@0.1.0#process\" (func ",
                    $process,
                    "))\n",
                    "(export \"linemill:filter/batch@0.1.0#finish\" (func ",
                    $finish,
                    "))\n",
                    $more
                )
            };
        }
        match self {
            Self::Process => exports!("$starts", "$chance-process", "$ends", ""),
            Self::Start => exports!("$chance-start", "$shouts", "$ends", ""),
            // It says that it keeps state, or nobody would call `finish`.
            Self::Finish => {
                exports!(
                    "$starts",
                    "$shouts",
                    "$chance-finish",
                    "(data (i32.const 20) \"\\01\")"
                )
            }
            Self::Realloc => exports!(
                "$starts",
                "$shouts",
                "$ends",
                "(export \"cabi_realloc\" (func $chance-realloc))"
            ),
        }
    }
}

/// The folder of this crate's neighbours.
fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
