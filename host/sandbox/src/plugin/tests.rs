//! Real filters with changed bytes: they may be refused, or loaded and started, but nothing crashes.
//! Also, real filters in slots.

use std::sync::Arc;

use super::*;
use crate::bundled;
use crate::filter::{Filter, Reporting};
use crate::metrics::FilterFamilies;
use linemill_config::Keyword as _;
use linemill_config::settings::{FilterSettings, Grant, PluginRef};
use linemill_fuzz_inputs::{Numbers, changed};
use linemill_telemetry::Gate;

/// Changed copies of each filter.
const COPIES: usize = 150;

#[tokio::test]
async fn changed_copies_of_filters_are_refused_or_loaded() {
    let engine = Arc::new(Engine::new().unwrap());
    let mut numbers = Numbers::new(0x6c69_6e65_6d69_6c6c);
    let (mut refused, mut loaded) = (0, 0);
    for name in ["rot13", "case"] {
        let component = bundled::component(name).unwrap();
        for _ in 0..COPIES {
            let copy = changed(component, 4, &mut numbers);
            let Ok(plugin) = Plugin::new(&engine, &copy, Grants::NONE) else {
                refused += 1;
                continue;
            };
            loaded += 1;
            let settings = FilterSettings::new(name, PluginRef::Name(name.into()));
            let families = FilterFamilies::default();
            let engine = Arc::clone(&engine);
            let reporting = Reporting {
                log: Gate::shut(),
                ..Reporting::default()
            };
            drop(Filter::start(engine, plugin, settings, &families, reporting).await);
        }
    }
    assert!(
        refused > 0 && loaded > 0,
        "{refused} refused, {loaded} loaded"
    );
}

#[test]
fn bundled_filters_fit_into_slots() {
    let engine = Engine::new().unwrap();
    let all: Vec<_> = Grant::KEYWORDS.iter().map(|(_, grant)| *grant).collect();
    for name in bundled::names() {
        let component = bundled::component(name).unwrap();
        let plugin = Plugin::new(&engine, component, Grants::of(&all)).unwrap();
        assert!(plugin.in_slots(&engine).is_some(), "{name}");
        assert!(plugin.knows_slots());
    }
}

/// Found with random modules: wasmtime's errors quote names from the file unescaped.
#[test]
fn refusals_escape_control_characters() {
    let text = r#"
        (component (core module
            (import "\1b[2J" "" (func))
            (import "\1b[2J" "" (func))))
    "#;
    let component = wat::parse_str(text).unwrap();
    let refusal = Plugin::new(&Engine::new().unwrap(), &component, Grants::NONE)
        .err()
        .unwrap();
    let problem = refusal.problem.what();
    assert!(problem.contains("\\u{1b}[2J"), "{problem}");
    assert!(!problem.contains(char::is_control), "{problem}");
}
