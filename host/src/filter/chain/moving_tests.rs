//! Streams that go over from one chain to another, by bundled filters. What goes wrong inside of a
//! filter is in the black-box tests, which have guests for it.

use serde_json::{Value, json};

use super::super::tests::{RULES, out};
use super::*;
use crate::config::settings::{FilterSettings, Handover, Isolation, PluginRef, When};
use crate::filter::bundled;
use crate::filter::engine::Engine;
use crate::filter::imports::Grants;
use crate::filter::plugin::Plugin;
use crate::filter::stage::{Filter, Notices};
use crate::telemetry::metrics::Metrics;
use Handover::{KeepOld, StartFresh};

/// Filters of one configuration after another, with the metrics of all.
struct Filters {
    engine: Arc<Engine>,
    metrics: Metrics,
}

impl Filters {
    fn new() -> Self {
        let engine = Arc::new(Engine::new().unwrap());
        let metrics = Metrics::new();
        Self { engine, metrics }
    }

    /// The filter called `it`, which has this bundled plugin.
    async fn it(&self, plugin: &str, settings: Value, handover: Handover) -> Arc<Filter> {
        let mut given = FilterSettings::new("it", PluginRef::Name(plugin.into()));
        (given.settings, given.handover) = (settings, handover);
        self.start(plugin, given).await
    }

    async fn start(&self, plugin: &str, given: FilterSettings) -> Arc<Filter> {
        let component = bundled::component(plugin).unwrap();
        let plugin = Plugin::new(&self.engine, component, Grants::NONE).unwrap();
        let (engine, metrics) = (Arc::clone(&self.engine), self.metrics.filter(&given.name));
        Filter::start(engine, plugin, given, metrics, Notices::default())
            .await
            .unwrap()
    }

