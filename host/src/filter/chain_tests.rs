//! Streams through chains of bundled filters.

use super::*;
use crate::config::settings::{FilterSettings, Framing, OnError, PluginRef};
use crate::filter::bundled;
use crate::filter::engine::Engine;
use crate::filter::plugin::Plugin;
use crate::telemetry::log::Gate;
use crate::telemetry::metrics::Metrics;

const RULES: Rules = Rules {
    framing: Framing::Lf,
    max_output: 1024,
};

async fn filter(name: &str, settings: serde_json::Value) -> Arc<Filter> {
    let engine = Arc::new(Engine::new().unwrap());
    let plugin = Plugin::new(&engine, bundled::component(name).unwrap()).unwrap();
    let mut given = FilterSettings::new(name, PluginRef::Name(name.into()));
    given.settings = settings;
    given.on_error = OnError::Pass;
    Filter::start(
        engine,
        plugin,
        given,
        Metrics::new().filter(name),
        Gate::default(),
    )
    .await
    .unwrap()
}

fn chain(stages: &[&Arc<Filter>]) -> Arc<Chain> {
    Arc::new(Chain::new(
        stages.iter().map(|filter| Arc::clone(filter)).collect(),
    ))
}

fn lines(contents: &[&str]) -> Lines {
    let mut lines = Lines::default();
    contents
        .iter()
        .for_each(|content| lines.push(content.as_bytes(), b"\n"));
    lines
}

async fn out(passage: &mut Passage, contents: &[&str]) -> String {
    let flow = passage.process(lines(contents)).await;
    String::from_utf8(flow.lines.into_bytes()).unwrap()
}

#[tokio::test]
async fn lines_go_through_the_stages_in_order() {
    let (turn, upper) = (
        filter("rot13", serde_json::json!({})).await,
        filter("case", serde_json::json!({"to": "upper"})).await,
    );
    let mut passage = Passage::new(chain(&[&turn, &upper]), RULES);
    assert_eq!(out(&mut passage, &["Hello", "", "x"]).await, "URYYB\n\nK\n");
}

#[tokio::test]
async fn an_empty_chain_gives_back_the_very_block() {
    let mut passage = Passage::new(chain(&[]), RULES);
    let input = lines(&["a"]);
    let at = input.bytes().as_ptr();
    assert_eq!(passage.process(input).await.lines.bytes().as_ptr(), at);
}

#[tokio::test]
async fn a_filter_with_state_has_an_instance_a_stream() {
    let number = filter("number", serde_json::json!({})).await;
    assert!(number.is_exclusive());
    let (mut one, mut other) = (
        Passage::new(chain(&[&number]), RULES),
        Passage::new(chain(&[&number]), RULES),
    );
    let first = out(&mut one, &["a", "b"]).await;
    assert_eq!(
        out(&mut other, &["a", "b"]).await,
        first,
        "each stream is numbered from the start"
    );
    assert_ne!(
        out(&mut one, &["a", "b"]).await,
        first,
        "and goes on in the next batch"
    );
}

#[tokio::test]
async fn state_goes_along_to_a_chain_that_has_the_same_filter() {
    let (number, other) = (
        filter("number", serde_json::json!({})).await,
        filter("number", serde_json::json!({})).await,
    );
    let turn = filter("rot13", serde_json::json!({})).await;
    let mut straight = Passage::new(chain(&[&number]), RULES);
    let expected = [
        out(&mut straight, &["1"]).await,
        out(&mut straight, &["2"]).await,
    ];

    let mut passage = Passage::new(chain(&[&number]), RULES);
    assert_eq!(out(&mut passage, &["1"]).await, expected[0]);
    assert!(
        passage
            .move_to(chain(&[&turn, &number]), RULES)
            .await
            .lines
            .is_empty()
    );
    assert_eq!(
        out(&mut passage, &["2"]).await,
        expected[1],
        "the same filter goes on where it was"
    );
    passage.move_to(chain(&[&other]), RULES).await;
    assert_eq!(
        out(&mut passage, &["1"]).await,
        expected[0],
        "another filter begins anew"
    );
}
