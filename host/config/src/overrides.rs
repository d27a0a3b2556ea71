//! Settings from the command line, without a file or in addition to one.
//!
//! In: arguments. Out: [`Settings`] changed by them. Not here: parsing of options.

use std::collections::BTreeSet;
use std::path::Path;

use super::chain_arg::{self, ChainArgs, name_and_table};
use super::files::patience::Files;
use super::plugin_ref::{is_name, is_path};
use super::printable::quote;
use super::problem::{Problem, Problems};
use super::settings::{
    Address, FilterSettings, Grant, HostSettings, ListenerSettings, OutsideValues, PluginRef,
    Settings, Sources, StageSettings,
};
use super::validate::{no_filter, without_effect};
use crate::problem::place::Place;

impl PluginRef {
    /// The plugin that an argument names: a path, relative to the working directory, or a name.
    pub fn from_arg(arg: &str) -> Self {
        Self::parse(arg, Path::new(""))
    }
}

impl Settings {
    /// What `linemill serve` runs without a configuration: ROT13 on 127.0.0.1:40713. No folder
    /// is searched for plugins, since no file names one.
    pub fn builtin() -> Self {
        let listener = ListenerSettings::default();
        let filter = |StageSettings { filter: name, .. }: &StageSettings| {
            (
                name.clone(),
                FilterSettings::new(name, PluginRef::Name(name.clone())),
            )
        };
        Self {
            host: HostSettings {
                plugins: Vec::new(),
                ..HostSettings::default()
            },
            filters: listener.chain.iter().map(filter).collect(),
            listeners: vec![listener],
            tests: Vec::new(),
            place: Place::default(),
            sources: Sources::default(),
            outside: OutsideValues::default(),
        }
    }

    /// Refuses settings without a listener, with which `linemill serve` would do nothing.
    ///
    /// # Errors
    /// When there is no listener.
    pub fn require_listener(&self, path: &Path) -> Result<(), Problem> {
        if !self.listeners.is_empty() {
            return Ok(());
        }
        let hint = "add a table [[listener]] with `name`, `bind` and `chain`";
        Err(Place::file(path).problem("there is no listener, so there is nothing to serve", hint))
    }

    /// Applies `--listen ADDR`.
    ///
    /// # Errors
    /// When there is not exactly one listener, or a key of it has no effect on that address.
    pub fn listen_on(&mut self, bind: Address) -> Result<(), Problems> {
        let listener = self.only_listener("--listen")?;
        listener.bind = bind;
        listener.bind_place = Place::default();
        listener.places.set("bind", Place::default());
        let name = format!("listener `{}`", listener.name);
        Problems::new(without_effect(listener, &name)).map_or(Ok(()), Err)
    }

    /// Applies `--chain A,B` and `--grant`.
    ///
    /// # Errors
    /// When there is not exactly one listener, or as [`Self::chain_from_args`].
    pub fn use_chain(
        &mut self,
        args: ChainArgs<'_>,
        bundled: &[&str],
        files: &Files,
    ) -> Result<(), Problems> {
        self.only_listener("--chain")?;
        let chain = self.chain_from_args(args, bundled, files)?;
        let listener = self.only_listener("--chain")?;
        listener.chain = chain;
        listener.places.set("chain", Place::default());
        // They are about another chain.
        self.tests.clear();
        Ok(())
    }

    /// The chain that arguments ask for. A plugin that is not yet a filter becomes one; a filter made from a
    /// path is named after the file. An argument with settings becomes a filter of its own, with the other
    /// keys of the filter that it names. The `files` that settings name are read.
    ///
    /// # Errors
    /// When an argument does not name a filter or a plugin, or something is wrong with its settings.
    pub fn chain_from_args(
        &mut self,
        args: ChainArgs<'_>,
        bundled: &[&str],
        files: &Files,
    ) -> Result<Vec<StageSettings>, Problems> {
        let mut chain = Vec::with_capacity(args.filters.len());
        let named = self.filters.keys().cloned().collect();
        for arg in args.filters {
            let filter = self.filter_from_arg(arg, &named, args.grant, bundled, files)?;
            chain.push(StageSettings::always(filter));
        }
        Ok(chain)
    }

