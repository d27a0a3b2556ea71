//! From a file as written to validated settings.
//!
//! In: the TOML tree of a file. Out: [`Settings`] in which every reference resolves and every
//! number is in range, or reports of everything that is wrong. Pure: nothing is opened or looked
//! up. What a single value may be is declared with its key (`settings`, `kind`). Here are the tables
//! of a file, and the rules between keys.

mod datagrams;
mod egress;
mod filter;
mod greeting;
mod listener;
mod names;
pub(crate) mod rollback;
mod socket;
pub(crate) mod tls;
pub(crate) mod traffic;
mod trial;
mod unique;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::checker::Checker;
use super::circles::circles;
use super::collector::Collector;
use super::item::{Item, Table};
use super::key::TableSettings as _;
use super::problem::Problems;
use super::settings::{
    Address, Destination, FilterSettings, HostSettings, ListenerSettings, PluginRef, Settings,
    StageSettings,
};
use super::tables::{FILE, TABLES};
use crate::problem::place::{Place, Source};
pub(super) use datagrams::of_systemd as datagrams_of_systemd;
pub(super) use names::{NAME_HINT, no_filter};
pub(super) use socket::without_effect;

/// Filters by name.
pub(super) type Filters = BTreeMap<String, FilterSettings>;

/// Checks a whole file, in which relative paths start from `folder`.
pub(super) fn settings(
    folder: &Path,
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    bundled: &[&str],
) -> Result<Settings, Problems> {
    let mut checker = Checker {
        problems: Collector::default(),
        folder: folder.to_owned(),
        bundled,
        filters: Filters::new(),
        tables: TABLES,
    };
    let file = Table::root(source, tree);
    file.refuse_unknown(FILE, &mut checker);
    let host = checker.host(file.item("host").as_ref());
    checker.filters = checker.filters(file.item("filter").as_ref());
    let listeners = checker.listeners(file.item("listener").as_ref());
    let mut settings = Settings {
        host,
        listeners,
        filters: std::mem::take(&mut checker.filters),
        place: Place::file_of(source),
    };
    checker.names(&settings.listeners);
    checker.addresses(&settings);
    checker.outputs(&settings.listeners);
    checker.modes(&settings);
    checker.circles(&settings);
    complete(&mut settings);
    checker.problems.finish()?;
    Ok(settings)
}

impl Checker<'_> {
    fn host(&mut self, item: Option<&Item<'_>>) -> HostSettings {
        let right = "write a line [host], and its keys below";
        let table = item.and_then(|item| {
            let table = item.table(HostSettings::TITLE.to_owned(), right);
            self.problems.keep(table)
        });
        let Some(table) = table else {
            let mut host = HostSettings::default();
            host.plugins = host
                .plugins
                .iter()
                .map(|path| self.folder.join(path))
                .collect();
            return host;
        };
        let mut host = HostSettings::read(&table, self);
        if !table.has("plugins") {
            host.plugins = host
                .plugins
                .iter()
                .map(|path| self.folder.join(path))
                .collect();
        }
        let (admin_item, token_item) = (table.item("admin"), table.item("admin_token"));
        if let (Some(item), Some(Address::Tcp(address)), None) =
            (&admin_item, &host.admin, &token_item)
            && !address.ip().is_loopback()
        {
            let hint = "write a loopback address, such as \"127.0.0.1:9713\", or \"unix:PATH\", or add admin_token = \"a secret\"";
            self.problems
                .push(item.refuse("can be reached from other machines without a token", hint));
        }
        if let (Some(item), None) = (&token_item, &admin_item) {
            self.problems.push(item.refuse(
                "has no effect without `admin`",
                "add `admin`, or leave this out",
            ));
        }
        if let (Some(item), None) = (table.item("admin_names"), &admin_item) {
            self.problems.push(item.refuse(
                "has no effect without `admin`",
                "add `admin`, or leave this out",
            ));
        }
        host.places = table.places(HostSettings::KEYS);
        host
    }
}

impl Checker<'_> {
    /// Reports listeners whose lines come back to them by way of others, or of a filter that fails them.
    /// Those that send lines to themselves have been reported already.
    fn circles(&mut self, settings: &Settings) {
        let direct = |listener: &ListenerSettings| {
            settings
                .destinations(listener)
                .filter(|((key, _), _)| *key != "quarantine")
                .any(|(_, to)| to.leads_to(&listener.bind, listener.ipv6_only))
        };
        if settings.listeners.iter().any(direct) {
            return;
        }
        let leads = |to: &Destination, listener: &ListenerSettings| {
            to.leads_to(&listener.bind, listener.ipv6_only)
        };
        self.problems.extend(circles(settings, leads));
    }
}

/// Gives default settings to each bundled filter that a chain names and that has no table.
fn complete(settings: &mut Settings) {
    for listener in &settings.listeners {
        for (key, chain) in [
            ("chain", &listener.chain),
            ("reply_chain", &listener.reply_chain),
        ] {
            for StageSettings { filter: name, .. } in chain {
                let filter = || FilterSettings {
                    place: listener.places.of(key).clone(),
                    ..FilterSettings::new(name, PluginRef::Name(name.clone()))
                };
                settings.filters.entry(name.clone()).or_insert_with(filter);
            }
        }
    }
}
