//! Components of the world `filter` whose code is random.
//!
//! In: random bytes. Out: a component with the exports of the world, with the right types. wasm-smith
//! generates a module with one exported function. The component adds `base.wat` of the test guests,
//! whose memory the random code uses, and `around.wat`, which calls the function where a filter's own
//! code would run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Config, Module};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// The type of the random function: that of `process`.
const SHAPE: &str = r#"(module
  (func (export "random") (param i32 i32 i32 i32) (result i32) unreachable))"#;
/// How often code outside `process` may loop. The host allows it two seconds while a filter starts,
/// which would make the test slow.
const FUEL: u32 = 1000;

/// The places to choose from. Half of all filters have random code in `process`.
const PLACES: [Place; 6] = [
    Place::Process,
    Place::Process,
    Place::Process,
    Place::Start,
    Place::Finish,
    Place::Realloc,
];

/// Makes filters. Holds what they have in common.
pub(crate) struct Filters {
    /// A module that exports the random function, with its type.
    shape: Vec<u8>,
    /// Module fields that are added to the random ones. `$random` stands for the random function.
    around: String,
    resolve: Resolve,
    world: WorldId,
}

/// The function of a filter that runs random code. All its other functions are correct.
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
        resolve.push_dir(tests().join("guests/wit-0.1.0"))?;
        let (_, package) = resolve.packages.iter().next().context("no package")?;
        let world = *package.worlds.get("filter").context("no world `filter`")?;
        let path = tests().join("guests/base.wat");
        let base = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
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

    /// A random configuration of wasm-smith, without proposals that the host's engine lacks, and
    /// without anything that `base.wat` defines.
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
            // The filter declares that it keeps state, since the host would not call `finish` otherwise.
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

/// The folder `tests` of the repository.
fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
