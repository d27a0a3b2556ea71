//! Filters that are called at times when no line comes.

use std::time::Duration;

use crate::{Filter, Output};

/// A filter that is also called at times, when no line comes: to join lines that belong together, or to
/// count in windows of time. Export it by `export!(Name: Timer)`.
///
/// It must keep state: see [`Filter::KEEPS_STATE`]. How lines are cut into calls still has no meaning,
/// but what the filter emits may depend on time. [`testing::timed`](crate::testing::timed) runs a stream
/// with times.
///
/// ```
/// use std::time::Duration;
/// use linemill_sdk::{Error, Filter, NoSettings, Output, Timer, export};
///
/// /// Counts lines, and emits the count a second after the first of them.
/// pub struct Counts {
///     lines: u64,
///     until: Option<Duration>,
/// }
///
/// impl Filter for Counts {
///     type Settings = NoSettings;
///     const KEEPS_STATE: bool = true;
///
///     fn new(_: NoSettings) -> Result<Self, Error> {
///         Ok(Self { lines: 0, until: None })
///     }
///
///     fn line(&mut self, _: &[u8], _: &mut Output) {
///         self.lines += 1;
///     }
///
///     fn finish(&mut self, out: &mut Output) {
///         if self.lines > 0 {
///             out.emit(self.lines.to_string());
///         }
///     }
/// }
///
/// impl Timer for Counts {
///     fn tick(&mut self, now: Duration, out: &mut Output) -> Option<Duration> {
///         let until = *self.until.get_or_insert(now + Duration::from_secs(1));
///         if now < until {
///             return Some(until);
///         }
///         self.finish(out);
///         (self.lines, self.until) = (0, None);
///         None
///     }
/// }
///
/// export!(Counts: Timer);
///
/// use linemill_sdk::testing::{self, json};
/// let ms = Duration::from_millis;
/// let lines = [(ms(0), "a"), (ms(400), "b"), (ms(1500), "c")];
/// let emitted = testing::timed::<Counts>(json!({}), lines, ms(1600));
/// assert_eq!(emitted, [(ms(1000), "2".into()), (ms(1600), "1".into())]);
/// ```
pub trait Timer: Filter {
    /// Emits the lines that are due, and returns when the filter wants to be called next, on the clock of
    /// `now`; `None` if only after the next lines.
    ///
    /// Called when that time has come, and once after lines have been judged, so that the filter can say
    /// when it wants to be called for them. There are at least 10 milliseconds between two calls. `now` never
    /// goes backwards, and is on one clock for all instances of a host process. A stream ends with a last
    /// call, then [`Filter::finish`].
    fn tick(&mut self, now: Duration, out: &mut Output<'_>) -> Option<Duration>;
}
