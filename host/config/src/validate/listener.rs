//! Tables `[[listener]]`.

use super::{
    Checker, Filters, HOUR, NAME_HINT, address, bytes, count, is_name, time, timeout,
    without_effect,
};
use crate::file::Listener;
use crate::item::Item;
use crate::problem::Problem;
use crate::settings::ListenerSettings;
use linemill_framing::LineSettings;

/// Largest `max_line`: a filter's output line may have four times as much.
const MAX_LINE: u64 = 16 << 20;

/// Most connections of a listener: about what ports and descriptors allow.
const MAX_CONNECTIONS: u64 = 1_000_000;

/// Least `buffer`: less would hand over few lines at a time.
const BUFFER_LEAST: u64 = 1 << 10;

/// Most `buffer`.
const BUFFER_MOST: u64 = 1 << 30;

impl Checker<'_> {
    pub(super) fn listeners(
        &mut self,
        item: Option<&Item<'_>>,
        filters: &Filters,
    ) -> Vec<ListenerSettings> {
        let Some(item) = item else { return Vec::new() };
        let right = "write a line [[listener]], in two pairs of brackets, and its keys below";
        if item.list().is_err() {
            self.problems
                .push(item.refuse("is not a list of tables", right));
            return Vec::new();
        }
        let items = item.list().unwrap_or_default();
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.listener(index, item, right, filters))
            .collect()
    }

    fn listener(
        &mut self,
        index: usize,
        item: &Item<'_>,
        right: &str,
        filters: &Filters,
    ) -> Option<ListenerSettings> {
        let mut table = self
            .problems
            .keep(item.table(format!("listener {}", index + 1), right))?;
        // A name that is one names the table in all reports.
        let name = table
            .item("name")
            .and_then(|item| item.text().ok())
            .filter(|name| is_name(name));
        if let Some(name) = name {
            table.name = format!("listener `{name}`");
        }
        let file = Listener::read(&table, &mut self.problems);
        let listener = table.name.as_str();
        let default = ListenerSettings::default();
        let folder = &self.folder;
        let problems = &mut self.problems;
        // A part that does not read is not held against the others.
        let bind = match &file.bind {
            Some(item) => problems.keep(address(item, folder)),
            None => Some(default.bind.clone()),
        };
        let hops = self.hops(&file, listener, bind.as_ref());
        let chain = match &file.chain {
            Some(item) => self.stages(item, "chain", listener, filters),
            None => default.chain,
        };
        let reply_chain = file.reply_chain.as_ref();
        let reply_chain =
            reply_chain.map(|item| self.stages(item, "reply_chain", listener, filters));
        let watermarks = self.watermarks(file.watermarks.as_ref(), listener);
        let rate = self.rate(file.rate.as_ref(), "rate", listener);
        let total_rate = self.rate(file.total_rate.as_ref(), "total_rate", listener);
        let tls = self.tls(&file, listener);
        let lines = self.lines(&file);
        let mut places = table.places(Listener::KEYS);
        if let Some(place) = hops.to_place {
            places.set("to", place);
        }
        let problems = &mut self.problems;
        let settings = ListenerSettings {
            name: problems.read(file.name.as_ref(), default.name, read_name),
            ipv6_only: problems.read(file.ipv6_only.as_ref(), false, Item::flag),
            reuse_port: problems.read(file.reuse_port.as_ref(), false, Item::flag),
            chain,
            to: hops.to,
            to_framing: problems.read(file.to_framing.as_ref(), None, |item| {
                item.choice().map(Some)
            }),
            to_tls: hops.to_tls,
            shared: hops.shared,
            reply_chain: reply_chain.unwrap_or_default(),
            routes: hops.routes,
            tee: hops.tee,
            connect_timeout: problems.read(
                file.connect_timeout.as_ref(),
                default.connect_timeout,
                |item| time(item, 1, HOUR),
            ),
            buffer: problems.read(file.buffer.as_ref(), default.buffer, |item| {
                bytes(item, BUFFER_LEAST, BUFFER_MOST)
            }),
            watermarks,
            lines,
            idle_timeout: problems.read(file.idle_timeout.as_ref(), default.idle_timeout, timeout),
            line_timeout: problems.read(file.line_timeout.as_ref(), default.line_timeout, timeout),
            write_timeout: problems.read(
                file.write_timeout.as_ref(),
                default.write_timeout,
                timeout,
            ),
            max_connections: problems.read(
                file.max_connections.as_ref(),
                default.max_connections,
                |item| count(item, MAX_CONNECTIONS),
            ),
            max_per_address: problems.read(file.max_per_address.as_ref(), None, |item| {
                count(item, MAX_CONNECTIONS).map(Some)
            }),
            rate,
            total_rate,
            tls,
            bind_place: places.of("bind").clone(),
            places,
            bind: bind.clone().unwrap_or(default.bind),
        };
        if bind.is_some() {
            problems.extend(without_effect(&settings, listener));
        }
        Some(settings)
    }

    fn lines(&mut self, file: &Listener<'_>) -> LineSettings {
        let default = LineSettings::default();
        let problems = &mut self.problems;
        LineSettings {
            framing: problems.read(file.framing.as_ref(), default.framing, Item::choice),
            max_line: problems.read(file.max_line.as_ref(), default.max_line, |item| {
                bytes(item, 1, MAX_LINE)
            }),
            oversize: problems.read(file.oversize.as_ref(), default.oversize, Item::choice),
            partial: problems.read(file.partial.as_ref(), default.partial, Item::choice),
        }
    }
}

/// A listener's name.
fn read_name(item: &Item<'_>) -> Result<String, Problem> {
    let name = item.text()?;
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(item.refuse("is not a name", NAME_HINT))
    }
}
