//! What a component says about itself, and whether that makes it a plugin.
//!
//! In: a component. Out: [`ComponentInfo`], and what to say of a component that is no filter, or that imports
//! more than is granted. Not here: compiling and linking it (the module above).

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::engine::Engine;
use crate::imports::{Grants, RequiredImports};
use crate::{Refusal, RefusalKind};

/// Interfaces of this version of the boundary. A component may be made for any 0.1.x.
const BATCH: &str = "linemill:filter/batch@0.1.";
const LINE: &str = "linemill:filter/line@0.1.";
const STATE: &str = "linemill:filter/state@0.1.";
const PACKAGE: &str = "linemill:filter/";

/// What a component says about itself, without running it.
#[derive(Debug, Clone)]
pub struct ComponentInfo {
    /// What it imports: interfaces or functions by their WIT names, sorted as in the file.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The world it belongs to.
    pub world: Option<World>,
    /// Whether it exports `state` beside, so that its state can be handed over.
    pub state: bool,
}

/// The worlds of `wit/worlds.wit`, without what is optional in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `filter`: many lines a call.
    Filter,
    /// `line-filter`: one line a call.
    LineFilter,
}

/// Reads what a component imports and exports.
pub fn component_info(engine: &Engine, component: &Component) -> ComponentInfo {
    let kind = component.component_type();
    // A component may import an instance that holds types only: there is nothing to grant.
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
    let state = has(STATE);
    ComponentInfo {
        imports,
        exports,
        world,
        state,
    }
}

// === impl ComponentInfo ===

impl ComponentInfo {
    /// The name of its world in the WIT.
    pub fn world_name(&self) -> Option<&'static str> {
        Some(match (self.world?, self.state) {
            (World::Filter, false) => "filter",
            (World::Filter, true) => "filter-with-state",
            (World::LineFilter, false) => "line-filter",
            (World::LineFilter, true) => "line-filter-with-state",
        })
    }

    /// What to say when it imports more than it is granted, if it does.
    pub(super) fn refusal(&self, wants: &RequiredImports, grants: Grants) -> Option<Refusal> {
        let imports = self.imports.join(", ");
        if !wants.strange.is_empty() {
            let strange = wants.strange.join(", ");
            let problem = if strange == imports {
                format!("it imports {imports}, which nothing grants")
            } else {
                format!("it imports {imports}, and nothing grants {strange}")
            };
            let hint = "a filter can be granted \"log\", \"clock\", \"random\" and \"wasi\": build it \
                        without the rest";
            return Some(Refusal::new(RefusalKind::Grant, problem, hint));
        }
        if grants.has(wants.grants) {
            return None;
        }
        let granted = if grants == Grants::NONE {
            "nothing is granted".to_owned()
        } else {
            format!("only {grants} is there")
        };
        let hint = format!(
            "write {} into the filter's table if it may have that; a filter built for \
             wasm32-unknown-unknown imports no WASI",
            grants.and(wants.grants)
        );
        let problem = format!("it imports {imports}, and {granted}");
        Some(Refusal::new(RefusalKind::Grant, problem, hint))
    }

    /// What to say of a component that is no filter.
    pub fn other_world(&self) -> Refusal {
        if let Some(other) = self.exports.iter().find(|name| name.starts_with(PACKAGE)) {
            return Refusal::plugin(
                format!("it exports {other}; this host speaks linemill:filter@0.1"),
                "build it again with the SDK of this version",
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
