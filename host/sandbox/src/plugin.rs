//! A plugin: a component, checked and compiled.
//!
//! In: the bytes of a `.wasm` file. Out: [`Plugin`], ready to be instantiated. Each step has a module
//! of its own: [`source`] locates and reads the file, [`admission`] checks it, with the help of
//! [`complexity`], [`compiler`] compiles it or takes it from the [`cache`], and this module links it.
//! [`loader`] takes all the steps. [`component_info()`] describes a component from outside, and [`about`]
//! has what it says about itself. [`Refusal`] says why one is not accepted.
//! Not here: settings and instances (`filter`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use wasmtime::component::Component;
use wasmtime::component::InstancePre;

use crate::bindings::filter::FilterIndices;
use crate::bindings::line_filter::LineFilterIndices;
use crate::bindings::only_about::OnlyAboutIndices;
use crate::bindings::only_state::OnlyStateIndices;
use crate::bindings::only_timer::OnlyTimerIndices;
use crate::engine::{Engine, MAPPINGS_PER_MEMORY, mappings_per_stack};
use crate::imports::HostState;
use crate::imports::{self, Grants, RequiredImports};
use crate::limits::PARTS;
use crate::plugin::admission::{Admission, Admitted};
use crate::plugin::compiler::Compiler;
use crate::{Digest, Refusal, RefusalKind};
use linemill_budget::{Budget, Holder, Lease};
use linemill_config::printable;
use linemill_config::settings::Limits;
use proposals::Reason;

pub mod about;
pub mod admission;
pub mod cache;
pub mod compiler;
pub mod complexity;
mod component_info;
pub mod loader;
pub(crate) mod proposals;
pub(crate) mod shortage;
pub mod source;
#[cfg(test)]
mod tests;

pub use about::Description;
pub use component_info::{ComponentInfo, World, component_info};

/// Version of the contract between host and guest, passed to `start`; see `wit/batch.wit`.
pub const ABI: u32 = 1;

/// A compiled component of one of linemill's worlds.
pub struct Plugin {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Size of the file, in bytes.
    pub size: u64,
    /// The plugin's grants. Imports were resolved with these grants, so the same component with other
    /// grants is another `Plugin`.
    pub grants: Grants,
    /// Memory mappings of one instance.
    pub(crate) mappings: u64,
    /// What its machine code takes of the host's memory.
    code: Mutex<Lease>,
    /// The component, linked for the engine that allocates instances on demand.
    pub(crate) linked: Linked,
    /// The component, linked for the engine with slots. Set at first use; `None` inside if the
    /// component does not fit into a slot.
    in_slots: OnceLock<Option<Linked>>,
    /// What it says about itself. Set by [`Self::describe`]; `None` inside if it says nothing.
    description: OnceLock<Option<Arc<Description>>>,
    /// How much memory it says that it needs, by `max_line`.
    memory_needs: Mutex<BTreeMap<u32, u64>>,
}

/// A component compiled for one engine, with its imports resolved.
pub(crate) struct Linked {
    pub(crate) pre: InstancePre<HostState>,
    pub(crate) world: Exports,
    /// The exports for handing over state, if the component has them.
    pub(crate) state: Option<OnlyStateIndices>,
    /// The export for calls at times, if the component has it.
    pub(crate) timer: Option<OnlyTimerIndices>,
    /// The exports by which the component describes itself, if it has them.
    pub(crate) about: Option<OnlyAboutIndices>,
}

/// The optional interfaces that a component exports.
#[derive(Debug, Clone, Copy)]
struct Optional {
    state: bool,
    timer: bool,
    about: bool,
}

/// The exported functions of a component of either world.
pub(crate) enum Exports {
    Batch(FilterIndices),
    Line(LineFilterIndices),
}

