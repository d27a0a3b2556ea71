//! Where a listener's lines go: `to`, `routes`, `tee`, and the rules for keys that belong to them.

use std::collections::BTreeMap;
use std::path::Path;

use super::NAME_HINT;
use crate::checker::Checker;
use crate::item::{Item, Table};
use crate::kind::destination;
use crate::plugin_ref::is_name;
use crate::printable::quote;
use crate::problem::Problem;
use crate::problem::place::Place;
use crate::settings::{Address, Destination};

/// All destinations of a listener.
pub(super) struct Egress {
    pub(super) to: Destination,
    /// The place of `to`, if the key is set.
    pub(super) to_place: Option<Place>,
    pub(super) routes: BTreeMap<String, Destination>,
    pub(super) tee: Vec<Destination>,
}

/// A valid destination, and its value in the file.
type Written<'a> = (Item<'a>, Destination);

/// The route that is another name for `to`.
const REST: &str = "rest";

impl Checker<'_> {
    /// Reads where the lines of `listener` go. `bind` is `None` if it is invalid.
    pub(super) fn egress(
        &mut self,
        listener: &Table<'_>,
        shared: bool,
        bind: Option<&Address>,
        ipv6_only: bool,
    ) -> Egress {
        let [routes, tee, to, to_tls] =
            ["routes", "tee", "to", "to_tls"].map(|key| listener.item(key));
        let before = self.problems.len();
        let (routes, rest) = self.routes(routes.as_ref(), &listener.name);
        let tee = self.tee(tee.as_ref());
        if let (Some(_), Some(rest)) = (&to, &rest) {
            let problem = rest.refuse(
                "is one place too many: `to` names where all other lines go",
                "leave out `rest` or `to`",
            );
            self.problems.push(problem);
        }
        let to_item = to.or(rest);
        let to = match &to_item {
            Some(item) => self.problems.keep(destination(item, &self.folder)),
            None => Some(Destination::Reply),
        };
        let all_read = self.problems.len() == before;

        if let Some(to) = &to {
            self.one_of_a_kind(to, &tee);
            self.two_ways(listener, to, shared);
        }
        let others = routes.values().chain(&tee).map(|(item, to)| (item, to));
        let all: Vec<_> = to_item
            .as_ref()
            .zip(to.as_ref())
            .into_iter()
            .chain(others)
            .collect();
        if let Some(bind) = bind {
            self.no_circle(&all, bind, ipv6_only);
        }
        let tls = all.iter().any(|(_, to)| to.has_tls());
        if let (Some(item), true, false) = (&to_tls, all_read, tls) {
            let hint = "name an upstream \"tls://HOST:PORT\"";
            let problem = item.vain("no line goes to an upstream with TLS", hint);
            self.problems.push(problem);
        }
        let file = all.iter().any(|(_, to)| matches!(to, Destination::File(_)));
        if let (Some(item), true, false) = (&listener.item("file_mode"), all_read, file) {
            let problem = item.vain("no line goes to a file", "name a destination \"file:PATH\"");
            self.problems.push(problem);
        }
        let to_place = to_item.as_ref().map(|item| item.place.clone());
        let routes = routes
            .into_iter()
            .map(|(name, (_, to))| (name.to_owned(), to));
        Egress {
            to: to.unwrap_or(Destination::Reply),
            to_place,
            routes: routes.collect(),
            tee: tee.into_iter().map(|(_, to)| to).collect(),
        }
    }

    /// Table `routes`: its routes by name, and its `rest`.
    fn routes<'a>(
        &mut self,
        item: Option<&Item<'a>>,
        listener: &str,
    ) -> (BTreeMap<&'a str, Written<'a>>, Option<Item<'a>>) {
        let (mut routes, mut rest) = (BTreeMap::new(), None);
        let right = "write routes = { NAME = \"file:PATH\" }, with the names that filters use";
        let table = item.map(|item| item.table(format!("`routes` of {listener}"), right));
        let Some(table) = table.and_then(|table| self.problems.keep(table)) else {
            return (routes, rest);
        };
        for (name, place, item) in table.iter() {
            if name == REST {
                rest = Some(item);
            } else if !is_name(name) {
                let text = format!("{} is not a name for a route", quote(name));
                self.problems.push(place.problem(text, NAME_HINT));
            } else if let Some(to) = self.problems.keep(elsewhere(&item, &self.folder)) {
                routes.insert(name, (item, to));
            }
        }
        if table.iter().next().is_none() {
            let problem = table
                .place
                .problem(format!("{} has no route", table.name), right);
            self.problems.push(problem);
        }
        (routes, rest)
    }

    /// List `tee`.
    fn tee<'a>(&mut self, item: Option<&Item<'a>>) -> Vec<Written<'a>> {
        let items = item.and_then(|item| self.problems.keep(item.list()));
        let mut tee = Vec::new();
        for item in items.into_iter().flatten() {
            if let Some(to) = self.problems.keep(elsewhere(&item, &self.folder)) {
                tee.push((item, to));
            }
        }
        tee
    }

    /// Reports destinations that would receive a line twice.
    fn one_of_a_kind(&mut self, to: &Destination, tee: &[Written<'_>]) {
        for (index, (item, copy)) in tee.iter().enumerate() {
            let fault = if copy == to {
                "is where lines go anyway"
            } else if tee[..index].iter().any(|(_, other)| other == copy) {
                "is in the list already"
            } else {
                continue;
            };
            let problem = item.refuse(fault, "leave it out: it would have each line twice");
            self.problems.push(problem);
        }
    }

    /// Keys that have an effect only if `to` is an upstream.
    fn two_ways(&mut self, listener: &Table<'_>, to: &Destination, shared: bool) {
        const HINT: &str =
            "name an upstream \"tcp://HOST:PORT\", \"tls://HOST:PORT\" or \"unix:PATH\" in `to`";
        if let (Some(item), true, false) = (listener.item("shared"), shared, to.is_socket()) {
            let why = match to {
                Destination::Reply => "lines go back to their own client".to_owned(),
                to => format!("all clients share `{to}` as it is"),
            };
            self.problems.push(item.vain(why, HINT));
        }
        let filled = |item: &Item<'_>| item.list().is_ok_and(|items| !items.is_empty());
        let Some(reply_chain) = listener.item("reply_chain").filter(filled) else {
            return;
        };
        if !to.is_socket() {
            let why = format!("`{to}` does not answer");
            self.problems.push(reply_chain.vain(why, HINT));
        } else if shared {
            let why = "the answers of a shared upstream are discarded";
            let hint = "leave `shared` out";
            self.problems.push(reply_chain.vain(why, hint));
        }
    }

    /// Reports destinations that lead back to the listener itself.
    fn no_circle(&mut self, all: &[(&Item<'_>, &Destination)], bind: &Address, ipv6_only: bool) {
        let back = |(_, to): &&(&Item<'_>, &Destination)| to.leads_to(bind, ipv6_only);
        for (item, _) in all.iter().filter(back) {
            let fault = if item.is_list() {
                "has an upstream where this listener itself listens, so lines would loop indefinitely"
            } else {
                "is where this listener itself listens, so lines would loop indefinitely"
            };
            let problem = item.refuse(fault, "name another address");
            self.problems.push(problem);
        }
    }
}

/// A destination of `routes` or `tee`: anything but the client.
fn elsewhere(item: &Item<'_>, folder: &Path) -> Result<Destination, Problem> {
    match destination(item, folder)? {
        Destination::Reply => Err(item.refuse(
            "is for `to` only",
            "write \"stdout\", \"file:PATH\", \"tcp://HOST:PORT\", \"tls://HOST:PORT\" or \"unix:PATH\"",
        )),
        other => Ok(other),
    }
}
