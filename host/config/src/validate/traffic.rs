//! Rules between the keys of `rate`, `total_rate` and `watermarks` of a listener.

use crate::checker::Checker;
use crate::kind::Written;
use crate::settings::{Rate, Watermarks};
use crate::units::SIZE;

/// The most bursts per second that may be needed to reach a rate; timers are not finer.
const BURSTS: u64 = 100;

/// A burst belongs to `bytes`, which must be reachable with it. A rate limits something.
pub(crate) fn rate(rate: &mut Rate, written: &Written<'_, '_>, checker: &mut Checker<'_>) {
    let table = written.table;
    let burst = table.item("burst");
    if let (Some(item), Some(burst), Some(bytes)) = (&burst, rate.burst, rate.bytes)
        && burst < bytes / BURSTS
    {
        let least = SIZE.show(bytes / BURSTS);
        checker.problems.push(item.refuse(
            "is less than `bytes` lets through in 10 ms, so that rate could not be reached",
            format!("write a size from \"{least}\", or leave `burst` out"),
        ));
    }
    if let (Some(burst), false) = (&burst, table.has("bytes")) {
        checker.problems.push(burst.refuse(
            "is a burst of bytes, but bytes are not limited",
            "add `bytes`",
        ));
    } else if !table.has("bytes") && !table.has("lines") {
        let problem = written.item.refuse("limits nothing", written.right);
        checker.problems.push(problem);
    }
}

/// `low` does not exceed `high`, and is a quarter of it by default.
pub(crate) fn watermarks(
    marks: &mut Watermarks,
    written: &Written<'_, '_>,
    checker: &mut Checker<'_>,
) {
    match written.table.item("low") {
        None => marks.low = marks.high / 4,
        Some(item) if written.valid && marks.low > marks.high => {
            let high = SIZE.show(marks.high as u64);
            let fault = format!("is more than the `high` of {high}");
            let hint =
                "reading stops above `high` and goes on at `low`: raise the one or lower the other";
            checker.problems.push(item.refuse(fault, hint));
        }
        Some(_) => {}
    }
}