/// Compiles a component in this process, without checking which world it belongs to.
///
/// # Errors
/// When the bytes are not a valid component.
pub(crate) fn parse(engine: &Engine, bytes: &[u8]) -> Result<Component, Refusal> {
    let rebuild =
        "`linemill build` builds a component from a filter crate; `linemill new` creates one";
    // The binary format begins with a magic number, then version and layer, 16 bits each.
    match bytes {
        [] => return Err(Refusal::plugin("the file is empty", rebuild)),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            return Err(Refusal::plugin(
                "this is a core WebAssembly module, not a component",
                rebuild,
            ));
        }
        [0, b'a', b's', b'm', ..] => {}
        _ => return Err(Refusal::plugin("this is not WebAssembly", rebuild)),
    }
    Component::from_binary(engine.wasmtime(), bytes).map_err(|error| refused(bytes, &error))
}

/// Why a component was not compiled.
fn refused(bytes: &[u8], error: &wasmtime::Error) -> Refusal {
    let text = chain_of(error);
    if shortage::is_one(error) {
        let problem = format!("there is not enough memory to compile it: {text}");
        return Refusal::new(RefusalKind::Compile, problem, shortage::hint());
    }
    match proposals::reason(bytes) {
        Reason::Proposals(used) => {
            let (names, hint) = proposals::described(&used);
            Refusal::plugin(
                format!("it uses {names}, which filters may not: {text}"),
                hint,
            )
        }
        Reason::Damaged => Refusal::plugin(
            format!("invalid component: {text}"),
            "the file may be truncated; build it again",
        ),
        Reason::Valid => Refusal::plugin(
            format!("it cannot be compiled: {text}"),
            "the file is valid: this version of linemill cannot compile it",
        ),
    }
}

// === impl Plugin ===

impl Plugin {
    /// Compiles a plugin in this process, within the default limits, and resolves its imports.
    ///
    /// # Errors
    /// See [`Self::compile`] and [`Admission::admit`].
    pub fn new(engine: &Engine, bytes: &[u8], grants: Grants) -> Result<Arc<Self>, Refusal> {
        let limits = Limits::default();
        let admission = Admission {
            sha256: None,
            limits: &limits,
            grants,
        };
        let admitted = admission.admit(bytes.to_vec())?;
        Self::compile(engine, &admitted, &Compiler::default())
    }

    /// Compiles an admitted plugin and resolves its imports. Blocks for milliseconds to seconds.
    ///
    /// # Errors
    /// When it is not a component, belongs to another world, or imports something that is not granted,
    /// and when compiling takes more time or memory than allowed.
    pub fn compile(
        engine: &Engine,
        admitted: &Admitted,
        compiler: &Compiler,
    ) -> Result<Arc<Self>, Refusal> {
        let component = compiler.component(engine, admitted)?;
        Self::of_component(engine, &component, admitted, admitted.grants())
    }

    /// Resolves the imports of a component that was compiled of an admitted plugin.
    ///
    /// # Errors
    /// When it belongs to another world, or imports something that is not granted.
    pub fn of_component(
        engine: &Engine,
        component: &Component,
        admitted: &Admitted,
        grants: Grants,
    ) -> Result<Arc<Self>, Refusal> {
        let size = admitted.bytes().len() as u64;
        Self::link(engine, component, admitted.digest(), size, grants)
    }

    /// Links the same component with other grants. Compiles nothing.
    ///
    /// # Errors
    /// When the component imports something that `grants` does not include.
    pub fn granted(&self, engine: &Engine, grants: Grants) -> Result<Arc<Self>, Refusal> {
        Self::link(
            engine,
            self.linked.pre.component(),
            self.digest,
            self.size,
            grants,
        )
        .map(|linked| linked.described_as(self))
    }

