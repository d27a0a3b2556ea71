//! What no two tables may have in common.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::report::quote;
use crate::config::settings::{Address, ListenerSettings, Settings};

impl Checker<'_> {
    /// No two listeners share a name.
    pub(super) fn names(&mut self, listeners: &[ListenerSettings]) {
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
    pub(super) fn addresses(&mut self, settings: &Settings) {
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
                    let hint = match bind {
                        Address::Tcp(_) => {
                            "give one of them another port, or port 0 to let the system choose"
                        }
                        Address::Unix(_) => "give one of them another path",
                        Address::Systemd(_) => {
                            "give each a socket of its own, by its name: \"systemd:NAME\""
                        }
                    };
                    self.problems.0.push(place.report(text, hint));
                }
            }
        }
    }
}