    /// The name of the filter that an argument asks for, which is added unless there is such a filter. An
    /// argument can name the filters that are `named`, and not those that other arguments add.
    fn filter_from_arg(
        &mut self,
        arg: &str,
        named: &BTreeSet<String>,
        grant: &[Grant],
        bundled: &[&str],
        files: &Files,
    ) -> Result<String, Problems> {
        let (name, table) = name_and_table(arg)?;
        if table.is_none() && named.contains(name) {
            return Ok(name.to_owned());
        }
        let mut filter = self.template(name, named, grant, bundled)?;
        if let Some(table) = table {
            let read = chain_arg::settings(name, table, files)?;
            self.outside = std::mem::take(&mut self.outside).with(read.outside);
            filter.settings = read.settings;
            filter.inner_places = read.places;
            filter.places.set("settings", read.place);
            // They are about other settings.
            filter.test.clear();
            filter.trial = None;
        }
        // The same argument twice means one filter twice.
        let known = self.filters.values().find(|known| {
            filter.name.clone_from(&known.name);
            **known == filter
        });
        if let Some(known) = known {
            return Ok(known.name.clone());
        }
        filter.name = self.unused_name(name);
        let name = filter.name.clone();
        self.filters.insert(name.clone(), filter);
        Ok(name)
    }

    /// The filter that a name or a path stands for, before it gets settings and a name of its own.
    fn template(
        &self,
        name: &str,
        named: &BTreeSet<String>,
        grant: &[Grant],
        bundled: &[&str],
    ) -> Result<FilterSettings, Problem> {
        if let Some(filter) = self.filters.get(name).filter(|_| named.contains(name)) {
            return Ok(filter.clone());
        }
        if is_path(name) || bundled.contains(&name) {
            let plugin = PluginRef::from_arg(name);
            return Ok(FilterSettings {
                grant: grant.to_vec(),
                ..FilterSettings::new(name, plugin)
            });
        }
        let hint = no_filter(name, named.iter().map(String::as_str), bundled);
        let text = format!("there is no filter {}", quote(name));
        let hint = format!("{hint}; a path has a / or ends in .wasm");
        Err(Place::default().problem(text, hint))
    }