    fn link(
        engine: &Engine,
        component: &Component,
        digest: Digest,
        size: u64,
        grants: Grants,
    ) -> Result<Arc<Self>, Refusal> {
        let info = component_info(engine, component);
        let world = info.world.ok_or_else(|| info.other_world())?;
        let required = RequiredImports::of(&info.imports);
        info.refusal(&required, grants).map_or(Ok(()), Err)?;
        let misfit = |error: wasmtime::Error| {
            Refusal::plugin(
                format!(
                    "it does not fit world {}: {}",
                    info.world_name().unwrap_or_default(),
                    chain_of(&error)
                ),
                "build it against the WIT of this version of linemill",
            )
        };
        let linked = Linked::new(
            engine.wasmtime(),
            component,
            world,
            Optional {
                state: info.state,
                timer: info.timer,
                about: info.about,
            },
            required.grants,
        );
        Ok(Arc::new(Self {
            digest,
            size,
            grants,
            mappings: mappings(component),
            code: Mutex::new(code(engine.budget(), component)),
            linked: linked.map_err(misfit)?,
            in_slots: OnceLock::new(),
            description: OnceLock::new(),
            memory_needs: Mutex::default(),
        }))
    }

    /// The plugin linked for the engine with slots; `None` if it does not fit into a slot. The first
    /// call takes milliseconds.
    pub(crate) fn in_slots(&self, engine: &Engine) -> Option<&Linked> {
        let make = || {
            let slots = engine.slots()?;
            let code = self.linked.pre.component().serialize().ok()?;
            #[expect(
                unsafe_code,
                reason = "`deserialize` requires bytes that wasmtime serialized and nobody altered"
            )]
            // SAFETY: `code` was serialized above, from a component that linemill itself compiled, in
            // this process, in its child process, or in an earlier one that filled the trusted cache.
            let component = unsafe { Component::deserialize(slots, code) };
            let world = match &self.linked.world {
                Exports::Batch(_) => World::Filter,
                Exports::Line(_) => World::LineFilter,
            };
            let optional = Optional {
                state: self.linked.state.is_some(),
                timer: self.linked.timer.is_some(),
                about: false,
            };
            let linked = component
                .and_then(|component| Linked::new(slots, &component, world, optional, self.grants));
            let linked = linked
                .inspect_err(|error| tracing::debug!(%error, "a plugin does not fit into slots"))
                .ok();
            if linked.is_some() {
                let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
                let twice = 2 * code.bytes();
                code.hold(twice);
            }
            linked
        };
        self.in_slots.get_or_init(make).as_ref()
    }

    /// Bytes that its machine code takes of the host's memory.
    pub(crate) fn code_size(&self) -> u64 {
        let code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        code.bytes()
    }

    /// Whether [`Self::in_slots`] returns at once.
    pub(crate) fn knows_slots(&self) -> bool {
        self.in_slots.get().is_some()
    }
}

/// The memory mappings of one instance of a component: those of its memories and of its stack.
fn mappings(component: &Component) -> u64 {
    let memories = component
        .resources_required()
        .map_or(PARTS as u64, |required| u64::from(required.num_memories));
    memories * MAPPINGS_PER_MEMORY + mappings_per_stack()
}

/// The part of the host's memory that a component's machine code takes. It is in use already.
fn code(budget: &Arc<Budget>, component: &Component) -> Lease {
    let image = component.image_range();
    let size = image.end.addr() - image.start.addr();
    let mut code = budget.lease(Holder::Plugins);
    code.hold(size as u64);
    code
}

// === impl Linked ===

impl Linked {
    fn new(
        engine: &wasmtime::Engine,
        component: &Component,
        world: World,
        Optional {
            state,
            timer,
            about,
        }: Optional,
        grants: Grants,
    ) -> wasmtime::Result<Self> {
        let pre = imports::linker(engine, grants)?.instantiate_pre(component)?;
        Ok(Self {
            world: match world {
                World::Filter => Exports::Batch(FilterIndices::new(&pre)?),
                World::LineFilter => Exports::Line(LineFilterIndices::new(&pre)?),
            },
            state: state.then(|| OnlyStateIndices::new(&pre)).transpose()?,
            timer: timer.then(|| OnlyTimerIndices::new(&pre)).transpose()?,
            about: about.then(|| OnlyAboutIndices::new(&pre)).transpose()?,
            pre,
        })
    }
}

/// An error with its causes. Made printable, since errors quote names from the plugin.
pub(crate) fn chain_of(error: &wasmtime::Error) -> String {
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    printable(causes.join(": "))
}
