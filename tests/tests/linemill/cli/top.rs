//! `linemill top`: the live view on a terminal, pages and documents.

use std::time::Duration;

use linemill_tests::{Finished, Folder, Host, run};
use serde_json::Value;

/// A host with two filters and an output, to which lines have gone.
fn host() -> Host {
    let keys = "chain = [\"rot13\", \"case\"]\nto = \"file:out.log\"";
    let host = Host::serve(Host::config(keys, "[filter.case]\nplugin = \"case\"\n"));
    host.connect().exchange(b"one\ntwo\n");
    host.wait_metric("linemill_filter_lines_total", &[("filter", "case")], 2.0);
    host
}

fn top(host: &Host, options: &[&str]) -> Finished {
    let admin = host.admin().to_string();
    let arguments = [&["top", "--admin", &admin], options].concat();
    run(host.folder().path(), arguments, b"")
}

#[test]
fn one_page_has_everything() {
    let host = host();
    let page = top(&host, &["--once"]).success().text();
    for part in [
        &*format!("linemill 0.1.0, process {}, up ", host.id()),
        ": ready",
        "linemill.toml",
        "1 since ",
        "   LISTENER ",
        "   test ",
        "   FILTER ",
        "   case ",
        "   rot13 ",
        "   OUTPUT ",
        "   file:out.log ",
        " up ",
    ] {
        assert!(page.contains(part), "no {part} in:\n{page}");
    }
    assert!(!page.contains('\u{1b}'), "{page:?}");
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    // The order of the start.
    let row = |page: &str, name: &str| page.find(&format!("   {name} ")).expect("a row");
    assert!(row(&page, "case") < row(&page, "rot13"));
    let reversed = top(&host, &["--once", "--sort", "name"]).success().text();
    assert!(row(&reversed, "case") < row(&reversed, "rot13"));
}

#[test]
fn what_is_wrong_is_on_the_page() {
    let keys = "to = \"tcp://127.0.0.1:1\"\nshared = true";
    let host = Host::serve(Host::config(keys, ""));
    host.wait_metric("linemill_output_up", &[], 0.0);
    let page = top(&host, &["--once"]).success().text();
    let part = " ! output tcp://127.0.0.1:1: down for ";
    assert!(page.contains(part), "no {part} in:\n{page}");
    let row = page
        .lines()
        .find(|line| line.starts_with(" ! tcp://127.0.0.1:1 "));
    assert!(row.is_some_and(|row| row.contains(" down ")), "{page}");
}

#[test]
fn documents_come_at_an_interval() {
    let host = host();
    let started = std::time::Instant::now();
    let options = ["--json", "--count", "3", "--interval", "200ms"];
    let finished = top(&host, &options).success();
    assert!(started.elapsed() >= Duration::from_millis(400));
    let text = finished.text();
    let documents: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a document"))
        .collect();
    assert_eq!(documents.len(), 3, "{text}");
    let uptime = |document: &Value| document["uptime_seconds"].as_f64().expect("a number");
    assert!(uptime(&documents[0]) < uptime(&documents[2]));
    for document in &documents {
        assert_eq!(document["format"], 1);
        assert_eq!(document["listeners"]["test"]["lines"]["in"], 2);
    }
    let one = top(&host, &["--json", "--once"]).success().text();
    assert_eq!(one.lines().count(), 1, "{one}");
}

/// A host that ends meanwhile is reported in a document, and asked again.
#[test]
#[cfg(unix)]
fn documents_say_that_the_host_has_ended() {
    let mut host = host();
    let admin = host.admin().to_string();
    let mut command = linemill_tests::command(host.folder().path());
    command.args(["top", "--admin", &admin, "--json", "--interval", "200ms"]);
    let top = linemill_tests::Program::start(&mut command);
    top.expect_part("\"format\":1");
    host.terminate();
    host.wait();
    top.expect_part("{\"problems\":[{");
    let message = format!("cannot connect to {admin}");
    top.expect_part(&message);
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let host = host();
    for options in [&[][..], &["--sort", "lines"]] {
        let finished = top(&host, options).exits_with(1);
        assert_eq!(finished.text(), "");
        finished.stderr_has(&["standard output is not a terminal", "--once", "--json"]);
    }
}

