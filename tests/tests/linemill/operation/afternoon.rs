//! An afternoon of an operator: thirty operations on one host with three listeners, while four clients send
//! numbered lines. After each of them, status, metrics and log say what is in force, what flows, what is
//! wrong, since when and why. In the end, every count adds up.

use linemill_tests::{
    Client, Disk, Folder, Host, Manner, Receiver, eventually, guest, rot13, skip,
};
use serde_json::Value;

use crate::control::reload::{reload, verb};

/// How many lines each client sends after an operation.
const LINES: usize = 20;

/// What the filter of the listener `edge` does.
#[derive(Clone, Copy, PartialEq)]
enum Filter {
    Rot13,
    Shout,
}

impl Filter {
    fn of(self, line: &str) -> Vec<u8> {
        match self {
            Self::Rot13 => rot13(line.as_bytes()),
            Self::Shout => line.to_ascii_uppercase().into_bytes(),
        }
    }
}

/// The configuration, in the parts that operations change.
#[derive(Clone)]
struct Config {
    plugin: &'static str,
    /// Further keys of the filter.
    filter: String,
    /// Further keys of the listener `edge`.
    edge: String,
    /// Further tables.
    more: String,
    relay: String,
}

impl Config {
    fn text(&self) -> String {
        let Self {
            plugin,
            filter,
            edge,
            more,
            relay,
        } = self;
        format!(
            "[host]\nadmin = \"127.0.0.1:0\"\n\
             [[listener]]\nname = \"edge\"\nbind = \"127.0.0.1:0\"\nchain = [\"turn\"]\n{edge}\n\
             [[listener]]\nname = \"relay\"\nbind = \"127.0.0.1:0\"\nchain = []\nto = \"{relay}\"\nshared = true\nreadiness = \"outputs\"\n\
             [[listener]]\nname = \"store\"\nbind = \"127.0.0.1:0\"\nchain = []\nto = \"file:disk/store.log\"\n\
             [filter.turn]\nplugin = \"{plugin}\"\n{filter}\n{more}\n"
        )
    }
}

/// The host, its clients and its receiver.
struct Afternoon {
    host: Host,
    config: Config,
    receiver: Receiver,
    edge: [Client; 2],
    relay: Client,
    store: Client,
    /// What `edge` answers now.
    filter: Filter,
    /// Lines sent by each client so far.
    sent: usize,
    /// Lines that came back to the clients of `edge`.
    answered: usize,
    generation: u64,
}

impl Afternoon {
    fn start(receiver: Receiver, folder: Folder) -> Self {
        let config = Config {
            plugin: "rot13",
            filter: String::new(),
            edge: String::new(),
            more: String::new(),
            relay: receiver.url(),
        };
        let host = Host::serve_in(folder, config.text());
        let (edge, relay, store) = connect(&host);
        Self {
            host,
            config,
            receiver,
            edge,
            relay,
            store,
            filter: Filter::Rot13,
            sent: 0,
            answered: 0,
            generation: 1,
        }
    }

    /// Each client sends some lines; those of `edge` come back filtered by what is in force.
    #[track_caller]
    fn flow(&mut self) {
        for _ in 0..LINES {
            let line = line(self.sent);
            for client in &mut self.edge {
                client.send(line.as_bytes());
                client.expect(&self.filter.of(&line));
            }
            self.answered += 2;
            self.relay.send(line.as_bytes());
            self.store.send(line.as_bytes());
            self.sent += 1;
        }
    }

    /// Writes the configuration, reloads it, and asserts that it is in force as the next generation.
    #[track_caller]
    fn change(&mut self, change: impl FnOnce(&mut Config), said: &str) {
        change(&mut self.config);
        self.host.write_config(self.config.text());
        reload(&self.host, 200);
        self.applied(said);
    }

    /// Asserts that the next generation is in force, and why.
    #[track_caller]
    fn applied(&mut self, said: &str) {
        self.generation += 1;
        let status = self.moved();
        let newest = &status["generations"][0];
        assert_eq!(newest["number"], self.generation);
        assert!(newest["changes"].to_string().contains(said), "{newest}");
        assert_eq!(status["last_reload"]["successful"], true, "{status}");
        // After a request, the files have been compared; after a change of a file, that follows.
        let same = || (self.host.status()["disk"]["differs"] == false).then_some(());
        if newest["by"] == "POST /reload" {
            same().expect("compared");
        } else {
            eventually("the files are compared", same);
        }
        self.log(said);
        self.flow();
    }

