//! Settings from the command line, without a file or in addition to one.
//!
//! In: arguments. Out: [`Settings`] changed by them. Not here: parsing of options.

use std::path::Path;

use super::plugin_ref::{is_name, is_path};
use super::problem::{Problem, Problems};
use super::settings::{
    Address, FilterSettings, HostSettings, ListenerSettings, OutsideValues, PluginRef, Settings,
    Sources, StageSettings,
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

    /// Applies `--chain A,B`.
    ///
    /// # Errors
    /// When there is not exactly one listener, or an argument does not name a filter.
    pub fn use_chain(&mut self, args: &[impl AsRef<str>], bundled: &[&str]) -> Result<(), Problem> {
        self.only_listener("--chain")?;
        let chain = self.chain_from_args(args, bundled)?;
        let listener = self.only_listener("--chain")?;
        listener.chain = chain;
        listener.places.set("chain", Place::default());
        // They are about another chain.
        self.tests.clear();
        Ok(())
    }

    /// The chain that arguments ask for: each is the name of a filter, a bundled plugin, or a path
    /// to a `.wasm`. A plugin that is not yet a filter becomes one with default settings; a filter
    /// made from a path is named after the file.
    ///
    /// # Errors
    /// When an argument is not one of these.
    pub fn chain_from_args(
        &mut self,
        args: &[impl AsRef<str>],
        bundled: &[&str],
    ) -> Result<Vec<StageSettings>, Problem> {
        args.iter()
            .map(|arg| {
                self.filter_from_arg(arg.as_ref(), bundled)
                    .map(StageSettings::always)
            })
            .collect()
    }

    fn filter_from_arg(&mut self, arg: &str, bundled: &[&str]) -> Result<String, Problem> {
        if self.filters.contains_key(arg) {
            return Ok(arg.to_owned());
        }
        let (name, plugin) = if is_path(arg) {
            let plugin = PluginRef::Path(arg.into());
            // Naming a path twice means using one filter twice.
            let known = self
                .filters
                .values()
                .find(|filter| **filter == FilterSettings::new(&filter.name, plugin.clone()));
            if let Some(filter) = known {
                return Ok(filter.name.clone());
            }
            (self.unused_name(Path::new(arg)), plugin)
        } else if bundled.contains(&arg) {
            (arg.to_owned(), PluginRef::Name(arg.to_owned()))
        } else {
            let hint = no_filter(arg, self.filters.keys().map(String::as_str), bundled);
            let text = format!("there is no filter {}", super::printable::quote(arg));
            return Err(
                Place::default().problem(text, format!("{hint}; a path has a / or ends in .wasm"))
            );
        };
        self.filters
            .insert(name.clone(), FilterSettings::new(&name, plugin));
        Ok(name)
    }

    /// A name for the filter of a plugin file that no other filter has.
    fn unused_name(&self, path: &Path) -> String {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
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
        let chain = settings.chain_from_args(&args, BUNDLED).expect("known");
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
        let problem = settings
            .chain_from_args(&["rot31"], BUNDLED)
            .expect_err("unknown");
        let shown = "error: there is no filter `rot31`\n  = hint: did you mean `rot13`? known filters: `case`, `rot13`; \
                     or define it in a table [filter.rot31]; a path has a / or ends in .wasm";
        assert_eq!(problem.to_string(), shown);
        assert_eq!(settings, Settings::builtin());
    }

    #[test]
    fn options_change_the_only_listener() {
        let mut settings = settings("[[listener]]\nname = \"a\"\nchain = []\n");
        settings
            .listen_on("[::1]:0".parse().expect("an address"))
            .expect("one listener");
        settings
            .use_chain(&["case", "rot13"], BUNDLED)
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
            .use_chain(&["rot13"], BUNDLED)
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