#[test]
fn a_host_that_is_not_there_is_an_error() {
    let folder = Folder::new();
    let absent = ["--admin", "127.0.0.1:1"];
    let asked = |options: &[&str]| run(folder.path(), [options, &absent].concat(), b"");
    let status = asked(&["status"]).exits_with(1).stderr;
    let once = asked(&["top", "--once"]).exits_with(1);
    assert_eq!(once.stderr, status);
    let json = asked(&["top", "--json"]).exits_with(1);
    let document: Value = serde_json::from_str(&json.text()).expect("a document");
    let message = document["problems"][0]["message"].as_str().expect("a text");
    assert!(
        message.contains("cannot connect to 127.0.0.1:1"),
        "{message}"
    );
}

#[test]
fn options_are_checked() {
    let folder = Folder::new();
    for (options, part) in [
        (&["--interval", "10ms"][..], "200ms to 60s"),
        (&["--interval", "2m"], "200ms to 60s"),
        (&["--sort", "colour"], "latency"),
        (&["--count", "3"], "--json"),
        (&["--json", "--count", "0"], "--count"),
    ] {
        run(folder.path(), [&["top"], options].concat(), b"")
            .exits_with(2)
            .stderr_has(&[part]);
    }
}

/// With 1,000 connections, 50 filters and 20 outputs, asking every second costs the host at most 2 % of a
/// core: 20 ms per answer.
#[test]
#[cfg(target_os = "linux")]
fn it_costs_the_host_little() {
    const ANSWERS: u32 = 20;
    linemill_tests::raise_descriptors(4096).expect("the system allows as many");
    let mut config = "[host]\nadmin = \"127.0.0.1:0\"\n".to_owned();
    for listener in 0..20 {
        let filters = (0..50).filter(|filter| filter % 20 == listener);
        let chain: Vec<_> = filters.map(|filter| format!("f{filter}")).collect();
        config += &format!(
            "[[listener]]\nname = \"l{listener}\"\nbind = \"127.0.0.1:0\"\nchain = {chain:?}\n\
             to = \"file:out-{listener}.log\"\n"
        );
    }
    for filter in 0..50 {
        config += &format!("[filter.f{filter}]\nplugin = \"rot13\"\n");
    }
    let host = Host::serve(config);
    let addresses: Vec<_> = (0..20).map(|nth| host.listener(nth)).collect();
    let addresses = addresses.iter().cycle().take(1000);
    let clients: Vec<_> = addresses
        .map(|address| std::net::TcpStream::connect(address).expect("a connection"))
        .collect();
    host.wait_metric("linemill_connections", &[], 1000.0);
    let before = host.processor_time();
    let count = ANSWERS.to_string();
    let options = ["--json", "--interval", "200ms", "--count", &count];
    let documents = top(&host, &options).success().text();
    let took = host.processor_time() - before;
    assert_eq!(documents.lines().count(), ANSWERS as usize);
    let document: Value =
        serde_json::from_str(documents.lines().last().expect("one")).expect("JSON");
    let count = |field: &str| document[field].as_object().expect("a table").len();
    assert_eq!((count("filters"), count("outputs")), (50, 20));
    assert!(took <= ANSWERS * Duration::from_millis(20), "{took:?}");
    drop(clients);
}

/// On a terminal.
#[cfg(target_os = "linux")]
mod live {
    use super::{Duration, Folder, Host, host};
    use linemill_tests::{Shown, Terminal, skip};
    use rustix::process::Signal;

    const SIZE: (usize, usize) = (80, 24);