    /// A name that no other filter has, for the filter of a name or a plugin file.
    fn unused_name(&self, name_or_path: &str) -> String {
        let stem = Path::new(name_or_path).file_stem();
        let stem = stem.unwrap_or_default().to_string_lossy();
        let name: String = stem
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .take(48)
            .collect();
        let name = if is_name(&name) {
            name
        } else {
            "plugin".to_owned()
        };
        let numbered = (2..).map(|number: u64| format!("{name}-{number}"));
        std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !self.filters.contains_key(name))
            .unwrap_or(name)
    }

    fn only_listener(&mut self, option: &str) -> Result<&mut ListenerSettings, Problem> {
        let names: Vec<&str> = self
            .listeners
            .iter()
            .map(|listener| listener.name.as_str())
            .collect();
        let text = match names.as_slice() {
            [] => format!("{option} changes the listener of the configuration, but there is none"),
            [_] => return Ok(&mut self.listeners[0]),
            names => format!(
                "{option} changes the only listener, but there are {}: {}",
                names.len(),
                names.join(", ")
            ),
        };
        let hint = format!("leave {option} out and write it into the configuration's [[listener]]");
        Err(Place::default().problem(text, hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    const BUNDLED: &[&str] = &["rot13", "case"];

    fn chain(settings: &mut Settings, filters: &[&str]) -> Result<Vec<StageSettings>, Problems> {
        let filters: Vec<String> = filters.iter().map(|&filter| filter.to_owned()).collect();
        let args = ChainArgs {
            filters: &filters,
            grant: &[Grant::Clock],
        };
        settings.chain_from_args(args, BUNDLED, &Files::default())
    }

    fn settings(text: &str) -> Settings {
        parse(Path::new("a.toml"), text, BUNDLED).expect("valid")
    }

    #[test]
    fn a_chain_takes_filters_bundled_plugins_and_paths() {
        let mut settings = settings("[filter.mine]\nplugin = \"mine.wasm\"\n");
        let args = [
            "mine",
            "case",
            "./a b.wasm",
            "other/mine.wasm",
            "./a b.wasm",
            "x.wasm",
            "case",
        ];
        let chain = chain(&mut settings, &args).expect("known");
        let expected = ["mine", "case", "a-b", "mine-2", "a-b", "x", "case"];
        assert_eq!(chain, expected.map(StageSettings::always));
        let path = |name: &str| settings.filters[name].plugin.clone();
        assert_eq!(path("a-b"), PluginRef::Path("./a b.wasm".into()));
        assert_eq!(path("mine-2"), PluginRef::Path("other/mine.wasm".into()));
        assert_eq!(path("case"), PluginRef::Name("case".to_owned()));
        assert_eq!(settings.filters.len(), 5);
    }

    #[test]
    fn a_chain_refuses_what_is_none_of_them() {
        let mut settings = Settings::builtin();
        let problem = chain(&mut settings, &["rot31"]).expect_err("unknown");
        let shown = "error: there is no filter `rot31`\n  = hint: did you mean `rot13`? known filters: `case`, `rot13`; \
                     or define it in a table [filter.rot31]; a path has a / or ends in .wasm";
        assert_eq!(problem.to_string(), shown);
        assert_eq!(settings, Settings::builtin());
    }

    #[test]
    fn an_argument_with_settings_is_a_filter_of_its_own() {
        let text = "[filter.mine]\nplugin = \"case\"\nmemory = \"1MiB\"\nsettings = { to = \"upper\" }\ntest = [{ in = [\"a\"], out = [\"A\"] }]\n";
        let mut settings = settings(text);
        let args = [
            "mine",
            "mine{to = \"lower\"}",
            "case{to='lower'}",
            "case{to='lower'}",
            "case",
        ];
        let chain = chain(&mut settings, &args).expect("known");
        let names = ["mine", "mine-2", "case", "case", "case-2"];
        assert_eq!(chain, names.map(StageSettings::always));
        let filter = |name: &str| &settings.filters[name];
        assert_eq!(filter("mine").settings["to"], "upper");
        assert_eq!(filter("mine-2").settings["to"], "lower");
        assert_eq!(
            (filter("mine-2").memory, filter("mine-2").test.len()),
            (1 << 20, 0)
        );
        // What the command line alone defines is granted what the command line says.
        assert_eq!(
            (&*filter("case").grant, &*filter("mine-2").grant),
            (&[Grant::Clock][..], &[][..])
        );
        let places = &filter("case").inner_places;
        assert_eq!(places.value("/to").and_then(Place::text), Some("'lower'"));
    }

    #[test]
    fn options_change_the_only_listener() {
        let mut settings = settings("[[listener]]\nname = \"a\"\nchain = []\n");
        settings
            .listen_on("[::1]:0".parse().expect("an address"))
            .expect("one listener");
        let args = ["case", "rot13"].map(str::to_owned);
        let args = ChainArgs {
            filters: &args,
            ..ChainArgs::default()
        };
        settings
            .use_chain(args, BUNDLED, &Files::default())
            .expect("one listener");
        assert_eq!(settings.listeners[0].bind.to_string(), "[::1]:0");
        let expected = ["case", "rot13"].map(StageSettings::always);
        assert_eq!(settings.listeners[0].chain, expected);
        assert!(settings.filters.contains_key("case") && settings.filters.contains_key("rot13"));
    }

    #[test]
    fn options_do_not_choose_among_listeners() {
        let mut two = settings(
            "[[listener]]\nname = \"a\"\n[[listener]]\nname = \"b\"\nbind = \"127.0.0.1:0\"\n",
        );
        let problem = two
            .use_chain(ChainArgs::default(), BUNDLED, &Files::default())
            .expect_err("two listeners")
            .to_string();
        assert!(
            problem
                .starts_with("error: --chain changes the only listener, but there are 2: a, b\n"),
            "{problem}"
        );
        let none = settings("")
            .listen_on("127.0.0.1:0".parse().expect("an address"))
            .expect_err("none")
            .to_string();
        assert!(
            none.starts_with(
                "error: --listen changes the listener of the configuration, but there is none\n"
            ),
            "{none}"
        );
    }

    #[test]
    fn an_address_must_suit_the_keys_of_the_file() {
        let text = "[[listener]]\nname = \"a\"\nbind = \"[::]:0\"\nipv6_only = true\n";
        let problem = settings(text)
            .listen_on("127.0.0.1:0".parse().expect("an address"))
            .expect_err("no IPv6 address")
            .to_string();
        let shown = "error: a.toml:4:13: key `ipv6_only` of listener `a` has no effect: `127.0.0.1:0` is not an IPv6 address\n";
        assert!(problem.contains(shown), "{problem}");
        let text = text.replace("ipv6_only", "reuse_port");
        let mut taken = settings(&text);
        let unix: Address = "unix:/run/a.sock".parse().expect("an address");
        let problem = taken.listen_on(unix).expect_err("no port").to_string();
        assert!(
            problem.contains("`unix:/run/a.sock` has no port"),
            "{problem}"
        );
        assert_eq!(
            taken.listen_on("127.0.0.1:0".parse().expect("an address")),
            Ok(())
        );
    }

    #[test]
    fn a_host_without_listener_has_nothing_to_serve() {
        let path = Path::new("a.toml");
        assert_eq!(Settings::builtin().require_listener(path), Ok(()));
        let problem = settings("[filter.rot13]\n")
            .require_listener(path)
            .expect_err("none")
            .to_string();
        assert!(
            problem.starts_with("error: a.toml: there is no listener"),
            "{problem}"
        );
    }
}
