//! The check of a listener's routes against those of its filters.

use std::path::Path;

use super::*;
use linemill_sandbox::engine::Engine;

const CONFIG: &str = r#"
    [[listener]]
    name = "logs"
    chain = ["bad", "slow", "rot13"]
    [filter.bad]
    plugin = "grep"
    settings = { keep = ["bad"], route = "errors" }
    [filter.slow]
    plugin = "grep"
    settings = { keep = ["slow"], route = "late" }
    [filter.rot13]
"#;

async fn built() -> (Settings, Generation) {
    let bundled = linemill_sandbox::bundled::names();
    let settings = linemill_config::parse(Path::new("a.toml"), CONFIG, &bundled).expect("it holds");
    let plugins = Loader::new(Arc::new(Engine::new().expect("an engine")));
    let (metrics, files) = (FilterFamilies::default(), Files::default());
    let context = BuildContext::new(&plugins, &metrics, &files);
    let built = build(&settings, &context).await;
    (settings, built.expect("it can be built"))
}

#[tokio::test]
async fn a_route_that_no_filter_has_is_refused() {
    let (settings, built) = built().await;
    let refused = |filters: &[&str], routes: &[&str]| {
        let filters = filters.iter().map(|name| Arc::clone(&built.filters[*name]));
        let stages = filters.map(|filter| Stage::new(filter, None)).collect();
        let chain = Chain::new(stages, routes.iter().copied());
        unused_routes(&settings.listeners[0], &chain).map(|report| report.to_string())
    };
    assert_eq!(refused(&["bad", "slow"], &["errors"]), None);
    assert_eq!(refused(&["bad", "rot13"], &[]), None);

    let report =
        refused(&["bad", "slow", "rot13"], &["errors", "eror"]).expect("`eror` is not a route");
    for part in [
        "listener `logs`",
        "by the route `eror`",
        "`errors` of filter `bad`, `late` of filter `slow`",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let report = refused(&["rot13"], &["errors"]).expect("rot13 has no routes");
    assert!(
        report.contains("no filter of the chain has routes"),
        "{report}"
    );
}
