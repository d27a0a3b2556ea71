//! Tables `[[listener]]`.

use super::without_effect;
use crate::checker::Checker;
use crate::item::{Item, Table};
use crate::key::TableSettings as _;
use crate::plugin_ref::is_name;
use crate::settings::{Address, Destination, ListenerSettings, Readiness};

impl Checker<'_> {
    pub(super) fn listeners(&mut self, item: Option<&Item<'_>>) -> Vec<ListenerSettings> {
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
            .filter_map(|(index, item)| self.listener(index, item, right))
            .collect()
    }

    fn listener(&mut self, index: usize, item: &Item<'_>, right: &str) -> Option<ListenerSettings> {
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
        // An invalid part causes no further errors in others.
        let valid = |item: Item<'_>| item.parsed::<Address>().is_ok();
        let bind = table
            .item("bind")
            .is_none_or(valid)
            .then(|| settings.bind.clone());
        // There are no connections that could each have an upstream of their own.
        let is_datagram = bind.as_ref().is_some_and(Address::is_datagram);
        let shared = settings.shared || is_datagram;
        let before = self.problems.len();
        let egress = self.egress(&table, shared, bind.as_ref(), settings.ipv6_only);
        let all_read = self.problems.len() == before;
        let mut places = table.places(ListenerSettings::KEYS);
        if let Some(place) = egress.to_place {
            places.set("to", place);
        }
        let mut settings = ListenerSettings {
            to: egress.to,
            routes: egress.routes,
            tee: egress.tee,
            bind_place: places.of("bind").clone(),
            places,
            ..settings
        };
        self.readiness(&table, &settings, shared);
        self.datagrams(&table, &settings, bind.as_ref());
        if is_datagram {
            settings.shared = settings.to.is_socket();
            settings.idle_timeout = None;
            settings.line_timeout = None;
            settings.write_timeout = None;
        } else {
            self.greeting(&table, &settings, bind.as_ref());
        }
        let max_age = table.item("to_max_age");
        if let Some(item) = max_age.filter(|_| settings.to_max_age.is_some())
            && all_read
            && !settings.has_shared_upstream()
        {
            let hint = "set `shared = true`, or name an upstream in `routes` or `tee`";
            let problem = item.vain("no line goes to a shared upstream", hint);
            self.problems.push(problem);
        }
        if settings.is_one_way() && table.item("idle_timeout").is_none() {
            settings.idle_timeout = None;
        }
        if bind.is_some() {
            self.problems.extend(without_effect(&settings, listener));
        }
        Some(settings)
    }

    /// Refuses a `readiness` that names no output whose state is known at all times.
    fn readiness(&mut self, listener: &Table<'_>, settings: &ListenerSettings, shared: bool) {
        let to_counts = match &settings.to {
            Destination::Reply => false,
            to => shared || !to.is_socket(),
        };
        let readiness = settings.readiness;
        let some = readiness.needs_to() && to_counts
            || readiness.needs_routes() && !settings.routes.is_empty()
            || readiness.needs_tee() && !settings.tee.is_empty();
        let item = listener.item("readiness");
        let Some(item) = item.filter(|_| !some && readiness != Readiness::Accepting) else {
            return;
        };
        let why =
            "no output that it names is shared by all clients, so none is known to be up or down";
        let hint = "write shared = true for an upstream in `to`";
        self.problems.push(item.vain(why, hint));
    }
}
