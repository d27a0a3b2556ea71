//! The kind of `level` in table `log`.

use super::Kind;
use crate::checker::Checker;
use crate::item::Item;
use crate::settings::LogFilter;
use crate::shape::Shape;

/// Which messages are logged.
pub(crate) struct LogLevels;

impl Kind<LogFilter> for LogLevels {
    fn name(&self) -> String {
        "log level".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<LogFilter> {
        checker.problems.keep(item.parsed())
    }

    fn show(&self, value: &LogFilter) -> Option<String> {
        Some(value.to_string())
    }
}