    /// Waits until every connection has moved to the generation in force; returns the status.
    #[track_caller]
    fn moved(&self) -> Value {
        eventually("all connections at the generation", || {
            let status = self.host.status();
            let held = status["old_generations_held"] == 0;
            (status["generation"] == self.generation && held).then_some(status)
        })
    }

    /// Writes a configuration that must be refused, and asserts that nothing else has changed.
    #[track_caller]
    fn refused(&mut self, text: String, why: &str) {
        self.host.write_config(text);
        reload(&self.host, 422);
        let status = self.host.status();
        assert_eq!(status["generation"], self.generation);
        assert_eq!(status["last_reload"]["successful"], false);
        let refusal = &status["last_refusal"];
        assert!(refusal["error"].to_string().contains(why), "{refusal}");
        assert!(refusal["at"].is_string(), "{refusal}");
        assert_eq!(status["disk"]["differs"], true);
        assert!(status["disk"]["since"].is_string(), "{}", status["disk"]);
        assert_eq!(
            self.host.metric("linemill_last_reload_successful", &[]),
            0.0
        );
        self.says(&["last refused", why, "differs"]);
        self.log(why);
        self.flow();
    }

    /// Waits until an output is in this state, and asserts the reason and that it says since when.
    #[track_caller]
    fn output(&self, to: &str, state: &str, why: &str) -> Value {
        eventually(&format!("{to} {state}"), || {
            let output = self.host.status()["outputs"][to].clone();
            assert!(output["since"].is_string(), "{output}");
            let reason = output["reason"].as_str().unwrap_or_default();
            (output["state"] == state && reason.contains(why)).then_some(output)
        })
    }

