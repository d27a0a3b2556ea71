//! Streams that move from one chain to another, with bundled filters. The black-box tests cover
//! filters that fail during a handover.

use serde_json::{Value, json};

use super::*;
use crate::bundled;
use crate::chain::tests::{RULES, out};
use crate::engine::Engine;
use crate::filter::{Filter, Reporting};
use crate::imports::Grants;
use crate::metrics::FilterFamilies;
use crate::plugin::Plugin;
use Handover::{KeepOld, StartFresh};
use linemill_config::settings::{FilterSettings, Handover, Isolation, PluginRef, When};
use prometheus_client::registry::Registry;

/// Starts the filters of successive configurations, with metrics that they share.
struct Filters {
    engine: Arc<Engine>,
    registry: Registry,
    metrics: FilterFamilies,
}

impl Filters {
    fn new() -> Self {
        let engine = Arc::new(Engine::new().unwrap());
        let mut registry = Registry::with_prefix("linemill");
        let metrics = FilterFamilies::register(&mut registry);
        Self {
            engine,
            registry,
            metrics,
        }
    }

    /// Starts a filter called `it` with this bundled plugin.
    async fn it(&self, plugin: &str, settings: Value, handover: Handover) -> Arc<Filter> {
        let mut filter = FilterSettings::new("it", PluginRef::Name(plugin.into()));
        (filter.settings, filter.handover) = (settings, handover);
        self.start(plugin, filter).await
    }

    async fn start(&self, plugin: &str, settings: FilterSettings) -> Arc<Filter> {
        let component = bundled::component(plugin).unwrap();
        let plugin = Plugin::new(&self.engine, component, Grants::NONE).unwrap();
        let engine = Arc::clone(&self.engine);
        Filter::start(
            engine,
            plugin,
            settings,
            &self.metrics,
            Reporting::default(),
        )
        .await
        .unwrap()
    }

    /// How many handovers had each result.
    fn counted(&self) -> Vec<(String, u32)> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("linemill_filter_handovers_total{"));
        let counts = lines.map(|line| {
            let (labels, count) = line.split_once("} ").unwrap();
            let (_, result) = labels.split_once("result=\"").unwrap();
            (result.replace('"', ""), count.parse().unwrap())
        });
        // All results are there from the start.
        let mut counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        counts.sort();
        counts
    }

    #[track_caller]
    fn assert_counted(&self, expected: &[(&str, u32)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(result, count)| ((*result).to_owned(), *count))
            .collect();
        assert_eq!(self.counted(), expected);
    }
}

fn chain(stages: &[&Arc<Filter>]) -> Arc<Chain> {
    let stages = stages.iter().map(|filter| (*filter, None));
    conditional(&stages.collect::<Vec<_>>())
}

fn conditional(stages: &[(&Arc<Filter>, Option<&str>)]) -> Arc<Chain> {
    let stages = stages.iter().map(|(filter, when)| {
        let when = when.map(|pattern| When::new(pattern).unwrap());
        Stage::new(Arc::clone(filter), when)
    });
    Arc::new(Chain::new(stages.collect(), []))
}

/// Moves the stream to a chain. No line may come out of the old one.
async fn move_to(stream: &mut StreamState, chain: Arc<Chain>) {
    let output = stream.move_to(chain, RULES).await;
    assert!(output.lines.is_empty() && output.routed.is_empty() && output.close.is_none());
}

#[test]
fn stages_of_one_name_succeed_each_other_in_order() {
    assert_eq!(
        successors(&["a", "b"], &["b", "c", "a"]),
        [Some(2), Some(0)]
    );
    assert_eq!(
        successors(&["a", "b", "a"], &["a", "a"]),
        [Some(0), None, Some(1)]
    );
    assert_eq!(successors(&["a", "a"], &["b", "a"]), [Some(1), None]);
    assert_eq!(successors(&["a"], &["a", "a"]), [Some(0)]);
    assert_eq!(successors(&[], &["a"]), []);
}

#[tokio::test]
async fn a_new_version_continues_with_the_old_state() {
    let filters = Filters::new();
    let one = filters.it("number", json!({}), StartFresh).await;
    let (narrow, wide) = (json!({ "start": 100 }), json!({ "width": 3 }));
    let two = filters.it("number", narrow, StartFresh).await;
    let three = filters.it("number", wide, StartFresh).await;
    let mut stream = StreamState::new(chain(&[&one]), RULES);
    assert_eq!(out(&mut stream, &["a", "b"]).await, "1 a\n2 b\n");
    move_to(&mut stream, chain(&[&two])).await;
    assert_eq!(out(&mut stream, &["c"]).await, "3 c\n");
    // No line came since the last move, and the new chain has another filter before this one.
    let turn = filters
        .start(
            "rot13",
            FilterSettings::new("turn", PluginRef::Name("rot13".into())),
        )
        .await;
    move_to(&mut stream, chain(&[&one])).await;
    move_to(&mut stream, chain(&[&turn, &three])).await;
    assert_eq!(out(&mut stream, &["d"]).await, "004 q\n");
    filters.assert_counted(&[("restored", 3)]);
}

#[tokio::test]
async fn an_idle_stream_has_nothing_to_hand_over() {
    let filters = Filters::new();
    let one = filters.it("number", json!({}), StartFresh).await;
    let two = filters.it("number", json!({}), StartFresh).await;
    let mut stream = StreamState::new(chain(&[&one]), RULES);
    move_to(&mut stream, chain(&[&two])).await;
    assert!(stream.stages[0].own.is_none());
    filters.assert_counted(&[]);
    assert_eq!(out(&mut stream, &["a"]).await, "1 a\n");
}

