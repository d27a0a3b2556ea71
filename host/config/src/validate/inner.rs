//! The tables inside a listener: `rate`, `total_rate`, `watermarks`, `tls` and `to_tls`.

use crate::checker::Checker;
use crate::item::{Item, Table};
use crate::key::TableSettings as _;
use crate::settings::{Rate, Tls, UpstreamTls, Watermarks};
use crate::units::SIZE;

/// The most bursts per second that may be needed to reach a rate; timers are not finer.
const BURSTS: u64 = 100;

impl Checker<'_> {
    /// The table under `key`, which is `rate` or `total_rate`.
    pub(super) fn rate(
        &mut self,
        item: Option<&Item<'_>>,
        key: &str,
        listener: &str,
    ) -> Option<Rate> {
        let item = item?;
        let right = format!(
            "write {key} = {{ bytes = \"1MiB\", lines = 1000, burst = \"2MiB\" }}, or a part of it"
        );
        let table = self
            .problems
            .keep(item.table(format!("`{key}` of {listener}"), &right))?;
        let rate = Rate::read(&table, self);
        let burst = table.item("burst");
        if let (Some(item), Some(burst), Some(bytes)) = (&burst, rate.burst, rate.bytes)
            && burst < bytes / BURSTS
        {
            let least = SIZE.show(bytes / BURSTS);
            self.problems.push(item.refuse(
                "is less than `bytes` lets through in 10 ms, so that rate could not be reached",
                format!("write a size from \"{least}\", or leave `burst` out"),
            ));
        }
        if let (Some(burst), false) = (&burst, table.has("bytes")) {
            self.problems.push(burst.refuse(
                "is a burst of bytes, but bytes are not limited",
                "add `bytes`",
            ));
        } else if !table.has("bytes") && !table.has("lines") {
            self.problems.push(item.refuse("limits nothing", right));
        }
        Some(rate)
    }

    /// Table `tls`.
    pub(super) fn tls(&mut self, listener: &Table<'_>) -> Option<Tls> {
        let item = listener.item("tls")?;
        let right =
            "write tls = { cert = \"PATH\", key = \"PATH\" }; client_ca = \"PATH\" may be added";
        let table = self
            .problems
            .keep(item.table(format!("`tls` of {}", listener.name), right))?;
        let tls = Tls::read(&table, self);
        self.require(&table, &["cert", "key"], right);
        if let (Some(item), false) = (table.item("client_names"), table.has("client_ca")) {
            let why = "without `client_ca` clients show no certificates";
            let hint = "add client_ca = \"PATH\"";
            self.problems.push(item.vain(why, hint));
        }
        Some(tls)
    }

    /// Table `to_tls`.
    pub(super) fn upstream_tls(
        &mut self,
        item: Option<&Item<'_>>,
        listener: &str,
    ) -> Option<UpstreamTls> {
        let item = item?;
        let right = "write to_tls = { ca = \"PATH\", cert = \"PATH\", key = \"PATH\", name = \"HOST\" }, or a part of it; cert and key go together";
        let table = self
            .problems
            .keep(item.table(format!("`to_tls` of {listener}"), right))?;
        match (table.has("cert"), table.has("key")) {
            (true, false) => self.problems.push(table.lacks("key", right)),
            (false, true) => self.problems.push(table.lacks("cert", right)),
            _ => {}
        }
        Some(UpstreamTls::read(&table, self))
    }

    /// Table `watermarks`.
    pub(super) fn watermarks(&mut self, item: Option<&Item<'_>>, listener: &str) -> Watermarks {
        let default = Watermarks::default();
        let right = "write watermarks = { high = \"64KiB\", low = \"16KiB\" }";
        let table = item.map(|item| item.table(format!("`watermarks` of {listener}"), right));
        let Some(table) = table.and_then(|table| self.problems.keep(table)) else {
            return default;
        };
        let before = self.problems.len();
        let mut marks = Watermarks::read(&table, self);
        let all_read = self.problems.len() == before;
        match table.item("low") {
            None => marks.low = marks.high / 4,
            Some(item) if all_read && marks.low > marks.high => {
                let high = SIZE.show(marks.high as u64);
                let fault = format!("is more than the `high` of {high}");
                let hint = "reading stops above `high` and goes on at `low`: raise the one or lower the other";
                self.problems.push(item.refuse(fault, hint));
            }
            Some(_) => {}
        }
        marks
    }

    /// Reports each of `keys` that `table` lacks. `right` is what to write.
    pub(super) fn require(&mut self, table: &Table<'_>, keys: &[&str], right: &str) {
        for key in keys.iter().filter(|key| !table.has(key)) {
            self.problems.push(table.lacks(key, right));
        }
    }
}