    /// Asserts that `linemill status` says all of this.
    #[track_caller]
    fn says(&self, parts: &[&str]) {
        // What is wrapped is one sentence.
        let text = verb(&self.host, &["status"]).success().text();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    /// Asserts that the log says this.
    #[track_caller]
    fn log(&self, part: &str) {
        self.host.expect_stderr(part);
    }

    /// Asserts that every line that came in has gone out, or is counted.
    #[track_caller]
    fn adds_up(&self, oversized: f64, failed: f64) {
        let of = |name: &str, listener: &str| self.host.metric(name, &[("listener", listener)]);
        let all = |listener: &str, sent: usize| {
            self.host.wait_metric(
                "linemill_lines_in_total",
                &[("listener", listener)],
                sent as f64,
            );
        };
        // A line that is too long is dropped before it counts as one.
        all("edge", self.answered + failed as usize);
        assert_eq!(of("linemill_lines_out_total", "edge"), self.answered as f64);
        for listener in ["relay", "store"] {
            all(listener, self.sent);
            assert_eq!(
                of("linemill_lines_queued_total", listener),
                self.sent as f64
            );
        }
        for output in [&self.receiver.url(), "file:disk/store.log"] {
            let labels = [("output", output)];
            self.host
                .wait_metric("linemill_output_lines_total", &labels, self.sent as f64);
            assert_eq!(self.host.metric("linemill_output_lost_total", &labels), 0.0);
        }
        assert_eq!(of("linemill_lines_dropped_total", "edge"), oversized);
        let filter = &self.host.status()["filters"]["turn"];
        assert_eq!(filter["failed"], failed as u64, "{filter}");
    }
}

/// The line with this number. The lines after one operation are longer than a page of a disk.
fn line(number: usize) -> String {
    format!("line {number} {}\n", "x".repeat(400))
}

fn connect(host: &Host) -> ([Client; 2], Client, Client) {
    let edge = [host.connect(), host.connect()];
    let relay = Client::connect(host.listener(1));
    let store = Client::connect(host.listener(2));
    (edge, relay, store)
}

#[test]
fn status_metrics_and_log_answer_every_question() {
    let folder = Folder::new();
    let disk = match Disk::mount(&folder.path().join("disk"), 1 << 20) {
        Ok(disk) => disk,
        Err(why) => return skip("an afternoon of operations", &why),
    };
    for name in ["shout", "trap"] {
        folder.write(&format!("{name}.wasm"), guest::batch(name));
    }
    let mut day = Afternoon::start(Receiver::start(Manner::Reads), folder);
    swaps(&mut day);
    mistakes(&mut day);
    trials(&mut day);
    outages(&mut day, &disk);
    listeners(&mut day);
    let (oversized, failed) = lines(&mut day);
    day.adds_up(oversized, failed);
    restart(day);
}

/// 1 to 5: what is in force.
fn swaps(day: &mut Afternoon) {
    let status = day.host.status();
    assert_eq!(status["generations"][0]["by"], "start");
    assert_eq!(status["ready"], true);
    day.flow();
    day.filter = Filter::Shout;
    day.change(
        |config| config.plugin = "./shout.wasm",
        "filter turn: plugin",
    );
    let digest = day.host.status()["filters"]["turn"]["plugin"].clone();
    assert_eq!(digest.as_str().map(str::len), Some(64));
    // The file of the plugin changes.
    day.filter = Filter::Rot13;
    day.host
        .folder()
        .replace("shout.wasm", guest::bundled("rot13"));
    eventually("the file is noticed", || {
        (day.host.generation() == day.generation + 1).then_some(())
    });
    day.applied("plugin");
    assert_ne!(day.host.status()["filters"]["turn"]["plugin"], digest);
    day.host
        .folder()
        .replace("shout.wasm", guest::batch("shout"));
    day.filter = Filter::Shout;
    eventually("the file is noticed", || {
        (day.host.generation() == day.generation + 1).then_some(())
    });
    day.applied("plugin");
    day.filter = Filter::Rot13;
    day.change(|config| config.plugin = "rot13", "filter turn: plugin");
    // Nothing has changed.
    day.host.hang_up();
    day.host
        .wait_metric("linemill_reloads_total", &[("result", "unchanged")], 1.0);
    day.flow();
}

/// 6 to 11: what is wrong with a configuration, and since when.
fn mistakes(day: &mut Afternoon) {
    day.refused("not TOML".to_owned(), "TOML");
    let mut wrong = day.config.clone();
    wrong.plugin = "./nowhere.wasm";
    day.refused(wrong.text(), "nowhere.wasm");
    wrong.plugin = "rot13";
    wrong.filter = "test = [{ in = [\"a\"], out = [\"b\"] }]".to_owned();
    day.refused(wrong.text(), "test");
    wrong.filter = "settings = { a = 1 }".to_owned();
    day.refused(wrong.text(), "`a`");
    wrong.filter = "memroy = \"1MiB\"".to_owned();
    day.refused(wrong.text(), "memroy");
    // The file is mended: it is the same as what is in force.
    day.host.write_config(day.config.text());
    reload(&day.host, 200);
    let status = day.host.status();
    assert_eq!(
        (&status["disk"]["differs"], &status["generation"]),
        (&false.into(), &day.generation.into())
    );
    assert_eq!(status["last_reload"]["successful"], true);
    day.flow();
}

/// 12 to 17: versions on trial, and the way back.
fn trials(day: &mut Afternoon) {
    let canary =
        |share: &str| format!("canary = {{ plugin = \"./trap.wasm\", share = \"{share}\" }}");
    let shadow = "shadow = { plugin = \"./shout.wasm\", share = \"100%\" }";
    day.change(|config| config.filter = shadow.to_owned(), "shadow");
    let trial = eventually("lines at the shadow", || {
        let trial = day.host.status()["trials"][0].clone();
        (trial["different"].as_u64() > Some(0)).then_some(trial)
    });
    assert_eq!(
        (&trial["kind"], &trial["filter"]),
        (&"shadow".into(), &"turn".into())
    );
    // The canary has no client yet, so that it changes nothing.
    day.change(|config| config.filter = canary("0.01%"), "canary");
    assert_eq!(day.host.status()["trials"][0]["kind"], "canary");
    let ended = day.host.post("/rollback?filter=turn");
    assert_eq!(ended.status, 200, "{}", ended.body);
    day.generation += 1;
    let status = day.moved();
    assert_eq!(status["trials"].as_array().map(Vec::len), Some(0));
    // The file still has it.
    assert_eq!(status["disk"]["differs"], true);
    day.says(&["differs"]);
    day.flow();
    let shout = "canary = { plugin = \"./shout.wasm\", share = \"0.01%\" }";
    day.change(|config| config.filter = shout.to_owned(), "canary");
    let promoted = day.host.post("/promote?filter=turn");
    assert_eq!(promoted.status, 200, "{}", promoted.body);
    (day.filter, day.generation) = (Filter::Shout, day.generation + 1);
    assert_eq!(day.moved()["disk"]["differs"], true);
    day.flow();
    let back = day.host.post("/rollback");
    assert_eq!(back.status, 200, "{}", back.body);
    (day.filter, day.generation) = (Filter::Rot13, day.generation + 1);
    assert_eq!(day.moved()["generations"][0]["by"], "POST /rollback");
    day.flow();
    day.change(|config| config.filter = String::new(), "canary");
}

/// 18 to 22: outputs that are down.
fn outages(day: &mut Afternoon, disk: &Disk) {
    let relay = day.receiver.url();
    day.output(&relay, "up", "");
    day.receiver.behave(Manner::Down);
    day.flow();
    let down = day.output(&relay, "down", "refused");
    assert!(down["queued"].as_u64() > Some(0), "{down}");
    day.says(&["down since", "refused"]);
    day.log("refused");
    assert_eq!(
        day.host.metric("linemill_output_up", &[("output", &relay)]),
        0.0
    );
    day.receiver.behave(Manner::Reads);
    day.output(&relay, "up", "");
    day.flow();
    disk.fill();
    day.flow();
    let full = day.output("file:disk/store.log", "down", "No space left");
    assert!(full["queued"].as_u64() > Some(0), "{full}");
    day.says(&["No space left"]);
    day.log("No space left");
    disk.free();
    day.output("file:disk/store.log", "up", "");
    day.flow();
}

/// 23 to 26: listeners and the log.
fn listeners(day: &mut Afternoon) {
    let level = day.host.post("/log?level=debug");
    assert_eq!(level.status, 200, "{}", level.body);
    assert!(day.host.get("/log").body.contains("debug"));
    let level = day.host.post("/log?level=info");
    assert_eq!(level.status, 200, "{}", level.body);
    day.flow();
    let extra = "[[listener]]\nname = \"extra\"\nbind = \"127.0.0.1:0\"\nchain = []\n";
    day.change(
        |config| config.more = extra.to_owned(),
        "listener extra: added",
    );
    let mut client = Client::connect(day.host.listener(3));
    assert_eq!(client.exchange(b"one\n"), b"one\n");
    day.change(
        |config| config.more = String::new(),
        "listener extra: removed",
    );
    assert!(day.host.status()["listeners"]["extra"].is_null());
    let fewer = "max_connections = 100".to_owned();
    day.change(
        |config| config.edge = fewer,
        "listener edge: max_connections",
    );
    assert_eq!(
        day.host.status()["listeners"]["edge"]["max_connections"],
        100
    );
}

/// 27 to 29: lines that are dropped, and why. Returns how many were oversized, and how many failed.
fn lines(day: &mut Afternoon) -> (f64, f64) {
    let edge = "max_line = \"1KiB\"\noversize = \"drop\"";
    day.change(|config| config.edge = edge.to_owned(), "max_line");
    day.edge[0].send(&[b"x".repeat(2000), b"\n".to_vec()].concat());
    day.flow();
    day.host.expect_dropped("oversize", 1.0);
    // A filter that converts to upper case, and traps at an exclamation mark.
    let trap = |config: &mut Config| {
        (config.plugin, config.filter) = ("./trap.wasm", "on_error = \"drop\"".to_owned());
    };
    day.filter = Filter::Shout;
    day.change(trap, "plugin");
    day.edge[1].send(b"bad!\n");
    day.flow();
    day.host.wait_some(
        "linemill_filter_failures_total",
        &[("filter", "turn"), ("kind", "trap")],
    );
    let peer = day.edge[1].local().to_string();
    for part in ["line failed", "filter=\"turn\"", &peer] {
        day.log(part);
    }
    let filter = day.host.status()["filters"]["turn"].clone();
    assert_eq!(
        (&filter["failed"], &filter["failures"]["trap"]),
        (&1.into(), &1.into())
    );
    (1.0, 1.0)
}

/// 30: a stop, which says what it delivered, and a start.
fn restart(mut day: Afternoon) {
    let lines: String = (0..day.sent).map(line).collect();
    let connections = day.receiver.connections();
    drop((day.edge, day.relay, day.store));
    day.host.terminate();
    assert!(day.host.wait().success());
    assert_eq!(String::from_utf8_lossy(&connections.concat()), lines);
    assert_eq!(day.host.folder().read("disk/store.log"), lines.as_bytes());
    let host = day.host.kill_and_start();
    let status = host.status();
    assert_eq!(
        (&status["generation"], &status["ready"]),
        (&1.into(), &true.into())
    );
}
