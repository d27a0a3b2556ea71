//! What differs between two configurations, and which of it needs a restart.
//!
//! In: the settings in use and those that shall replace them. Out: [`Diff`], one [`Change`] a
//! key. Pure: it knows nothing of what runs. Not here: plugin files, which change without their
//! configuration; doing any of it.

mod shown;

use std::collections::BTreeSet;
use std::fmt;

use super::report::{Place, Reports};
use super::settings::{
    FilterSettings, HostSettings, Limits, LineSettings, ListenerSettings, Settings, Trial,
    TrialKind,
};
use shown::{Bytes, Shown};

/// Every change from one configuration to another; empty when they mean the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    changes: Vec<Change>,
}

/// One change. Displays as one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is about: "listener rot13".
    pub subject: String,
    /// What happened: "added", `chain ["a"] -> ["b"]`.
    pub what: String,
    /// Whether it can be made while lines flow.
    pub effect: Effect,
    /// Where the new configuration says so.
    place: Place,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// At once, for connections that are open too.
    Live,
    /// Only when the host starts anew.
    Restart,
}

use Effect::{Live, Restart};

/// Compares the settings in use with new ones.
pub fn diff(old: &Settings, new: &Settings) -> Diff {
    let mut diff = Diff::default();
    diff.host(&old.host, &new.host, &new.place);
    diff.listeners(&old.listeners, &new.listeners);
    let names: BTreeSet<&String> = old.filters.keys().chain(new.filters.keys()).collect();
    for name in names {
        let subject = format!("filter {name}");
        match (old.filters.get(name), new.filters.get(name)) {
            (Some(old), Some(new)) => diff.filter(&subject, old, new),
            (None, Some(new)) => diff.note(&subject, "added", Live, &new.place),
            _ => diff.note(&subject, "removed", Live, &Place::default()),
        }
    }
    diff
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Each change.
    pub fn iter(&self) -> std::slice::Iter<'_, Change> {
        self.changes.iter()
    }

    /// The changes that cannot be made while the host runs, as errors; `None` when all can.
    pub fn refusal(&self) -> Option<Reports> {
        let restart = self.iter().filter(|change| change.effect == Restart);
        let report = |change: &Change| {
            let hint = "restart linemill for it, or change it back; until then nothing of this configuration is taken";
            change
                .place
                .report(format!("{change}: this needs a restart"), hint)
        };
        Reports::new(restart.map(report).collect())
    }

    fn note(&mut self, subject: &str, what: impl Into<String>, effect: Effect, place: &Place) {
        self.changes.push(Change {
            subject: subject.to_owned(),
            what: what.into(),
            effect,
            place: place.clone(),
        });
    }

    fn host(&mut self, old: &HostSettings, new: &HostSettings, file: &Place) {
        let HostSettings {
            admin,
            admin_token,
            drain,
            plugins,
            rollback,
            capsules,
            stack,
            compile,
            admin_place: _,
        } = old;
        let mut keys = Keys {
            diff: self,
            subject: "host",
            // A file without the table has it nowhere.
            place: &|_| match new.admin_place.path() {
                Some(_) => &new.admin_place,
                None => file,
            },
        };
        keys.compare("admin", admin, &new.admin, Restart);
        keys.changed("admin_token", *admin_token != new.admin_token, Restart);
        keys.compare("drain", drain, &new.drain, Live);
        keys.compare("plugins", plugins, &new.plugins, Live);
        keys.changed("capsules", *capsules != new.capsules, Restart);
        keys.changed("rollback", *rollback != new.rollback, Live);
        keys.compare("stack", &Bytes(*stack), &Bytes(new.stack), Restart);
        keys.changed("compile", *compile != new.compile, Live);
    }

    fn listeners(&mut self, old: &[ListenerSettings], new: &[ListenerSettings]) {
        let of_name = |listeners: &[ListenerSettings], name: &str| {
            listeners.iter().position(|one| one.name == name)
        };
        for one in old.iter().filter(|one| of_name(new, &one.name).is_none()) {
            self.note(
                &format!("listener {}", one.name),
                "removed",
                Live,
                &Place::default(),
            );
        }
        for one in new {
            let subject = format!("listener {}", one.name);
            match of_name(old, &one.name) {
                Some(at) => self.listener(&subject, &old[at], one),
                None => self.note(&subject, "added", Live, &one.bind_place),
            }
        }
    }

    fn listener(&mut self, subject: &str, old: &ListenerSettings, new: &ListenerSettings) {
        // Taken apart by name, so that a new key cannot be forgotten here.
        let ListenerSettings {
            name: _,
            bind,
            ipv6_only,
            reuse_port,
            chain,
            to,
            to_framing,
            to_tls,
            shared,
            reply_chain,
            routes,
            tee,
            connect_timeout,
            buffer,
            watermarks,
            lines:
                LineSettings {
                    framing,
                    max_line,
                    oversize,
                    partial,
                },
            idle_timeout,
            line_timeout,
            write_timeout,
            max_connections,
            max_per_address,
            rate,
            total_rate,
            tls,
            bind_place: _,
            places: _,
        } = old;
        let mut keys = Keys {
            diff: self,
            subject,
            place: &|key| new.places.of(key),
        };
        keys.compare("bind", bind, &new.bind, Restart);
        keys.compare("ipv6_only", ipv6_only, &new.ipv6_only, Restart);
        keys.compare("reuse_port", reuse_port, &new.reuse_port, Restart);
        keys.compare("to", to, &new.to, Restart);
        keys.compare("framing", framing, &new.lines.framing, Restart);
        keys.compare("to_framing", to_framing, &new.to_framing, Restart);
        keys.changed("to_tls", *to_tls != new.to_tls, Restart);
        keys.compare("shared", shared, &new.shared, Restart);
        keys.changed("routes", *routes != new.routes, Restart);
        keys.changed("tee", *tee != new.tee, Restart);
        keys.compare("buffer", &Bytes(*buffer), &Bytes(new.buffer), Restart);
        let tls_effect = match (tls, &new.tls) {
            // Only certificates and the time for a handshake.
            (Some(_), Some(_)) => Live,
            _ => Restart,
        };
        keys.changed("tls", *tls != new.tls, tls_effect);
        keys.compare("chain", chain, &new.chain, Live);
        keys.compare("reply_chain", reply_chain, &new.reply_chain, Live);
        keys.compare(
            "connect_timeout",
            connect_timeout,
            &new.connect_timeout,
            Live,
        );
        keys.compare("watermarks", watermarks, &new.watermarks, Live);
        keys.compare(
            "max_line",
            &Bytes(*max_line),
            &Bytes(new.lines.max_line),
            Live,
        );
        keys.compare("oversize", oversize, &new.lines.oversize, Live);
        keys.compare("partial", partial, &new.lines.partial, Live);
        keys.compare("idle_timeout", idle_timeout, &new.idle_timeout, Live);
        keys.compare("line_timeout", line_timeout, &new.line_timeout, Live);
        keys.compare("write_timeout", write_timeout, &new.write_timeout, Live);
        keys.compare(
            "max_connections",
            max_connections,
            &new.max_connections,
            Live,
        );
        keys.compare(
            "max_per_address",
            max_per_address,
            &new.max_per_address,
            Live,
        );
        keys.changed("rate", *rate != new.rate, Live);
        keys.changed("total_rate", *total_rate != new.total_rate, Live);
    }

    fn filter(&mut self, subject: &str, old: &FilterSettings, new: &FilterSettings) {
        let FilterSettings {
            name: _,
            plugin,
            sha256,
            settings,
            on_error,
            quarantine,
            memory,
            deadline,
            limits,
            grant,
            isolation,
            handover,
            size,
            tests,
            trial,
            place: _,
            places: _,
        } = old;
        let mut keys = Keys {
            diff: self,
            subject,
            place: &|_| &new.place,
        };
        keys.compare("plugin", plugin, &new.plugin, Live);
        keys.compare("on_error", on_error, &new.on_error, Live);
        keys.changed("quarantine", *quarantine != new.quarantine, Live);
        keys.compare("memory", &Bytes(*memory), &Bytes(new.memory), Live);
        keys.compare("deadline", deadline, &new.deadline, Live);
        keys.limits(limits, &new.limits);
        keys.compare("isolation", isolation, &new.isolation, Live);
        keys.compare("handover", handover, &new.handover, Live);
        // Too long for a line, or not to be repeated in a log.
        keys.changed("sha256", *sha256 != new.sha256, Live);
        keys.changed("settings", *settings != new.settings, Live);
        keys.changed("grant", *grant != new.grant, Live);
        keys.changed("size", *size != new.size, Live);
        keys.changed("test", *tests != new.tests, Live);
        let of = |trial: &Option<Trial>, kind| {
            let trial = trial.as_ref();
            trial.filter(|trial| trial.kind == kind).cloned()
        };
        for kind in [TrialKind::Canary, TrialKind::Shadow] {
            let (old, new) = (of(trial, kind), of(&new.trial, kind));
            let what = match (&old, &new) {
                (Some(old), Some(new)) if old != new => format!("{} changed", kind.key()),
                (None, Some(new)) => format!("{} of {} begins", kind.key(), new.share),
                (Some(_), None) => format!("{} ends", kind.key()),
                _ => continue,
            };
            keys.say(kind.key(), what, Live);
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}

/// Compares the keys of one table.
struct Keys<'a> {
    diff: &'a mut Diff,
    subject: &'a str,
    /// Where a key stands.
    place: &'a dyn Fn(&str) -> &'a Place,
}

