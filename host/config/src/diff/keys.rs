//! The keys of one table, beside those of another.

use super::Effect::Live;
use super::shown::{Bytes, Shown};
use super::{Diff, Effect};
use crate::place::Place;
use crate::settings::Limits;

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

    pub(super) fn limits(&mut self, old: &Limits, new: &Limits) {
        let Limits {
            tables,
            imports,
            output,
            host_memory,
            log_lines,
            functions,
            function_size,
        } = old;
        self.compare("limits.tables", tables, &new.tables, Live);
        self.compare("limits.imports", imports, &new.imports, Live);
        self.compare("limits.output", &Bytes(*output), &Bytes(new.output), Live);
        let (old, new_memory) = (Bytes(*host_memory), Bytes(new.host_memory));
        self.compare("limits.host_memory", &old, &new_memory, Live);
        self.compare("limits.log_lines", log_lines, &new.log_lines, Live);
        self.compare("limits.functions", functions, &new.functions, Live);
        let (old, new_size) = (Bytes(*function_size), Bytes(new.function_size));
        self.compare("limits.function_size", &old, &new_size, Live);
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