    /// How many streams came to each result.
    fn counted(&self) -> Vec<(String, u32)> {
        let text = self.metrics.text().unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("linemill_filter_handovers_total{"));
        let counts = lines.map(|line| {
            let (labels, count) = line.split_once("} ").unwrap();
            let (_, result) = labels.split_once("result=\"").unwrap();
            (result.replace('"', ""), count.parse().unwrap())
        });
        let mut counts: Vec<_> = counts.collect();
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

/// Moves on to a chain, out of which no line must come.
async fn move_to(passage: &mut Passage, chain: Arc<Chain>) {
    let flow = passage.move_to(chain, RULES).await;
    assert!(flow.lines.is_empty() && flow.routed.is_empty() && flow.close.is_none());
}

#[test]
fn stages_follow_those_of_their_name_in_order() {
    assert_eq!(heirs(&["a", "b"], &["b", "c", "a"]), [Some(2), Some(0)]);
    assert_eq!(
        heirs(&["a", "b", "a"], &["a", "a"]),
        [Some(0), None, Some(1)]
    );
    assert_eq!(heirs(&["a", "a"], &["b", "a"]), [Some(1), None]);
    assert_eq!(heirs(&["a"], &["a", "a"]), [Some(0)]);
    assert_eq!(heirs(&[], &["a"]), []);
}

#[tokio::test]
async fn another_version_goes_on_where_the_old_one_was() {
    let filters = Filters::new();
    let one = filters.it("number", json!({}), StartFresh).await;
    let (narrow, wide) = (json!({ "start": 100 }), json!({ "width": 3 }));
    let two = filters.it("number", narrow, StartFresh).await;
    let three = filters.it("number", wide, StartFresh).await;
    let mut passage = Passage::new(chain(&[&one]), RULES);
    assert_eq!(out(&mut passage, &["a", "b"]).await, "1 a\n2 b\n");
    move_to(&mut passage, chain(&[&two])).await;
    assert_eq!(out(&mut passage, &["c"]).await, "3 c\n");
    // Nothing came in between, and something stands before it.
    let turn = filters
        .start(
            "rot13",
            FilterSettings::new("turn", PluginRef::Name("rot13".into())),
        )
        .await;
    move_to(&mut passage, chain(&[&one])).await;
    move_to(&mut passage, chain(&[&turn, &three])).await;
    assert_eq!(out(&mut passage, &["d"]).await, "004 q\n");
    filters.assert_counted(&[("restored", 3)]);
}

#[tokio::test]
async fn an_idle_stream_has_nothing_to_hand_over() {
    let filters = Filters::new();
    let one = filters.it("number", json!({}), StartFresh).await;
    let two = filters.it("number", json!({}), StartFresh).await;
    let mut passage = Passage::new(chain(&[&one]), RULES);
    move_to(&mut passage, chain(&[&two])).await;
    assert!(passage.places[0].own.is_none());
    filters.assert_counted(&[]);
    assert_eq!(out(&mut passage, &["a"]).await, "1 a\n");
}

#[tokio::test]
async fn nor_has_an_instance_that_keeps_no_state() {
    let filters = Filters::new();
    let mut given = FilterSettings::new("it", PluginRef::Name("rot13".into()));
    given.isolation = Isolation::Connection;
    let one = filters.start("rot13", given.clone()).await;
    let two = filters.start("rot13", given).await;
    let mut passage = Passage::new(chain(&[&one]), RULES);
    assert_eq!(out(&mut passage, &["a"]).await, "n\n");
    assert!(!passage.places[0].own.is_none());
    move_to(&mut passage, chain(&[&two])).await;
    filters.assert_counted(&[]);
    assert_eq!(out(&mut passage, &["a"]).await, "n\n");
}

#[tokio::test]
async fn a_state_that_is_refused_starts_fresh() {
    let filters = Filters::new();
    let number = filters.it("number", json!({}), StartFresh).await;
    let dedup = filters.it("dedup", json!({}), StartFresh).await;
    let mut passage = Passage::new(chain(&[&number]), RULES);
    assert_eq!(out(&mut passage, &["a"]).await, "1 a\n");
    move_to(&mut passage, chain(&[&dedup])).await;
    assert_eq!(out(&mut passage, &["a", "a"]).await, "a\n");
    filters.assert_counted(&[("fresh", 1)]);
}

#[tokio::test]
async fn or_keeps_the_old_filter_until_a_swap_that_works() {
    let filters = Filters::new();
    let number = filters.it("number", json!({}), StartFresh).await;
    let dedup = filters.it("dedup", json!({}), KeepOld).await;
    let turn = filters.it("rot13", json!({}), KeepOld).await;
    let last = filters.it("number", json!({ "width": 2 }), KeepOld).await;
    let mut passage = Passage::new(chain(&[&number]), RULES);
    assert_eq!(out(&mut passage, &["a"]).await, "1 a\n");
    // Its place in the chain is the new one, with the condition that holds there.
    let mut upper = FilterSettings::new("case", PluginRef::Name("case".into()));
    upper.settings = json!({ "to": "upper" });
    let case = filters.start("case", upper).await;
    move_to(
        &mut passage,
        conditional(&[(&case, None), (&dedup, Some("A"))]),
    )
    .await;
    assert_eq!(out(&mut passage, &["a", "b", "a"]).await, "2 A\nB\n3 A\n");
    let fresh = Passage::new(Arc::clone(&passage.chain), RULES);
    assert!(
        fresh.places[1].kept.is_none(),
        "other streams begin with the new"
    );
    // No export `state` at all.
    move_to(&mut passage, chain(&[&turn])).await;
    assert_eq!(out(&mut passage, &["b"]).await, "4 b\n");
    move_to(&mut passage, chain(&[&last])).await;
    assert_eq!(out(&mut passage, &["b"]).await, "05 b\n");
    assert!(passage.places[0].kept.is_none());
    filters.assert_counted(&[("kept", 2), ("restored", 1)]);
}

#[tokio::test]
async fn a_kept_filter_can_be_asked_by_the_filter_that_it_was_kept_from() {
    let filters = Filters::new();
    let count = json!({ "by": "count", "one_in": 2 });
    let one = filters.it("sample", count, StartFresh).await;
    let content = json!({ "by": "content", "one_in": 1 });
    let two = filters.it("sample", content, KeepOld).await;
    let mut passage = Passage::new(chain(&[&one]), RULES);
    assert_eq!(out(&mut passage, &["a"]).await, "a\n");
    // The same chain again, as when something else of the configuration changed.
    for kept in 1..=2 {
        move_to(&mut passage, chain(&[&two])).await;
        filters.assert_counted(&[("kept", kept)]);
    }
    assert_eq!(out(&mut passage, &["b", "c"]).await, "c\n");
    move_to(&mut passage, chain(&[])).await;
    filters.assert_counted(&[("kept", 2)]);
}

#[tokio::test]
async fn two_places_of_one_filter_keep_apart() {
    let filters = Filters::new();
    let one = filters.it("number", json!({}), StartFresh).await;
    let two = filters.it("number", json!({}), StartFresh).await;
    let both = |filter| conditional(&[(filter, Some("x")), (filter, Some("y"))]);
    let mut passage = Passage::new(both(&one), RULES);
    assert_eq!(out(&mut passage, &["y", "y"]).await, "1 y\n2 y\n");
    move_to(&mut passage, both(&two)).await;
    assert!(passage.places[0].own.is_none());
    assert_eq!(out(&mut passage, &["y", "x"]).await, "3 y\n1 x\n");
    move_to(&mut passage, both(&one)).await;
    assert_eq!(out(&mut passage, &["x", "y"]).await, "2 x\n4 y\n");
    filters.assert_counted(&[("restored", 3)]);
    // One of them leaves; also when it is the very same filter.
    move_to(&mut passage, conditional(&[(&one, Some("x"))])).await;
    assert_eq!(out(&mut passage, &["x", "y"]).await, "3 x\ny\n");
}

#[tokio::test]
async fn the_widest_window_of_dedup_fits() {
    let filters = Filters::new();
    let widest = json!({ "window": 50_000 });
    let one = filters.it("dedup", widest.clone(), StartFresh).await;
    let two = filters.it("dedup", widest, StartFresh).await;
    let contents: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    let mut passage = Passage::new(chain(&[&one]), RULES);
    for part in contents.chunks(5000) {
        out(&mut passage, part).await;
    }
    move_to(&mut passage, chain(&[&two])).await;
    filters.assert_counted(&[("restored", 1)]);
    let known = ["0", "new", "49999", "25000"];
    assert_eq!(out(&mut passage, &known).await, "new\n");
}
