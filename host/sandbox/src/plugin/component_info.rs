//! The imports, exports and world of a component, and whether they make it a plugin.
//!
//! In: a compiled component. Out: [`ComponentInfo`], and a refusal for a component that is not a
//! filter or that imports more than it is granted.
//! Not here: compiling and linking (`plugin`).

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::engine::Engine;
use crate::imports::{Grants, RequiredImports};
use crate::{Refusal, RefusalKind};
use linemill_config::Keyword as _;
use linemill_config::settings::Grant;

/// The interfaces of this version of the contract. A component may be built for any 0.1.x.
const BATCH: &str = "linemill:filter/batch@0.1.";
const LINE: &str = "linemill:filter/line@0.1.";
const STATE: &str = "linemill:filter/state@0.1.";
const TIMER: &str = "linemill:filter/timer@0.1.";
const ABOUT: &str = "linemill:filter/about@0.1.";
const PACKAGE: &str = "linemill:filter/";

/// The description of a component, read from its type without running it.
#[derive(Debug, Clone)]
pub struct ComponentInfo {
    /// WIT names of the imported interfaces and functions, in the order of the file. Interfaces that
    /// hold nothing but types are left out.
    pub imports: Vec<String>,
    /// WIT names of the exports, in the order of the file.
    pub exports: Vec<String>,
    /// The world that the component belongs to; `None` if it is not a filter.
    pub world: Option<World>,
    /// Whether the component also exports `state`, so that its state can be handed over.
    pub state: bool,
    /// Whether the component also exports `timer`, so that it is called when no line comes.
    pub timer: bool,
    /// Whether the component also exports `about`, so that it describes itself.
    pub about: bool,
}

/// The worlds of `wit/worlds.wit`, without their optional exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `filter`: many lines per call.
    Filter,
    /// `line-filter`: one line per call.
    LineFilter,
}

/// Reads what a component imports and exports.
pub fn component_info(engine: &Engine, component: &Component) -> ComponentInfo {
    let kind = component.component_type();
    // An imported instance that holds nothing but types needs no grant.
    let reaches = |item: &ComponentItem| match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine.wasmtime())
            .any(|(_, item)| !matches!(item.ty, ComponentItem::Type(_))),
        ComponentItem::Type(_) => false,
        _ => true,
    };
    let imports = kind
        .imports(engine.wasmtime())
        .filter(|(_, item)| reaches(&item.ty))
        .map(|(name, _)| name.to_owned())
        .collect();
    let exports: Vec<String> = kind
        .exports(engine.wasmtime())
        .map(|(name, _)| name.to_owned())
        .collect();
    let has = |interface: &str| exports.iter().any(|name| name.starts_with(interface));
    let world = if has(BATCH) {
        Some(World::Filter)
    } else if has(LINE) {
        Some(World::LineFilter)
    } else {
        None
    };
    let (state, timer, about) = (has(STATE), has(TIMER), has(ABOUT));
    ComponentInfo {
        imports,
        exports,
        world,
        state,
        timer,
        about,
    }
}

// === impl ComponentInfo ===

impl ComponentInfo {
    /// The name of the component's world in the WIT; `None` if it is not a filter.
    pub fn world_name(&self) -> Option<&'static str> {
        Some(match (self.world?, self.state) {
            (World::Filter, false) => "filter",
            (World::Filter, true) => "filter-with-state",
            (World::LineFilter, false) => "line-filter",
            (World::LineFilter, true) => "line-filter-with-state",
        })
    }

    /// The refusal of a component that imports more than it is granted. `required` says what its
    /// imports require.
    pub(super) fn refusal(&self, required: &RequiredImports, grants: Grants) -> Option<Refusal> {
        let imports = self.imports.join(", ");
        if !required.strange.is_empty() {
            let strange = required.strange.join(", ");
            let problem = if strange == imports {
                format!("it imports {imports}, which nothing grants")
            } else {
                format!("it imports {imports}, and nothing grants {strange}")
            };
            let grants: Vec<_> = Grant::KEYWORDS
                .iter()
                .map(|(word, _)| format!("{word:?}"))
                .collect();
            let hint = format!(
                "the grants are {}: build it without other imports",
                grants.join(", ")
            );
            return Some(Refusal::new(RefusalKind::Grant, problem, hint));
        }
        if grants.has(required.grants) {
            return None;
        }
        let granted = if grants == Grants::NONE {
            "nothing is granted".to_owned()
        } else {
            format!("its table has only {grants}")
        };
        let wanted = grants.and(required.grants);
        let mut hint = format!(
            "write {wanted} into the filter's table if it may have that, or --grant {} on the command line \
             that names it",
            wanted.names().join(",")
        );
        if imports.contains("wasi:") {
            hint += "; a filter built for wasm32-unknown-unknown does not import WASI";
        }
        let problem = format!("it imports {imports}, but {granted}");
        Some(Refusal::new(RefusalKind::Grant, problem, hint))
    }

    /// The refusal of a component that is not a filter.
    pub fn other_world(&self) -> Refusal {
        if let Some(other) = self.exports.iter().find(|name| name.starts_with(PACKAGE)) {
            return Refusal::plugin(
                format!("it exports {other}; this host speaks linemill:filter@0.1"),
                "rebuild it with the SDK of this version",
            );
        }
        let exports = if self.exports.is_empty() {
            "nothing".to_owned()
        } else {
            self.exports.join(", ")
        };
        Refusal::plugin(
            format!("it is a component of another world: it exports {exports}"),
            "a filter exports linemill:filter/batch or linemill:filter/line",
        )
    }
}
