//! From a file as written to settings that hold.
//!
//! In: the TOML tree of a file. Out: [`Settings`] in which every reference resolves and every
//! number is in range, or reports of all that is wrong. Pure: nothing is opened or looked up.
//! Not here: what this version does not do yet (see `not_yet`).

mod filter;
mod inner;
mod listener;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeTable;

use super::file::{File, Host};
use super::item::{Item, Problems, Table};
use super::report::{Report, Reports, Source, quote};
use super::settings::{
    Address, FilterSettings, HostSettings, ListenerSettings, PluginRef, Settings, StageSettings,
};
use super::suggest;
use super::units::TIME;

/// Filters by name.
type Filters = BTreeMap<String, FilterSettings>;

/// What the readers of all tables need.
struct Checker<'b> {
    problems: Problems,
    /// Folder that relative paths start from.
    folder: PathBuf,
    bundled: &'b [&'b str],
}

/// Checks a whole file.
pub(super) fn settings(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    bundled: &[&str],
) -> Result<Settings, Reports> {
    let folder = source.path.parent().unwrap_or(Path::new("")).to_owned();
    let mut checker = Checker {
        problems: Problems::default(),
        folder,
        bundled,
    };
    let file = File::read(&Table::root(source, tree), &mut checker.problems);
    let host = checker.host(file.host.as_ref());
    let filters = checker.filters(file.filter.as_ref());
    let listeners = checker.listeners(file.listener.as_ref(), &filters);
    let mut settings = Settings {
        host,
        listeners,
        filters,
    };
    checker.names(&settings.listeners);
    checker.addresses(&settings);
    complete(&mut settings);
    Reports::new(checker.problems.0).map_or(Ok(settings), Err)
}

impl Checker<'_> {
    fn host(&mut self, item: Option<&Item<'_>>) -> HostSettings {
        let mut host = HostSettings::default();
        let folder = &self.folder;
        let table = item.and_then(|item| {
            self.problems.keep(item.table(
                "`[host]`".to_owned(),
                "write a line [host], and its keys below",
            ))
        });
        if let Some(table) = table {
            let file = Host::read(&table, &mut self.problems);
            host.admin = self.problems.read(file.admin.as_ref(), None, |item| {
                address(item, folder).map(Some)
            });
            host.drain = self
                .problems
                .read(file.drain.as_ref(), host.drain, |item| time(item, 0, HOUR));
            host.admin_place = file.admin.map_or(table.place, |item| item.place);
            if let Some(item) = &file.plugins {
                host.plugins = self.list(item, |item| Ok(PathBuf::from(item.text()?)));
            }
        }
        host.plugins = host
            .plugins
            .iter()
            .map(|path| self.folder.join(path))
            .collect();
        host
    }

    /// A list of which every item reads; those that do not become problems.
    fn list<'a, T>(
        &mut self,
        item: &Item<'a>,
        read: impl Fn(&Item<'a>) -> Result<T, Report>,
    ) -> Vec<T> {
        let items = self.problems.keep(item.list()).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| self.problems.keep(read(item)))
            .collect()
    }

    /// No two listeners share a name.
    fn names(&mut self, listeners: &[ListenerSettings]) {
        for (index, listener) in listeners.iter().enumerate() {
            if listeners[..index]
                .iter()
                .any(|other| other.name == listener.name)
            {
                let text = format!("there are two listeners `{}`", listener.name);
                let hint = "give each [[listener]] a `name` of its own";
                self.problems
                    .0
                    .push(listener.places.of("name").report(text, hint));
            }
        }
    }

    /// No two things listen on the same address.
    fn addresses(&mut self, settings: &Settings) {
        let host = &settings.host;
        let admin = host
            .admin
            .as_ref()
            .map(|bind| (bind, &host.admin_place, "the admin address".to_owned()));
        let name = |listener: &ListenerSettings| format!("listener `{}`", listener.name);
        let listeners = settings
            .listeners
            .iter()
            .map(|one| (&one.bind, &one.bind_place, name(one)));
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for (bind, place, name) in admin.into_iter().chain(listeners) {
            if matches!(bind, Address::Tcp(address) if address.port() == 0) {
                continue;
            }
            match taken.get(&bind.to_string()) {
                None => drop(taken.insert(bind.to_string(), name)),
                Some(first) => {
                    let text = format!(
                        "{name} and {first} have the same address {}",
                        quote(&bind.to_string())
                    );
                    let report = place.report(
                        text,
                        "give one of them another port, or port 0 to let the system choose",
                    );
                    self.problems.0.push(report);
                }
            }
        }
    }
}

/// The name of a filter in a chain: one that has a table, or a bundled one.
fn filter_name(item: &Item<'_>, filters: &Filters, bundled: &[&str]) -> Result<String, Report> {
    let name = item.text()?;
    if filters.contains_key(name) || bundled.contains(&name) {
        return Ok(name.to_owned());
    }
    let mut hint = no_filter(name, filters.keys().map(String::as_str), bundled);
    if is_path(name) {
        hint += &format!("; to use this file, write plugin = \"{name}\" in a table [filter.NAME]");
    }
    Err(item.refuse("is not a filter", hint))
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

/// What to do about a name that is no filter.
pub(super) fn no_filter<'a>(
    name: &str,
    defined: impl Iterator<Item = &'a str>,
    bundled: &[&'a str],
) -> String {
    let mut known: Vec<&str> = defined.chain(bundled.iter().copied()).collect();
    known.sort_unstable();
    known.dedup();
    let list = suggest::hint(name, "known filters", &known);
    if is_name(name) {
        format!("{list}; or define it in a table [filter.{name}]")
    } else {
        list
    }
}

/// Letters, digits, `-` and `_`: what a name may have, so that it can stand in a list, a path
/// and a metric as it is.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The hint for what is no name.
const NAME_HINT: &str = "use 1 to 64 of the letters a-z and A-Z, digits, - and _";

/// Longest time that a key takes, in milliseconds.
const HOUR: u64 = 3_600_000;

/// A time from `least` to `most` milliseconds.
fn time(item: &Item<'_>, least: u64, most: u64) -> Result<Duration, Report> {
    item.quantity(&TIME, least..=most)
        .map(Duration::from_millis)
}

/// An address; a relative path in it starts from `folder`.
fn address(item: &Item<'_>, folder: &Path) -> Result<Address, Report> {
    Ok(match item.parsed()? {
        Address::Unix(path) => Address::Unix(folder.join(path)),
        other => other,
    })
}

/// A timeout; zero turns it off.
fn timeout(item: &Item<'_>) -> Result<Option<Duration>, Report> {
    let time = time(item, 0, 24 * HOUR)?;
    Ok((!time.is_zero()).then_some(time))
}

/// A bare name of a plugin, or a path: a text with a slash, or one that ends in `.wasm`.
pub(super) fn plugin(text: &str, folder: &Path) -> PluginRef {
    if is_path(text) {
        PluginRef::Path(folder.join(text))
    } else {
        PluginRef::Name(text.to_owned())
    }
}

/// Tells a path from a name.
pub(super) fn is_path(text: &str) -> bool {
    text.contains(['/', std::path::MAIN_SEPARATOR]) || text.ends_with(".wasm")
}