    /// A shell that runs `top` on a terminal, and then says how it ended, and what it left.
    fn shell(folder: &Folder, admin: &str, env: &[(&str, &str)]) -> Option<Terminal> {
        let line = format!(
            "before=$(stty -g); echo shell; \"$LINEMILL\" top --admin {admin} --interval 200ms; \
             echo \"ended by $?\"; test \"$before\" = \"$(stty -g)\" && echo as before"
        );
        match Terminal::run(folder.path(), &line, SIZE, env) {
            Ok(terminal) => Some(terminal),
            Err(why) => {
                skip("top on a terminal", &why);
                None
            }
        }
    }

    fn view(host: &Host) -> Option<Terminal> {
        shell(host.folder(), &host.admin().to_string(), &[])
    }

    /// What is in these columns of a row.
    fn columns(row: &str, first: usize, end: usize) -> String {
        let cells: String = row.chars().take(end).skip(first).collect();
        cells.trim().to_owned()
    }

    /// Asserts that `top` has ended, and that the terminal is as it was.
    #[track_caller]
    fn check_restored(terminal: &mut Terminal, status: &str) {
        let shown = terminal.expect_part("as before");
        assert!(!shown.second && shown.cursor, "{}", shown.text());
        let text = shown.text();
        assert!(text.contains("shell\n"), "{text}");
        assert!(text.contains(&format!("ended by {status}\n")), "{text}");
        assert!(terminal.wait().success());
    }

    #[test]
    fn keys_show_what_they_should() {
        let host = host();
        let Some(mut terminal) = view(&host) else {
            return;
        };
        // The last row is the last that is drawn.
        let shown = terminal.expect("the keys", |shown| {
            shown.rows[23].starts_with(" q quit  ? help  ")
        });
        assert!(shown.second && !shown.cursor && !shown.coloured);
        let text = shown.text();
        assert!(text.contains(">  test "), "{text}");
        assert!(
            text.contains(&format!("process {}, up ", host.id())),
            "{text}"
        );

        // The first filter, its details, and back.
        terminal.press("\t");
        terminal.expect_part(">  case ");
        terminal.press("\x1b[B");
        terminal.expect_part(">  rot13 ");
        terminal.press("\r");
        terminal.expect("details", |shown| shown.rows[0] == "filter rot13");
        terminal.expect_part("stage of    test/1");
        terminal.press("\x7f");
        terminal.expect_part(">  rot13 ");

        terminal.press("s");
        terminal.expect_part("sort: name");
        terminal.press("r");
        terminal.expect_part("sort: name, reversed");
        terminal.press("g");
        terminal.expect_part("generations, newest first");
        terminal.press("?");
        terminal.expect_part("what keys do, and what columns mean");
        terminal.press("q");
        check_restored(&mut terminal, "0");
    }

    /// What is shown changes with the host, unless it is paused.
    #[test]
    fn it_is_live() {
        let host = host();
        let Some(mut terminal) = view(&host) else {
            return;
        };
        let connected = |shown: &Shown, count: &str| {
            let mut rows = shown.rows.iter();
            let row = rows.find(|row| row.contains(">  test "));
            row.is_some_and(|row| columns(row, 28, 35) == count)
        };
        terminal.expect("no client", |shown| connected(shown, "0"));
        let first = host.connect();
        terminal.expect("a client", |shown| connected(shown, "1"));
        terminal.press("p");
        terminal.expect_part("PAUSED since ");
        let second = host.connect();
        std::thread::sleep(Duration::from_millis(600));
        assert!(connected(&terminal.shown(), "1"), "it is paused");
        terminal.press(" ");
        terminal.expect("two clients", |shown| connected(shown, "2"));
        drop((first, second));
        terminal.expect("no client", |shown| connected(shown, "0"));
        terminal.press("\x03");
        check_restored(&mut terminal, "0");
    }

