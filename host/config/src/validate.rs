//! From a file as written to validated settings.
//!
//! In: the TOML tree of a file. Out: [`Settings`] in which every reference resolves and every
//! number is in range, or reports of everything that is wrong. Pure: nothing is opened or looked
//! up.

mod datagrams;
mod egress;
mod filter;
mod greeting;
mod inner;
mod listener;
mod names;
mod socket;
mod stage;
mod trial;
mod unique;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::checker::Checker;
use super::collector::Collector;
use super::item::{Item, Table};
use super::key::TableSettings as _;
use super::malformed::Malformed;
use super::problem::{Problem, Problems};
use super::settings::{
    Address, FilterSettings, HostSettings, PluginRef, Rollback, Settings, StageSettings, Token,
};
use super::tables::{FILE, TABLES};
use crate::problem::place::{Place, Source};
use names::NAME_HINT;
pub(super) use names::no_filter;
pub(super) use socket::without_effect;

/// Filters by name.
type Filters = BTreeMap<String, FilterSettings>;

/// Checks a whole file.
pub(super) fn settings(
    source: &Arc<Source>,
    tree: &DeTable<'_>,
    bundled: &[&str],
) -> Result<Settings, Problems> {
    let folder = source.path.parent().unwrap_or(Path::new("")).to_owned();
    let mut checker = Checker {
        problems: Collector::default(),
        folder,
        bundled,
        tables: TABLES,
    };
    let file = Table::root(source, tree);
    file.refuse_unknown(FILE, &mut checker);
    let host = checker.host(file.item("host").as_ref());
    let filters = checker.filters(file.item("filter").as_ref());
    let listeners = checker.listeners(file.item("listener").as_ref(), &filters);
    let mut settings = Settings {
        host,
        listeners,
        filters,
        place: Place::file_of(source),
    };
    checker.names(&settings.listeners);
    checker.addresses(&settings);
    checker.outputs(&settings.listeners);
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
        let folder = &self.folder;
        host.admin = self.problems.read(admin_item.as_ref(), None, |item| {
            admin(item, folder).map(Some)
        });
        host.admin_token = self
            .problems
            .read(token_item.as_ref(), None, |item| token(item).map(Some));
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
        host.rollback = table.item("rollback").and_then(|item| self.rollback(&item));
        host.places = table.places(HostSettings::KEYS);
        host
    }

    fn rollback(&mut self, item: &Item<'_>) -> Option<Rollback> {
        let right = "write rollback = { share = \"5%\", window = \"30s\" }";
        let table = self
            .problems
            .keep(item.table("`rollback` of `[host]`".to_owned(), right))?;
        self.require(&table, &["share"], right);
        Some(Rollback::read(&table, self))
    }

    /// The items of a list; those that are invalid become problems.
    pub(super) fn list<'a, T>(
        &mut self,
        item: &Item<'a>,
        read: impl Fn(&Item<'a>) -> Result<T, Problem>,
    ) -> Vec<T> {
        let items = self.problems.keep(item.list()).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| self.problems.keep(read(item)))
            .collect()
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

/// Shortest token, characters.
const TOKEN_LEAST: usize = 16;

/// An address; a relative path in it starts from `folder`.
fn address(item: &Item<'_>, folder: &Path) -> Result<Address, Problem> {
    Ok(match item.parsed()? {
        Address::Unix(path) => Address::Unix(folder.join(path)),
        Address::Unixgram(path) => Address::Unixgram(folder.join(path)),
        other => other,
    })
}

/// The admin address: one that the host opens itself.
fn admin(item: &Item<'_>, folder: &Path) -> Result<Address, Problem> {
    let hint = "write IP:PORT, such as \"127.0.0.1:9713\" or \"[::1]:0\", or \"unix:PATH\"";
    match item.text()?.parse() {
        Ok(Address::Systemd(_) | Address::Udp(_) | Address::Unixgram(_)) => {
            Err(item.refuse("is for listeners only", hint))
        }
        Ok(_) => address(item, folder),
        Err(Malformed { fault, .. }) => Err(item.refuse(fault, hint)),
    }
}

/// A token that is long enough not to be guessed, and that a header can contain.
fn token(item: &Item<'_>) -> Result<Token, Problem> {
    let text = item.text()?;
    let hint = "write at least 16 visible ASCII characters without spaces, as `openssl rand -hex 32` makes them";
    if text.len() < TOKEN_LEAST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(item.refuse("is not a token", hint));
    }
    Ok(Token::new(text))
}
