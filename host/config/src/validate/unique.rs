//! What two tables must not have in common.

use std::collections::BTreeMap;

use crate::checker::Checker;
use crate::printable::quote;
use crate::settings::{Address, Destination, ListenerSettings, Mode, Settings};
use crate::units::{SIZE, show_time};

impl Checker<'_> {
    /// Reports listeners with the same name.
    pub(super) fn names(&mut self, listeners: &[ListenerSettings]) {
        for (index, listener) in listeners.iter().enumerate() {
            if listeners[..index]
                .iter()
                .any(|other| other.name == listener.name)
            {
                let text = format!("there are two listeners `{}`", listener.name);
                let hint = "give each [[listener]] a `name` of its own";
                self.problems
                    .push(listener.places.of("name").problem(text, hint));
            }
        }
    }

    /// Reports listeners, or a listener and `admin`, with the same address.
    pub(super) fn addresses(&mut self, settings: &Settings) {
        let host = &settings.host;
        let admin = host.admin.as_ref().map(|bind| {
            (
                bind,
                host.places.of("admin"),
                "the admin address".to_owned(),
            )
        });
        let name = |listener: &ListenerSettings| format!("listener `{}`", listener.name);
        let listeners = settings
            .listeners
            .iter()
            .map(|one| (&one.bind, &one.bind_place, name(one)));
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for (bind, place, name) in admin.into_iter().chain(listeners) {
            if matches!(bind, Address::Tcp(address) | Address::Udp(address) if address.port() == 0)
            {
                continue;
            }
            match taken.get(&bind.to_string()) {
                None => drop(taken.insert(bind.to_string(), name)),
                Some(first) => {
                    let text = format!(
                        "{name} and {first} have the same address {}",
                        quote(&bind.to_string())
                    );
                    let hint = match bind {
                        Address::Tcp(_) | Address::Udp(_) => {
                            "give one of them another port, or port 0 to let the system choose"
                        }
                        Address::Unix(_) | Address::Unixgram(_) => "give one of them another path",
                        Address::Systemd(_) => {
                            "give each a socket of its own, by its name: \"systemd:NAME\""
                        }
                    };
                    self.problems.push(place.problem(text, hint));
                }
            }
        }
    }

    /// Reports listeners that write to the same output with different buffers or connection
    /// settings.
    pub(super) fn outputs(&mut self, listeners: &[ListenerSettings]) {
        let mut known: BTreeMap<&Destination, &ListenerSettings> = BTreeMap::new();
        for listener in listeners {
            for (key, to) in listener.shared_destinations() {
                let first = *known.entry(to).or_insert(listener);
                let mut differs = |setting, here: String, there: String| {
                    let text = format!(
                        "key `{key}` of listener `{}`: its `{setting}` is {here}, but that of listener `{}` is {there}, and both write to {}",
                        listener.name,
                        first.name,
                        quote(&to.to_string()),
                    );
                    let hint = format!("they share one output: give both the same `{setting}`");
                    self.problems
                        .push(listener.places.of(key).problem(text, hint));
                };
                if listener.buffer != first.buffer {
                    let [here, there] = [listener, first].map(|one| SIZE.show(one.buffer as u64));
                    differs("buffer", here, there);
                }
                if listener.file_mode != first.file_mode && matches!(to, Destination::File(_)) {
                    let [here, there] = [listener, first].map(|one| one.file_mode.to_string());
                    differs("file_mode", here, there);
                }
                if listener.connect_timeout != first.connect_timeout && to.is_socket() {
                    let [here, there] = [listener, first].map(|one| show_time(one.connect_timeout));
                    differs("connect_timeout", here, there);
                }
                if listener.write_timeout != first.write_timeout && to.is_socket() {
                    let [here, there] = [listener, first]
                        .map(|one| show_time(one.write_timeout.unwrap_or_default()));
                    differs("write_timeout", here, there);
                }
                if listener.to_max_age != first.to_max_age && to.is_socket() {
                    let [here, there] =
                        [listener, first].map(|one| show_time(one.to_max_age.unwrap_or_default()));
                    differs("to_max_age", here, there);
                }
                if listener.resend != first.resend && to.is_socket() {
                    let [here, there] = [listener, first].map(|one| one.resend.to_string());
                    differs("resend", here, there);
                }
            }
        }
    }
}

impl Checker<'_> {
    /// All that write to one file must agree on its mode. Listeners have been compared already.
    pub(super) fn modes(&mut self, settings: &Settings) {
        let mut known: BTreeMap<&Destination, (String, Mode)> = BTreeMap::new();
        for listener in &settings.listeners {
            for (_, to) in listener.shared_destinations() {
                let first = || (format!("listener `{}`", listener.name), listener.file_mode);
                known.entry(to).or_insert_with(first);
            }
        }
        for filter in settings.filters.values() {
            let Some(to @ Destination::File(_)) = &filter.quarantine else {
                continue;
            };
            let own = || (format!("filter `{}`", filter.name), filter.file_mode);
            let (first, mode) = known.entry(to).or_insert_with(own);
            if *mode != filter.file_mode {
                let text = format!(
                    "key `quarantine` of filter `{}`: its `file_mode` is {}, but that of {first} is {mode}, and both write to {}",
                    filter.name,
                    filter.file_mode,
                    quote(&to.to_string()),
                );
                let hint = "they share one output: give both the same `file_mode`";
                let place = filter.places.of("quarantine");
                self.problems.push(place.problem(text, hint));
            }
        }
    }
}
