//! Streams that pass through chains of bundled filters.

use super::*;
use crate::bundled;
use crate::engine::Engine;
use crate::filter::Reporting;
use crate::imports::Grants;
use crate::metrics::FilterFamilies;
use crate::plugin::Plugin;
use crate::verdict::Rules;
use linemill_config::settings::{FilterSettings, OnError, PluginRef};
use linemill_framing::{Framing, Lines};

pub(super) const RULES: Rules = Rules {
    framing: Framing::Lf,
    max_output: 1024,
};

async fn filter(name: &str, settings: serde_json::Value) -> Arc<Filter> {
    let engine = Arc::new(Engine::new().unwrap());
    let plugin = Plugin::new(&engine, bundled::component(name).unwrap(), Grants::NONE).unwrap();
    let mut filter = FilterSettings::new(name, PluginRef::Name(name.into()));
    filter.settings = settings;
    filter.on_error = Some(OnError::Pass);
    Filter::start(
        engine,
        plugin,
        filter,
        &FilterFamilies::default(),
        Reporting::default(),
    )
    .await
    .unwrap()
}

fn chain(stages: &[&Arc<Filter>]) -> Arc<Chain> {
    let stages = stages.iter().copied().cloned();
    Arc::new(Chain::new(
        stages.map(|filter| Stage::new(filter, None)).collect(),
        ["errors"],
    ))
}

fn lines(contents: &[&str]) -> Lines {
    let mut lines = Lines::default();
    contents
        .iter()
        .for_each(|content| lines.push(content.as_bytes(), b"\n"));
    lines
}

pub(super) async fn out(stream: &mut StreamState, contents: &[&str]) -> String {
    let output = stream.process(lines(contents)).await;
    String::from_utf8(output.lines.into_bytes()).unwrap()
}

#[tokio::test]
async fn lines_go_through_the_stages_in_order() {
    let (turn, upper) = (
        filter("rot13", serde_json::json!({})).await,
        filter("case", serde_json::json!({"to": "upper"})).await,
    );
    let mut stream = StreamState::new(chain(&[&turn, &upper]), RULES);
    assert_eq!(out(&mut stream, &["Hello", "", "x"]).await, "URYYB\n\nK\n");
}

#[tokio::test]
async fn an_empty_chain_returns_lines_uncopied() {
    let mut stream = StreamState::new(chain(&[]), RULES);
    let input = lines(&["a"]);
    let at = input.bytes().as_ptr();
    assert_eq!(stream.process(input).await.lines.bytes().as_ptr(), at);
}

#[tokio::test]
async fn a_filter_with_state_has_one_instance_per_stream() {
    let number = filter("number", serde_json::json!({})).await;
    assert!(number.is_exclusive());
    let (mut one, mut other) = (
        StreamState::new(chain(&[&number]), RULES),
        StreamState::new(chain(&[&number]), RULES),
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
        "numbering continues in the next batch"
    );
}

#[tokio::test]
async fn state_moves_to_a_chain_with_the_same_filter() {
    let number = filter("number", serde_json::json!({})).await;
    let turn = filter("rot13", serde_json::json!({})).await;
    let mut stream = StreamState::new(chain(&[&number]), RULES);
    assert_eq!(out(&mut stream, &["a"]).await, "1 a\n");
    let moved = stream.move_to(chain(&[&turn, &number]), RULES).await;
    assert!(moved.lines.is_empty());
    assert_eq!(out(&mut stream, &["a"]).await, "2 n\n");
    stream.move_to(chain(&[&turn]), RULES).await;
    stream.move_to(chain(&[&number]), RULES).await;
    assert_eq!(out(&mut stream, &["a"]).await, "1 a\n");
}

/// A filter that sends lines with one of `patterns` to `route`.
async fn sender(patterns: &[&str], route: &str) -> Arc<Filter> {
    let settings = serde_json::json!({ "keep": patterns, "route": route });
    filter("grep", settings).await
}

