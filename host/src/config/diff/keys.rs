//! The keys of one table, beside those of another.

use super::shown::Shown;
use super::{Diff, Effect};
use crate::config::report::Place;

/// Compares the keys of one table.
pub(super) struct Keys<'a> {
    pub(super) diff: &'a mut Diff,
    pub(super) subject: &'a str,
    /// Where a key stands.
    pub(super) place: &'a dyn Fn(&str) -> &'a Place,
}

impl Keys<'_> {
    pub(super) fn compare<T: PartialEq + Shown>(
        &mut self,
        key: &str,
        old: &T,
        new: &T,
        effect: Effect,
    ) {
        if old != new {
            let what = format!("{key} {} -> {}", old.shown(), new.shown());
            self.diff
                .note(self.subject, what, effect, (self.place)(key));
        }
    }

    pub(super) fn changed(&mut self, key: &str, changed: bool, effect: Effect) {
        if changed {
            self.say(key, format!("{key} changed"), effect);
        }
    }

    pub(super) fn say(&mut self, key: &str, what: String, effect: Effect) {
        self.diff
            .note(self.subject, what, effect, (self.place)(key));
    }
}
