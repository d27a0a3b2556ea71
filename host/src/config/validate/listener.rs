//! Tables `[[listener]]`.

use std::path::Path;

use super::{Checker, Filters, NAME_HINT, address, filter_name, is_name, timeout};
use crate::config::file::Listener;
use crate::config::item::Item;
use crate::config::report::{Places, Report};
use crate::config::settings::{Destination, LineSettings, ListenerSettings, StageSettings};
use crate::config::units::SIZE;

/// Largest `max_line`: a filter's output line may have four times as much.
const MAX_LINE: u64 = 16 << 20;

/// Most connections of a listener: about what ports and descriptors allow.
const MAX_CONNECTIONS: u64 = 1_000_000;

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
                .0
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
        let default = ListenerSettings::default();
        let mut places = Places::new(table.place.clone());
        let keys = [
            ("name", &file.name),
            ("chain", &file.chain),
            ("to", &file.to),
            ("framing", &file.framing),
            ("rate", &file.rate),
            ("tls", &file.tls),
        ];
        for (key, item) in keys {
            item.iter()
                .for_each(|item| places.set(key, item.place.clone()));
        }
        let bundled = self.bundled;
        let chain = match &file.chain {
            Some(item) => self.list(item, |item| {
                filter_name(item, filters, bundled).map(StageSettings::always)
            }),
            None => default.chain,
        };
        let tls = self.tls(&file, &table.name);
        let rate = self.rate(file.rate.as_ref(), &table.name);
        let lines = self.lines(&file);
        let folder = &self.folder;
        let problems = &mut self.problems;
        let max_connections = problems.read(
            file.max_connections.as_ref(),
            default.max_connections,
            |item| {
                item.whole(1..=MAX_CONNECTIONS)
                    .map(|most| usize::try_from(most).unwrap_or(usize::MAX))
            },
        );
        let name = problems.read(file.name.as_ref(), default.name, read_name);
        let idle_timeout = problems.read(file.idle_timeout.as_ref(), default.idle_timeout, timeout);
        let line_timeout = problems.read(file.line_timeout.as_ref(), default.line_timeout, timeout);
        let write_timeout =
            problems.read(file.write_timeout.as_ref(), default.write_timeout, timeout);
        let to = problems.read(file.to.as_ref(), default.to, |item| {
            destination(item, folder)
        });
        let bind = problems.read(file.bind.as_ref(), default.bind, |item| {
            address(item, folder)
        });
        let bind_place = file.bind.map_or(table.place, |item| item.place);
        Some(ListenerSettings {
            name,
            bind,
            chain,
            to,
            lines,
            idle_timeout,
            line_timeout,
            write_timeout,
            max_connections,
            rate,
            tls,
            bind_place,
            places,
            ..default
        })
    }

    fn lines(&mut self, file: &Listener<'_>) -> LineSettings {
        let default = LineSettings::default();
        let problems = &mut self.problems;
        LineSettings {
            framing: problems.read(file.framing.as_ref(), default.framing, Item::choice),
            max_line: problems.read(file.max_line.as_ref(), default.max_line, |item| {
                item.quantity(&SIZE, 1..=MAX_LINE)
                    .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
            }),
            oversize: problems.read(file.oversize.as_ref(), default.oversize, Item::choice),
            partial: problems.read(file.partial.as_ref(), default.partial, Item::choice),
        }
    }
}

/// A destination; a relative path in it starts from `folder`.
fn destination(item: &Item<'_>, folder: &Path) -> Result<Destination, Report> {
    Ok(match item.parsed()? {
        Destination::Unix(path) => Destination::Unix(folder.join(path)),
        Destination::File(path) => Destination::File(folder.join(path)),
        other => other,
    })
}

/// A listener's name.
fn read_name(item: &Item<'_>) -> Result<String, Report> {
    let name = item.text()?;
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(item.refuse("is not a name", NAME_HINT))
    }
}
