//! From a file as written to validated settings.
//!
//! In: the TOML trees of a file and of those that it includes. Out: [`Settings`] in which every
//! reference resolves and every number is in range, or reports of everything that is wrong. Pure:
//! nothing is opened or looked up. What a single value may be is declared with its key (`settings`,
//! `kind`). Here are the tables of a file, and the rules between keys.

mod chain_test;
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
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checker::Checker;
use super::circles::circles;
use super::collector::Collector;
use super::item::{Item, Table};
use super::key::TableSettings as _;
use super::problem::Problems;
use super::settings::{
    Address, Destination, FilterSettings, HostSettings, ListenerSettings, OutsideValues, PluginRef,
    Settings, Sources, StageSettings,
};
use super::tables::{FILE, INCLUDED_FILE, TABLES};
use crate::load::Document;
use crate::problem::place::Place;
pub(super) use datagrams::of_systemd as datagrams_of_systemd;
pub(super) use names::{NAME_HINT, no_filter};
pub(super) use socket::without_effect;

/// Filters by name.
pub(super) type Filters = BTreeMap<String, FilterSettings>;

/// Checks the files of a configuration, the main one first. `outside` are values that are not in them.
pub(super) fn settings(
    documents: &[Document<'_>],
    outside: OutsideValues,
    bundled: &[&str],
) -> Result<Settings, Problems> {
    let mut checker = Checker {
        problems: Collector::default(),
        folder: PathBuf::new(),
        bundled,
        filters: Filters::new(),
        tables: TABLES,
    };
    let files = files(documents, &mut checker);
    let host = checker.host_of(&files);
    // Chains of any file may name filters of any other.
    for (folder, file) in &files {
        checker.folder = (*folder).to_owned();
        checker.filters(file.item("filter").as_ref());
    }
    let mut listeners = Vec::new();
    for (folder, file) in &files {
        checker.folder = (*folder).to_owned();
        listeners.extend(checker.listeners(file.item("listener").as_ref()));
    }
    let mut tests = Vec::new();
    for (_, file) in &files {
        tests.extend(checker.tests(file.item("test").as_ref(), &listeners));
    }
    let main = documents.first();
    let mut settings = Settings {
        host,
        listeners,
        tests,
        filters: std::mem::take(&mut checker.filters),
        place: main
            .map(|main| Place::file_of(main.source))
            .unwrap_or_default(),
        sources: Sources(
            documents
                .iter()
                .map(|document| Arc::clone(document.source))
                .collect(),
        ),
        outside,
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

/// Each file as a table, with the folder that its relative paths start from. Reports unknown tables.
fn files<'d>(
    documents: &'d [Document<'d>],
    checker: &mut Checker<'_>,
) -> Vec<(&'d Path, Table<'d>)> {
    let mut files = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let file = Table::root(document.source, &document.tree);
        if index == 0 {
            file.refuse_unknown(FILE, checker);
        } else if let Some((_, place, _)) = file.iter().find(|(key, ..)| *key == "include") {
            let hint = "name all files in `include` of the main configuration";
            let what = "an included file includes no others";
            checker.problems.push(place.problem(what, hint));
        } else {
            file.refuse_unknown(INCLUDED_FILE, checker);
        }
        files.push((document.folder, file));
    }
    files
}

impl Checker<'_> {
    /// The settings of the host, which one of the files may have.
    fn host_of(&mut self, files: &[(&Path, Table<'_>)]) -> HostSettings {
        let main = files.first().map(|(folder, _)| *folder);
        let mut with_host = files.iter().filter(|(_, file)| file.has("host"));
        let first = with_host.next();
        for (_, other) in with_host {
            let there = first.and_then(|(_, file)| file.item("host"));
            let there = there.and_then(|item| item.place.spot()).unwrap_or_default();
            if let Some(item) = other.item("host") {
                let what = format!("there are two tables `[host]`; the first is at {there}");
                let hint = "put all keys of the host into one of them";
                self.problems.push(item.place.problem(what, hint));
            }
        }
        self.folder = first
            .map(|(folder, _)| *folder)
            .or(main)
            .unwrap_or(Path::new(""))
            .to_owned();
        let item = first.and_then(|(_, file)| file.item("host"));
        self.host(item.as_ref())
    }

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
