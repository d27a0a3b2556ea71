//! Stack overflows. Each must end one call and nothing else.

use linemill_tests::{Host, guest};

use super::alternate;
use super::measure::Measure;

pub(super) fn run(count: u64) -> anyhow::Result<Vec<Measure>> {
    let mut host = Host::filtering(&guest::batch("recurse"), "");
    alternate::send(host.address(), count, |_| ())?;
    host.expect_alive();
    Ok(vec![
        Measure::exactly(count, "stack overflows, of kind `stack`", {
            super::failures(&host, "guest", Some("stack"))
        }),
        Measure::exactly(count, "lines that failed", {
            super::failures(&host, "guest", None)
        }),
    ])
}
