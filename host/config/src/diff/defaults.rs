//! Which settings differ from their defaults.

use crate::key::{Change, TableSettings};
use crate::settings::{FilterSettings, HostSettings, ListenerSettings, PluginRef, Settings};

/// The settings that are not at their defaults, each as `TABLE.KEY=VALUE`. A value that is secret, or too
/// long for one line, is shown as `…`.
pub fn not_default(settings: &Settings) -> Vec<String> {
    let mut found = shown("host", HostSettings::default().changes(&settings.host));
    for listener in &settings.listeners {
        let changes = ListenerSettings::default().changes(listener);
        // The name is in front of all.
        let changes = changes.into_iter().filter(|change| change.key != "name");
        found.extend(shown(&format!("listener.{}", listener.name), changes));
    }
    for (name, filter) in &settings.filters {
        let table = format!("filter.{name}");
        let default = FilterSettings::new(name, PluginRef::Name(name.clone()));
        found.extend(shown(&table, default.changes(filter)));
        let trial = filter.trial.as_ref();
        found.extend(trial.map(|trial| format!("{table}.{}={}", trial.kind.key(), trial.share)));
    }
    found
}

fn shown(table: &str, changes: impl IntoIterator<Item = Change>) -> Vec<String> {
    let one = |change: Change| {
        let value = change.value.as_deref().unwrap_or("…");
        format!("{table}.{}={value}", change.key)
    };
    changes.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::parse;

    fn found(text: &str) -> Vec<String> {
        not_default(&parse(Path::new("a.toml"), text, &["rot13", "redact"]).expect("valid"))
    }

    #[test]
    fn defaults_are_not_shown() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/linemill.toml");
        let sample = std::fs::read_to_string(sample).expect("the sample");
        for text in ["", "[[listener]]\n", &sample] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[host]\nadmin = \"127.0.0.1:9713\"\nadmin_token = \"0123456789abcdef\"\n\
                    log = { level = \"debug\" }\n\
                    [[listener]]\nname = \"a\"\nchain = [\"redact\"]\ntimeouts = 1\n"
            .replace("timeouts = 1", "idle_timeout = \"5s\"");
        assert_eq!(
            found(&format!(
                "{text}[filter.redact]\nsettings = {{ key = \"secret\" }}\n"
            )),
            [
                "host.admin=127.0.0.1:9713",
                "host.admin_token=…",
                "host.log.level=debug",
                "listener.a.chain=[\"redact\"]",
                "listener.a.idle_timeout=5s",
                "filter.redact.settings=…",
            ]
        );
    }
}
