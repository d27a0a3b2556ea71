//! Tables `[[test]]`.

use std::collections::BTreeMap;

use crate::checker::Checker;
use crate::item::{Item, Table};
use crate::problem::Problem;
use crate::settings::{ChainTest, Expected, ListenerSettings};
use crate::suggest;

/// The keys of `reply`.
const REPLY: &[&str] = &["in", "out", "failed"];
/// How to write a test.
const RIGHT: &str = "write a line [[test]], in two pairs of brackets, and its keys below";
/// How to write `reply`.
const REPLY_RIGHT: &str = "write reply = { in = [\"a line\"], out = [\"what must come\"] }";

impl Checker<'_> {
    /// The tests of one file. `listeners` are those of all files.
    pub(super) fn tests(
        &mut self,
        item: Option<&Item<'_>>,
        listeners: &[ListenerSettings],
    ) -> Vec<ChainTest> {
        let Some(item) = item else { return Vec::new() };
        let items = item
            .list()
            .map_err(|_| item.refuse("is not a list of tables", RIGHT));
        let items = self.problems.keep(items).unwrap_or_default();
        let tests = items.iter().enumerate();
        tests
            .filter_map(|(index, item)| self.test(format!("test {}", index + 1), item, listeners))
            .collect()
    }

    fn test(
        &mut self,
        name: String,
        item: &Item<'_>,
        listeners: &[ListenerSettings],
    ) -> Option<ChainTest> {
        let table = self.problems.keep(item.table(name, RIGHT))?;
        table.refuse_unknown(ChainTest::KEYS, self);
        self.require(
            &table,
            &["listener"],
            "name the listener whose filters are tested",
        );
        if !table.has("in") && !table.has("reply") {
            self.problems.push(table.lacks(
                "in",
                "write the lines that a client sends: in = [\"a line\"]",
            ));
        }
        let listener = table.item("listener")?;
        let name = self.problems.keep(listener.text())?;
        let Some(tested) = listeners.iter().find(|listener| listener.name == name) else {
            let names: Vec<_> = listeners
                .iter()
                .map(|listener| listener.name.as_str())
                .collect();
            let hint = suggest::hint(name, "listeners", &names);
            self.problems
                .push(listener.refuse("is not the name of a listener", hint));
            return None;
        };
        let forward = self.expected(&table);
        let reply = table.item("reply").and_then(|item| {
            let table = self.problems.keep(item.own_table(REPLY_RIGHT))?;
            table.refuse_unknown(REPLY, self);
            self.require(&table, &["in"], REPLY_RIGHT);
            self.expected(&table)
        });
        let routes = table
            .item("routes")
            .map(|item| self.routes_of_test(&item, tested));
        let forward = match (forward, routes) {
            (Some(forward), Some(routes)) => Some(Expected { routes, ..forward }),
            (forward, _) => forward,
        };
        Some(ChainTest {
            listener: name.to_owned(),
            forward,
            reply,
            place: table.place,
        })
    }

    /// The keys `in`, `out` and `failed`; `None` without `in`.
    fn expected(&mut self, table: &Table<'_>) -> Option<Expected> {
        let Some(given) = table.item("in") else {
            for key in ["out", "routes", "failed"] {
                if let Some(item) = table.item(key).filter(|_| table.has("reply")) {
                    self.problems
                        .push(item.vain("there is no `in`", "write in = [\"a line\"]"));
                }
            }
            return None;
        };
        self.require(
            table,
            &["out"],
            "write the lines that must come out: out = [\"a line\"]",
        );
        if given.list().is_ok_and(|lines| lines.is_empty()) {
            let hint = "give the chain at least one line";
            self.problems.push(given.refuse("has no line", hint));
        }
        let failed = table.item("failed").map(|item| item.whole(0..=u64::MAX));
        Some(Expected {
            input: self.list(&given, Item::line),
            output: table
                .item("out")
                .map(|item| self.list(&item, Item::line))
                .unwrap_or_default(),
            routes: BTreeMap::new(),
            failed: failed
                .and_then(|failed| self.problems.keep(failed))
                .unwrap_or_default(),
        })
    }

    /// The lines by route. Each route must be one of the listener's.
    fn routes_of_test(
        &mut self,
        item: &Item<'_>,
        listener: &ListenerSettings,
    ) -> BTreeMap<String, Vec<Vec<u8>>> {
        let right = "write routes = { NAME = [\"a line\"] }";
        let Some(table) = self.problems.keep(item.own_table(right)) else {
            return BTreeMap::new();
        };
        let mut routes = BTreeMap::new();
        for (name, place, lines) in table.iter() {
            if listener.routes.contains_key(name) {
                routes.insert(name.to_owned(), self.list(&lines, Item::line));
            } else {
                let known: Vec<_> = listener.routes.keys().map(String::as_str).collect();
                let what = format!(
                    "listener `{}` has no route {}",
                    listener.name,
                    crate::printable::quote(name)
                );
                let hint = if known.is_empty() {
                    "add `routes` to the listener, or leave this out".to_owned()
                } else {
                    suggest::hint(name, "routes", &known)
                };
                self.problems.push(place.problem(what, hint));
            }
        }
        routes
    }
}

impl Item<'_> {
    /// A line of a test; it may be empty.
    pub(crate) fn line(&self) -> Result<Vec<u8>, Problem> {
        match self.value().as_str() {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(self.refuse("is not a line", "put each line in double quotes")),
        }
    }
}
