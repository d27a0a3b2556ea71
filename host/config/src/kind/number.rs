//! Kinds of numbers: sizes, times and counts, each with a range.

use std::time::Duration;

use super::Kind;
use crate::checker::Checker;
use crate::item::Item;
use crate::problem::Problem;
use crate::shape::Shape;
use crate::units::{SIZE, TIME, show_time};

/// A type of whole numbers in settings.
pub(crate) trait Whole: Copy + TryFrom<u64> {
    /// The number.
    fn to_u64(self) -> u64;
}

/// A size from `.0` to `.1` bytes.
pub(crate) struct Size(pub(crate) u64, pub(crate) u64);

/// A time from `.0` to `.1`.
pub(crate) struct Time(pub(crate) Duration, pub(crate) Duration);

/// A time in whole seconds from `.0` to `.1`.
pub(crate) struct Seconds(pub(crate) Duration, pub(crate) Duration);

/// A time up to a day; `"0s"`, which is `None`, turns the timeout off.
pub(crate) struct Timeout;

/// An age from `.0` to a day; `"0s"`, which is `None`, means no limit.
pub(crate) struct Age(pub(crate) Duration);

/// A whole number from `.0` to `.1`.
pub(crate) struct Count(pub(crate) u64, pub(crate) u64);

/// The longest timeout.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The shortest time of most keys.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

/// The longest time of most keys.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl Whole for $number {
            fn to_u64(self) -> u64 {
                self as u64
            }
        }
    )*};
}

whole!(u32, u64, usize);

/// The number in the type that the settings have; the ranges of kinds fit into it.
fn fit<T: Whole>(number: u64, checker: &mut Checker<'_>, item: &Item<'_>) -> Option<T> {
    let wrong = |_| item.refuse("is too large for this system", "write a smaller number");
    checker.problems.keep(T::try_from(number).map_err(wrong))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// "size, `1B` to `16MiB`".
fn range(noun: &str, least: &str, most: &str) -> String {
    format!("{noun}, `{least}` to `{most}`")
}

impl<T: Whole> Kind<T> for Size {
    fn name(&self) -> String {
        range("size", &SIZE.show(self.0), &SIZE.show(self.1))
    }

    fn shape(&self) -> Shape {
        Shape::Pattern(SIZE.pattern())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<T> {
        let bytes = checker
            .problems
            .keep(item.quantity(&SIZE, self.0..=self.1))?;
        fit(bytes, checker, item)
    }

    fn show(&self, value: &T) -> Option<String> {
        Some(SIZE.show(value.to_u64()))
    }
}

impl Time {
    fn parse(&self, item: &Item<'_>) -> Result<Duration, Problem> {
        let range = milliseconds(self.0)..=milliseconds(self.1);
        item.quantity(&TIME, range).map(Duration::from_millis)
    }
}

impl Kind<Duration> for Time {
    fn name(&self) -> String {
        range("time", &show_time(self.0), &show_time(self.1))
    }

    fn shape(&self) -> Shape {
        Shape::Pattern(TIME.pattern())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Duration> {
        checker.problems.keep(self.parse(item))
    }

    fn show(&self, value: &Duration) -> Option<String> {
        Some(show_time(*value))
    }
}

impl Kind<Duration> for Seconds {
    fn name(&self) -> String {
        format!("{}, whole seconds", Time(self.0, self.1).name())
    }

    fn shape(&self) -> Shape {
        Shape::Pattern(TIME.pattern())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Duration> {
        let whole = |time: Duration| match time.subsec_nanos() {
            0 => Ok(time),
            _ => Err(item.refuse("is not whole seconds", "write it in seconds or minutes")),
        };
        let time = Time(self.0, self.1).parse(item).and_then(whole);
        checker.problems.keep(time)
    }

    fn show(&self, value: &Duration) -> Option<String> {
        Some(show_time(*value))
    }
}

impl Kind<Option<Duration>> for Timeout {
    fn name(&self) -> String {
        "timeout".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Pattern(TIME.pattern())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Option<Duration>> {
        let time = checker
            .problems
            .keep(Time(Duration::ZERO, DAY).parse(item))?;
        Some((!time.is_zero()).then_some(time))
    }

    fn show(&self, value: &Option<Duration>) -> Option<String> {
        Some(value.map_or("off".to_owned(), show_time))
    }

    fn toml(&self, value: &Option<Duration>) -> Option<String> {
        Some(format!("{:?}", show_time(value.unwrap_or_default())))
    }
}

impl Kind<Option<Duration>> for Age {
    fn name(&self) -> String {
        format!("{}, or `0s`", Time(self.0, DAY).name())
    }

    fn shape(&self) -> Shape {
        Shape::Pattern(TIME.pattern())
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Option<Duration>> {
        let age = Timeout.read(item, checker)?;
        if age.is_some_and(|age| age < self.0) {
            let [least, most] = [self.0, DAY].map(show_time);
            let hint =
                format!("write a time from \"{least}\" to \"{most}\", or \"0s\" for no limit");
            let fault = format!("is less than the smallest age allowed, {least}");
            checker.problems.push(item.refuse(fault, hint));
            return None;
        }
        Some(age)
    }

    fn show(&self, value: &Option<Duration>) -> Option<String> {
        Timeout.show(value)
    }

    fn toml(&self, value: &Option<Duration>) -> Option<String> {
        Timeout.toml(value)
    }
}

impl<T: Whole> Kind<T> for Count {
    fn name(&self) -> String {
        format!("{} to {}", self.0, self.1)
    }

    fn shape(&self) -> Shape {
        Shape::Whole(self.0, self.1)
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<T> {
        let number = checker.problems.keep(item.whole(self.0..=self.1))?;
        fit(number, checker, item)
    }

    fn show(&self, value: &T) -> Option<String> {
        Some(value.to_u64().to_string())
    }

    fn toml(&self, value: &T) -> Option<String> {
        self.show(value)
    }
}
