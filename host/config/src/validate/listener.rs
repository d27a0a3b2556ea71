//! Tables `[[listener]]`.

use super::{Filters, NAME_HINT, address, without_effect};
use crate::checker::Checker;
use crate::item::Item;
use crate::key::TableSettings as _;
use crate::plugin_ref::is_name;
use crate::problem::Problem;
use crate::settings::{Address, ListenerSettings};

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
        // A valid name identifies the table in all reports.
        let name = table
            .item("name")
            .and_then(|item| item.text().ok())
            .filter(|name| is_name(name));
        if let Some(name) = name {
            table.name = format!("listener `{name}`");
        }
        let listener = table.name.as_str();
        let settings = ListenerSettings::read(&table, self);
        let default = ListenerSettings::default();
        // An invalid part causes no further errors in others.
        let bind = match table.item("bind") {
            Some(item) => self.problems.keep(address(&item, &self.folder)),
            None => Some(default.bind.clone()),
        };
        // There are no connections that could each have an upstream of their own.
        let is_datagram = bind.as_ref().is_some_and(Address::is_datagram);
        let shared = settings.shared || is_datagram;
        let egress = self.egress(&table, shared, bind.as_ref());
        let chain = match table.item("chain") {
            Some(item) => self.stages(&item, "chain", listener, filters),
            None => default.chain,
        };
        let reply_chain = table
            .item("reply_chain")
            .map(|item| self.stages(&item, "reply_chain", listener, filters));
        let mut places = table.places(ListenerSettings::KEYS);
        if let Some(place) = egress.to_place {
            places.set("to", place);
        }
        let name_item = table.item("name");
        let settings = ListenerSettings {
            name: self
                .problems
                .read(name_item.as_ref(), default.name, read_name),
            bind: bind.clone().unwrap_or(default.bind),
            chain,
            to: egress.to,
            to_tls: egress.to_tls,
            reply_chain: reply_chain.unwrap_or_default(),
            routes: egress.routes,
            tee: egress.tee,
            watermarks: self.watermarks(table.item("watermarks").as_ref(), listener),
            rate: self.rate(table.item("rate").as_ref(), "rate", listener),
            total_rate: self.rate(table.item("total_rate").as_ref(), "total_rate", listener),
            tls: self.tls(&table),
            bind_place: places.of("bind").clone(),
            places,
            ..settings
        };
        let mut settings = settings;
        self.datagrams(&table, &settings, bind.as_ref());
        if is_datagram {
            settings.shared = settings.to.is_socket();
            settings.idle_timeout = None;
            settings.line_timeout = None;
            settings.write_timeout = None;
        } else {
            self.greeting(&table, &settings, bind.as_ref());
        }
        if bind.is_some() {
            self.problems.extend(without_effect(&settings, listener));
        }
        Some(settings)
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