#[tokio::test]
async fn an_instance_without_state_has_nothing_to_hand_over() {
    let filters = Filters::new();
    let mut filter = FilterSettings::new("it", PluginRef::Name("rot13".into()));
    filter.isolation = Isolation::Connection;
    let one = filters.start("rot13", filter.clone()).await;
    let two = filters.start("rot13", filter).await;
    let mut stream = StreamState::new(chain(&[&one]), RULES);
    assert_eq!(out(&mut stream, &["a"]).await, "n\n");
    assert!(!stream.stages[0].own.is_none());
    move_to(&mut stream, chain(&[&two])).await;
    filters.assert_counted(&[]);
    assert_eq!(out(&mut stream, &["a"]).await, "n\n");
}

#[tokio::test]
async fn a_refused_state_starts_fresh() {
    let filters = Filters::new();
    let number = filters.it("number", json!({}), StartFresh).await;
    let dedup = filters.it("dedup", json!({}), StartFresh).await;
    let mut stream = StreamState::new(chain(&[&number]), RULES);
    assert_eq!(out(&mut stream, &["a"]).await, "1 a\n");
    move_to(&mut stream, chain(&[&dedup])).await;
    assert_eq!(out(&mut stream, &["a", "a"]).await, "a\n");
    filters.assert_counted(&[("fresh", 1)]);
}

#[tokio::test]
async fn a_refused_state_can_keep_the_old_filter_until_a_swap_succeeds() {
    let filters = Filters::new();
    let number = filters.it("number", json!({}), StartFresh).await;
    let dedup = filters.it("dedup", json!({}), KeepOld).await;
    let turn = filters.it("rot13", json!({}), KeepOld).await;
    let last = filters.it("number", json!({ "width": 2 }), KeepOld).await;
    let mut stream = StreamState::new(chain(&[&number]), RULES);
    assert_eq!(out(&mut stream, &["a"]).await, "1 a\n");
    // The kept filter has its position and its condition from the new chain.
    let mut upper = FilterSettings::new("case", PluginRef::Name("case".into()));
    upper.settings = json!({ "to": "upper" });
    let case = filters.start("case", upper).await;
    move_to(
        &mut stream,
        conditional(&[(&case, None), (&dedup, Some("A"))]),
    )
    .await;
    assert_eq!(out(&mut stream, &["a", "b", "a"]).await, "2 A\nB\n3 A\n");
    let fresh = StreamState::new(Arc::clone(&stream.chain), RULES);
    assert!(
        fresh.stages[1].kept.is_none(),
        "other streams begin with the new"
    );
    // This version has no export `state`.
    move_to(&mut stream, chain(&[&turn])).await;
    assert_eq!(out(&mut stream, &["b"]).await, "4 b\n");
    move_to(&mut stream, chain(&[&last])).await;
    assert_eq!(out(&mut stream, &["b"]).await, "05 b\n");
    assert!(stream.stages[0].kept.is_none());
    filters.assert_counted(&[("kept", 2), ("restored", 1)]);
}

#[tokio::test]
async fn a_kept_filter_is_asked_again_at_the_next_move() {
    let filters = Filters::new();
    let count = json!({ "by": "count", "one_in": 2 });
    let one = filters.it("sample", count, StartFresh).await;
    let content = json!({ "by": "content", "one_in": 1 });
    let two = filters.it("sample", content, KeepOld).await;
    let mut stream = StreamState::new(chain(&[&one]), RULES);
    assert_eq!(out(&mut stream, &["a"]).await, "a\n");
    // The chain is the same again, as when another part of the configuration changed.
    for kept in 1..=2 {
        move_to(&mut stream, chain(&[&two])).await;
        filters.assert_counted(&[("kept", kept)]);
    }
    assert_eq!(out(&mut stream, &["b", "c"]).await, "c\n");
    move_to(&mut stream, chain(&[])).await;
    filters.assert_counted(&[("kept", 2)]);
}

#[tokio::test]
async fn two_stages_of_one_filter_have_separate_states() {
    let filters = Filters::new();
    let one = filters.it("number", json!({}), StartFresh).await;
    let two = filters.it("number", json!({}), StartFresh).await;
    let both = |filter| conditional(&[(filter, Some("x")), (filter, Some("y"))]);
    let mut stream = StreamState::new(both(&one), RULES);
    assert_eq!(out(&mut stream, &["y", "y"]).await, "1 y\n2 y\n");
    move_to(&mut stream, both(&two)).await;
    assert!(stream.stages[0].own.is_none());
    assert_eq!(out(&mut stream, &["y", "x"]).await, "3 y\n1 x\n");
    move_to(&mut stream, both(&one)).await;
    assert_eq!(out(&mut stream, &["x", "y"]).await, "2 x\n4 y\n");
    filters.assert_counted(&[("restored", 3)]);
    // One of the two stages leaves, though the filter stays the same.
    move_to(&mut stream, conditional(&[(&one, Some("x"))])).await;
    assert_eq!(out(&mut stream, &["x", "y"]).await, "3 x\ny\n");
}

#[tokio::test]
async fn the_widest_window_of_dedup_can_be_handed_over() {
    let filters = Filters::new();
    let widest = json!({ "window": 50_000 });
    let one = filters.it("dedup", widest.clone(), StartFresh).await;
    let two = filters.it("dedup", widest, StartFresh).await;
    let contents: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    let mut stream = StreamState::new(chain(&[&one]), RULES);
    for part in contents.chunks(5000) {
        out(&mut stream, part).await;
    }
    move_to(&mut stream, chain(&[&two])).await;
    filters.assert_counted(&[("restored", 1)]);
    let known = ["0", "new", "49999", "25000"];
    assert_eq!(out(&mut stream, &known).await, "new\n");
}
