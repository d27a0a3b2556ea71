//! Copies of real filters with bytes changed: refused or loaded, started or not; no more than that.
//! And real ones in slots.

use std::sync::Arc;

use super::*;
use crate::bundled;
use crate::filter::{Filter, Reporting};
use crate::metrics::FilterFamilies;
use linemill_config::settings::{FilterSettings, PluginRef};
use linemill_fuzz_inputs::{Numbers, changed};
use linemill_telemetry::Gate;

/// Copies of each filter.
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
            let metrics = FilterFamilies::default().of(name);
            let engine = Arc::clone(&engine);
            let notices = Reporting {
                log: Gate::shut(),
                ..Reporting::default()
            };
            drop(Filter::start(engine, plugin, settings, metrics, notices).await);
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
    for name in bundled::names() {
        let component = bundled::component(name).unwrap();
        let plugin = Plugin::new(&engine, component, Grants::NONE).unwrap();
        assert!(plugin.in_slots(&engine).is_some(), "{name}");
        assert!(plugin.knows_slots());
    }
}

/// Found by random modules: wasmtime names what it refuses as the file has it.
#[test]
fn what_a_refusal_quotes_drives_no_terminal() {
    let component = r#"
        (component (core module
            (import "\1b[2J" "" (func))
            (import "\1b[2J" "" (func))))
    "#;
    let component = wat::parse_str(component).unwrap();
    let refusal = Plugin::new(&Engine::new().unwrap(), &component, Grants::NONE)
        .err()
        .unwrap();
    assert!(refusal.problem.contains("\\u{1b}[2J"), "{refusal}");
    assert!(!refusal.problem.contains(char::is_control), "{refusal}");
}