    #[test]
    fn signals_end_it_and_the_terminal_is_as_before() {
        let host = host();
        for (signal, status) in [
            (Signal::TERM, "143"),
            (Signal::HUP, "129"),
            (Signal::INT, "130"),
        ] {
            let Some(mut terminal) = view(&host) else {
                return;
            };
            terminal.expect_part("file:out.log");
            terminal.signal(signal);
            check_restored(&mut terminal, status);
        }
    }

    /// Ctrl-Z, and SIGTSTP.
    #[test]
    fn it_gives_the_terminal_back_while_it_is_stopped() {
        let host = host();
        let Some(mut terminal) = view(&host) else {
            return;
        };
        terminal.expect_part("file:out.log");
        for by_key in [true, false] {
            if by_key {
                terminal.press("\x1a");
            } else {
                terminal.signal(Signal::TSTP);
            }
            let shown = terminal.expect("the first screen", |shown| !shown.second);
            assert!(shown.cursor && shown.text().contains("shell"));
            terminal.expect_stopped();
            terminal.signal(Signal::CONT);
            terminal.expect("the view", |shown| shown.second && !shown.cursor);
            terminal.expect_part("file:out.log");
        }
        terminal.press("q");
        check_restored(&mut terminal, "0");
    }

    #[test]
    fn colours_are_used_unless_they_are_unwanted() {
        let host = host();
        let admin = host.admin().to_string();
        for (no_colour, expected) in [("", true), ("1", false)] {
            let env = [("NO_COLOR", no_colour)];
            let Some(mut terminal) = shell(host.folder(), &admin, &env) else {
                return;
            };
            let shown = terminal.expect_part("file:out.log");
            assert_eq!(shown.coloured, expected, "NO_COLOR={no_colour}");
            terminal.press("q");
            check_restored(&mut terminal, "0");
        }
    }

    /// A host that is stopped, ends, and starts again.
    #[test]
    fn it_outlives_the_host() {
        let config = Host::config("", "").replace("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[");
        let host = Host::serve(config);
        host.expect_stderr("admin listening on unix:");
        let Some(mut terminal) = shell(host.folder(), "unix:admin.sock", &[]) else {
            return;
        };
        terminal.expect_part(&format!("process {}, up ", host.id()));
        host.signal(Signal::STOP);
        terminal.expect("no answer, and the last values", |shown| {
            let parts = ["NO ANSWER for ", " ! no answer since ", ">  test "];
            parts.iter().all(|part| shown.text().contains(part))
        });
        host.signal(Signal::CONT);
        terminal.expect_part("the host answers again, after ");
        assert!(!terminal.shown().text().contains("NO ANSWER"));

        let before = host.id();
        let host = host.kill_and_start();
        terminal.expect_part(&format!("process {}, up ", host.id()));
        terminal.expect_part(&format!("another process answers: {}, ", host.id()));
        assert_ne!(before, host.id());
        terminal.press("q");
        check_restored(&mut terminal, "0");
    }

    /// Errors that come before anything is shown leave the terminal alone.
    #[test]
    fn errors_at_the_start_are_readable() {
        let folder = Folder::new();
        let Some(mut terminal) = shell(&folder, "127.0.0.1:1", &[]) else {
            return;
        };
        let shown = terminal.expect_part("as before");
        let text = shown.text();
        assert!(
            text.contains("error: cannot connect to 127.0.0.1:1"),
            "{text}"
        );
        assert!(text.contains("ended by 1\n"), "{text}");
        assert!(terminal.wait().success());

        let host = host();
        let admin = host.admin().to_string();
        let Some(mut terminal) = shell(host.folder(), &admin, &[("TERM", "dumb")]) else {
            return;
        };
        let text = terminal.expect_part("as before").text();
        assert!(
            text.contains("error: this terminal cannot show a view: TERM=dumb"),
            "{text}"
        );
        assert!(terminal.wait().success());
    }
}
