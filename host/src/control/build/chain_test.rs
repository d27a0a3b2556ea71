//! Runs the tests of whole chains, `[[test]]`, before a generation goes live.
//!
//! In: settings, and the filters of a generation. Out: a report of each test that does not hold. The filters
//! under test are started for it, so tests are neither counted nor logged, and see no state of others.
//! Versions on trial are not tested. Not here: tests of one filter (`filter`).

use std::collections::HashMap;
use std::sync::Arc;

use super::Filters;
use super::filter::{FilterBuilder, Refused, list};
use linemill_config::Problem;
use linemill_config::settings::{ChainTest, Expected, ListenerSettings, StageSettings};
use linemill_sandbox::chain::{Chain, Stage};
use linemill_sandbox::self_test::{Passed, run_chain};

/// What to do about a test that does not hold.
const HINT: &str = "correct the test, the chain, or the settings of its filters";

/// Runs all tests of chains. `filters` are those of the new generation. What is wrong goes into `wrong`.
pub(super) async fn run_all(
    builder: &FilterBuilder<'_>,
    filters: &Filters,
    wrong: &mut Vec<Problem>,
) {
    for listener in &builder.settings.listeners {
        let tests = builder.settings.tests.iter();
        let tests: Vec<_> = tests
            .filter(|test| test.listener == listener.name)
            .collect();
        if tests.is_empty() {
            continue;
        }
        match chains(builder, filters, listener).await {
            Ok(chains) => {
                for test in tests {
                    wrong.extend(run(&chains, listener, test).await);
                }
            }
            Err(refused) => wrong.extend(refused.reports),
        }
    }
}

/// The chain and the reply chain of a listener, with filters of their own.
async fn chains(
    builder: &FilterBuilder<'_>,
    filters: &Filters,
    listener: &ListenerSettings,
) -> Result<[Arc<Chain>; 2], Refused> {
    let mut tested = HashMap::new();
    for stage in listener.chain.iter().chain(&listener.reply_chain) {
        let name = &stage.filter;
        let (Some(filter), false) = (filters.get(name), tested.contains_key(name)) else {
            continue;
        };
        let filter = builder.start_for_tests(filter.settings(), filter.plugin());
        tested.insert(name.clone(), filter.await?);
    }
    let stages = |chain: &[StageSettings]| {
        let stage = |stage: &StageSettings| {
            let filter = tested.get(&stage.filter)?;
            Some(Stage::new(Arc::clone(filter), stage.when.clone()))
        };
        chain.iter().filter_map(stage).collect()
    };
    let routes = listener.routes.keys().map(String::as_str);
    Ok([
        Arc::new(Chain::new(stages(&listener.chain), routes)),
        Arc::new(Chain::new(stages(&listener.reply_chain), [])),
    ])
}

/// Runs one test. Returns a report if it does not hold.
async fn run(
    [chain, reply_chain]: &[Arc<Chain>; 2],
    listener: &ListenerSettings,
    test: &ChainTest,
) -> Option<Problem> {
    let parts = [
        (chain, "chain", &test.forward),
        (reply_chain, "reply_chain", &test.reply),
    ];
    for (chain, key, expected) in parts {
        let Some(expected) = expected else { continue };
        let subject = format!("listener `{}`", listener.name);
        match run_chain(chain, listener.lines, &expected.input).await {
            Ok(passed) => {
                if let Some(difference) = difference(expected, &passed) {
                    let given = list(&expected.input);
                    let what = format!(
                        "{subject}: its test does not hold: {given} in `{key}` gave {difference}"
                    );
                    return Some(test.place.problem(what, HINT));
                }
            }
            Err(_) => {
                let what = format!(
                    "{subject}: its test could not run: the host lacks memory or another resource"
                );
                let hint = "see the limits of the process and the machine";
                return Some(test.place.problem(what, hint));
            }
        }
    }
    None
}

/// The first difference: "WHAT CAME, not WHAT WAS EXPECTED".
fn difference(expected: &Expected, passed: &Passed) -> Option<String> {
    if passed.lines != expected.output {
        let (found, wanted) = (list(&passed.lines), list(&expected.output));
        return Some(format!("{found}, not {wanted}"));
    }
    let routes = expected.routes.keys().chain(passed.routed.keys());
    for route in routes {
        let lines = |all: &std::collections::BTreeMap<String, Vec<Vec<u8>>>| {
            all.get(route).cloned().unwrap_or_default()
        };
        let (found, wanted) = (lines(&passed.routed), lines(&expected.routes));
        if found != wanted {
            let (found, wanted) = (list(&found), list(&wanted));
            return Some(format!("{found} by the route `{route}`, not {wanted}"));
        }
    }
    if passed.failed != expected.failed {
        let (found, wanted) = (passed.failed, expected.failed);
        return Some(format!("{found} failed lines, not {wanted}"));
    }
    None
}