/// A chain of conditional stages in which only `routes` have a destination.
fn routed(stages: &[(&Arc<Filter>, Option<&str>)], routes: &[&str]) -> StreamState {
    let stages = stages.iter().map(|(filter, when)| {
        let when = when.map(|pattern| When::new(pattern).unwrap());
        Stage::new(Arc::clone(filter), when)
    });
    let chain = Chain::new(stages.collect(), routes.iter().copied());
    StreamState::new(Arc::new(chain), RULES)
}

/// The lines that pass through the chain, and those that leave by each route.
fn parts(output: ChainOutput) -> (String, Vec<(String, String)>) {
    let text = |lines: Lines| String::from_utf8(lines.into_bytes()).unwrap();
    let routed = output
        .routed
        .into_iter()
        .map(|(route, lines)| (route.to_string(), text(lines)))
        .collect();
    (text(output.lines), routed)
}

#[tokio::test]
async fn lines_leave_by_the_routes_of_the_chain() {
    let upper = filter("case", serde_json::json!({"to": "upper"})).await;
    let (bad, slow, odd) = (
        sender(&["bad"], "errors").await,
        sender(&["slow"], "slow").await,
        sender(&["odd", "^$"], "errors").await,
    );
    assert_eq!(bad.routes(), ["errors"]);
    let stages = [(&bad, None), (&slow, None), (&odd, None), (&upper, None)];
    let mut stream = routed(&stages, &["errors"]);
    let input = ["a", "odd", "slow", "bad 1", "", "b", "bad 2", "odd"];
    let (lines, routes) = parts(stream.process(lines(&input)).await);
    assert_eq!(lines, "A\nSLOW\nB\n", "`slow` has no destination");
    let expected = "odd\nbad 1\n\nbad 2\nodd\n";
    assert_eq!(routes, [("errors".to_owned(), expected.to_owned())]);

    let (lines, routes) = parts(stream.finish(self::lines(&["bad"])).await);
    assert_eq!((&*lines, &*routes[0].1), ("", "bad\n"));
}

#[tokio::test]
async fn a_chain_knows_which_routes_its_filters_declare() {
    let bad = sender(&["bad"], "errors").await;
    let chain = Chain::new(vec![Stage::new(bad, None)], []);
    assert!(chain.declares("errors"));
    assert!(!chain.declares("slow"));
    assert!(!Chain::default().declares("errors"));
}

#[tokio::test]
async fn lines_that_do_not_match_bypass_a_stage() {
    let (turn, number) = (
        filter("rot13", serde_json::json!({})).await,
        filter("number", serde_json::json!({})).await,
    );
    let stages = [(&turn, Some("^a")), (&number, Some("[0-9]$"))];
    let mut stream = routed(&stages, &[]);
    let input = ["a", "ab1", "b1", "", "b", "a"];
    assert_eq!(out(&mut stream, &input).await, "n\n1 no1\n2 b1\n\nb\nn\n");
    assert_eq!(out(&mut stream, &["b"]).await, "b\n");
    assert_eq!(
        out(&mut stream, &["b2", "ab", "b3"]).await,
        "3 b2\nno\n4 b3\n"
    );
}

#[tokio::test]
async fn no_instance_starts_while_all_lines_bypass_a_filter() {
    let number = filter("number", serde_json::json!({})).await;
    let mut stream = routed(&[(&number, Some("x"))], &[]);
    let input = lines(&["a", "b"]);
    let at = input.bytes().as_ptr();
    assert_eq!(stream.process(input).await.lines.bytes().as_ptr(), at);
    assert!(stream.stages[0].own.is_none());
}

#[tokio::test]
async fn state_is_kept_when_only_a_condition_changes() {
    let number = filter("number", serde_json::json!({})).await;
    let mut stream = routed(&[(&number, None)], &[]);
    assert_eq!(out(&mut stream, &["a"]).await, "1 a\n");
    let next = routed(&[(&number, Some("b"))], &[]).chain;
    stream.move_to(next, RULES).await;
    assert_eq!(out(&mut stream, &["a", "b"]).await, "a\n2 b\n");
}