impl Keys<'_> {
    fn compare<T: PartialEq + Shown>(&mut self, key: &str, old: &T, new: &T, effect: Effect) {
        if old != new {
            let what = format!("{key} {} -> {}", old.shown(), new.shown());
            self.diff
                .note(self.subject, what, effect, (self.place)(key));
        }
    }

    fn limits(&mut self, old: &Limits, new: &Limits) {
        let Limits {
            tables,
            imports,
            output,
            host_memory,
            log_lines,
            functions,
            function_size,
        } = old;
        self.compare("limits.tables", tables, &new.tables, Live);
        self.compare("limits.imports", imports, &new.imports, Live);
        self.compare("limits.output", &Bytes(*output), &Bytes(new.output), Live);
        let (old, new_memory) = (Bytes(*host_memory), Bytes(new.host_memory));
        self.compare("limits.host_memory", &old, &new_memory, Live);
        self.compare("limits.log_lines", log_lines, &new.log_lines, Live);
        self.compare("limits.functions", functions, &new.functions, Live);
        let (old, new_size) = (Bytes(*function_size), Bytes(new.function_size));
        self.compare("limits.function_size", &old, &new_size, Live);
    }

    fn changed(&mut self, key: &str, changed: bool, effect: Effect) {
        if changed {
            self.say(key, format!("{key} changed"), effect);
        }
    }

    fn say(&mut self, key: &str, what: String, effect: Effect) {
        self.diff
            .note(self.subject, what, effect, (self.place)(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use std::path::Path;

    const BASE: &str = r#"
        [[listener]]
        name = "a"
        bind = "127.0.0.1:1"
        chain = ["rot13"]
        [filter.rot13]
    "#;

    fn lines(old: &str, new: &str) -> (String, String) {
        let read = |text| parse(Path::new("a.toml"), text, &["rot13", "case"]).expect("valid");
        let diff = diff(&read(old), &read(new));
        (
            diff.to_string(),
            diff.refusal()
                .map(|reports| reports.to_string())
                .unwrap_or_default(),
        )
    }

    #[test]
    fn nothing_changed_when_only_places_did() {
        assert_eq!(
            lines(BASE, &format!("# moved\n\n{BASE}")),
            (String::new(), String::new())
        );
    }

    #[test]
    fn what_changes_live() {
        let new = r#"
            [host]
            drain = "1s"
            compile = { time = "1m" }
            [[listener]]
            name = "a"
            bind = "127.0.0.1:1"
            chain = ["rot13", "case"]
            max_line = "1MiB"
            oversize = "drop"
            to = "tcp://b:1"
            idle_timeout = "0s"
            max_connections = 7
            max_per_address = 3
            reply_chain = ["case", { filter = "rot13", when = '^\{' }]
            connect_timeout = "1s"
            watermarks = { high = "1MiB" }
            total_rate = { lines = 1 }
            tls = { cert = "new.pem", key = "key.pem" }
            [filter.rot13]
            plugin = "./new.wasm"
            on_error = "close"
            settings = { a = 1 }
            [filter.rot13.limits]
            tables = 1
            imports = 2
            output = "3MiB"
            host_memory = "4MiB"
            log_lines = 5
            functions = 6
            function_size = "7B"
        "#;
        let expected = [
            "host: drain 10s -> 1s",
            "host: compile changed",
            "listener a: tls changed",
            r#"listener a: chain ["rot13"] -> ["rot13", "case"]"#,
            r#"listener a: reply_chain [] -> ["case", { filter = "rot13", when = "^\\{" }]"#,
            "listener a: connect_timeout 5s -> 1s",
            r#"listener a: watermarks { high = "32KiB", low = "8KiB" } -> { high = "1MiB", low = "256KiB" }"#,
            "listener a: max_line 16KiB -> 1MiB",
            r#"listener a: oversize "split" -> "drop""#,
            "listener a: idle_timeout 1m -> off",
            "listener a: max_connections 10000 -> 7",
            "listener a: max_per_address no limit -> 3",
            "listener a: total_rate changed",
            "filter case: added",
            "filter rot13: plugin rot13 -> ./new.wasm",
            r#"filter rot13: on_error "pass" -> "close""#,
            "filter rot13: limits.tables 100000 -> 1",
            "filter rot13: limits.imports 200000 -> 2",
            "filter rot13: limits.output 2MiB -> 3MiB",
            "filter rot13: limits.host_memory 2MiB -> 4MiB",
            "filter rot13: limits.log_lines 10 -> 5",
            "filter rot13: limits.functions 200000 -> 6",
            "filter rot13: limits.function_size 1MiB -> 7B",
            "filter rot13: settings changed",
        ];
        let base = r#"
            to = "tcp://b:1"
            tls = { cert = "cert.pem", key = "key.pem" }
            [filter.rot13]"#;
        let (changes, refusal) = lines(&BASE.replace("[filter.rot13]", base), new);
        assert_eq!(changes.lines().collect::<Vec<_>>(), expected);
        assert_eq!(refusal, "");
    }

    #[test]
    fn what_needs_a_restart_says_so_where_it_stands() {
        let new = r#"
[host]
admin = "127.0.0.1:9"
stack = "1MiB"
[[listener]]
name = "a"
bind = "127.0.0.1:2"
framing = "crlf"
to = "tls://b:1"
reuse_port = true
to_framing = "octet"
to_tls = { ca = "ca.pem" }
shared = true
routes = { errors = "stdout" }
tee = ["file:/a"]
buffer = "2MiB"
tls = { cert = "cert.pem", key = "key.pem" }
"#;
        let (changes, refusal) = lines(BASE, new);
        let expected = [
            "host: admin off -> 127.0.0.1:9",
            "host: stack 512KiB -> 1MiB",
            "listener a: bind 127.0.0.1:1 -> 127.0.0.1:2",
            "listener a: reuse_port false -> true",
            "listener a: to reply -> tls://b:1",
            r#"listener a: framing "lf" -> "crlf""#,
            r#"listener a: to_framing as framing -> "octet""#,
            "listener a: to_tls changed",
            "listener a: shared false -> true",
            "listener a: routes changed",
            "listener a: tee changed",
            "listener a: buffer 1MiB -> 2MiB",
            "listener a: tls changed",
        ];
        assert_eq!(changes.lines().collect::<Vec<_>>(), expected);
        assert!(
            refusal.starts_with(
                "error: a.toml:3:9: host: admin off -> 127.0.0.1:9: this needs a restart\n"
            ),
            "{refusal}"
        );
        assert!(refusal.contains(
            "error: a.toml:7:8: listener a: bind 127.0.0.1:1 -> 127.0.0.1:2: this needs a restart\n"
        ));
        assert!(
            refusal.contains("error: a.toml:17:7: listener a: tls changed: this needs a restart\n")
        );
        assert_eq!(refusal.matches("this needs a restart").count(), 13);
        assert!(refusal.contains("hint: restart linemill"));
    }

    #[test]
    fn listeners_come_and_go() {
        let (changes, refusal) = lines(BASE, &BASE.replace("\"a\"", "\"b\""));
        assert_eq!(changes, "listener a: removed\nlistener b: added\n");
        assert_eq!(refusal, "");
    }

    #[test]
    fn the_order_of_listeners_means_nothing() {
        let other = BASE
            .replace("\"a\"", "\"b\"")
            .replace(":1\"", ":2\"")
            .replace("[filter.rot13]", "");
        let (one, two) = (
            format!("{other}{BASE}"),
            format!(
                "{}{other}[filter.rot13]",
                BASE.replace("[filter.rot13]", "")
            ),
        );
        assert_eq!(lines(&one, &two), (String::new(), String::new()));
    }
}
