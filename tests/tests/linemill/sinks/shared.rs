//! Outputs that connections share: `shared = true`, `to = "file:…"`, and what waits for them.

use std::time::{Duration, Instant};

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Hop, Host, eventually, rot13, run};

/// More keys of a listener whose clients share a connection to `hop`.
fn to(hop: &Hop) -> String {
    format!("to = \"{}\"\nshared = true\nchain = []\n", hop.url())
}

/// Line `number` of client `client`: all that a test must know to see what became of it.
fn line(client: usize, number: usize) -> Vec<u8> {
    format!("client {client:02} line {number:06} of a stream that must not be torn\n").into_bytes()
}

/// Client and number of a line.
#[track_caller]
fn read(text: &[u8]) -> (usize, usize) {
    let parse = || {
        let text = std::str::from_utf8(text).ok()?;
        let (client, rest) = text.strip_prefix("client ")?.split_once(" line ")?;
        let (number, _) = rest.split_once(' ')?;
        Some((client.parse().ok()?, number.parse().ok()?))
    };
    let found = parse().unwrap_or_else(|| panic!("torn: {}", text.escape_ascii()));
    assert_eq!(
        text.escape_ascii().to_string(),
        line(found.0, found.1).escape_ascii().to_string()
    );
    found
}

/// Asserts that these are all lines of so many clients, each client's in order.
#[track_caller]
fn all_in_order(got: &[u8], clients: usize, lines: usize) {
    let mut next = vec![0; clients];
    for text in got.split_inclusive(|&byte| byte == b'\n') {
        let (client, number) = read(text);
        assert_eq!(number, next[client], "of client {client}");
        next[client] += 1;
    }
    assert_eq!(next, vec![lines; clients]);
}

/// As many clients, each with as many lines, all at once; each sees the end.
fn send(host: &Host, clients: usize, lines: usize) {
    std::thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                let lines: Vec<u8> = (0..lines).flat_map(|number| line(client, number)).collect();
                assert_eq!(host.connect().exchange(&lines), b"");
            });
        }
    });
}

#[test]
fn twenty_clients_share_a_connection_and_no_line_is_torn() {
    const CLIENTS: usize = 20;
    const LINES: usize = 1000;
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    std::thread::scope(|scope| {
        scope.spawn(|| send(&host, CLIENTS, LINES));
        let mut server = hop.accept();
        all_in_order(
            &server.take(CLIENTS * LINES * line(0, 0).len()),
            CLIENTS,
            LINES,
        );
        assert!(hop.try_accept().is_none(), "a second connection");
        // Whose answer would it be?
        server.send(b"an answer\n");
    });
    host.expect_no_connections();
}

#[test]
fn an_unterminated_rest_does_not_touch_the_next_line() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    for _ in 0..2 {
        assert_eq!(host.connect().exchange(b"one\r\nrest"), b"");
    }
    hop.accept().expect(b"one\r\nrest\none\r\nrest\n");
}

#[test]
fn lines_wait_for_a_shared_hop_that_is_down() {
    let mut hop = Hop::tcp_down();
    let host = Host::with(&format!("{}buffer = \"16KiB\"", to(&hop)));
    let mut client = host.connect();
    let line = line(0, 0);
    let sent = client.fill(&line, Duration::from_millis(300));
    assert!(sent > 16 * 1024);
    let read = host.metric("linemill_bytes_in_total", &[]);
    assert!(read < 1e6, "{read} bytes, and nowhere to put them");
    hop.up();
    let mut server = hop.accept();
    let whole = sent / line.len() * line.len();
    assert!(server.take(whole) == line.repeat(whole / line.len()));
    client.send(&line[sent % line.len()..]);
    client.finish();
    client.expect_end();
    host.expect_no_connections();
    host.wait_metric("linemill_lines_dropped_total", &[], 0.0);
}

#[test]
fn waiting_for_a_hop_costs_no_time() {
    let hop = Hop::tcp_down();
    let host = Host::with(&to(&hop));
    let mut client = host.connect();
    client.send(&line(0, 0));
    client.expect_silence(Duration::from_millis(300));
    let before = host.processor_time();
    client.expect_silence(Duration::from_millis(1500));
    let used = host.processor_time() - before;
    assert!(used < Duration::from_millis(150), "{used:?} of 1.5 s");
    let lines = host.stderr().lines().count();
    assert!(lines < 20, "{lines} lines of log:\n{}", host.stderr());
}

#[test]
fn a_shared_hop_that_dies_gets_each_line_whole_when_it_is_back() {
    const LINES: usize = 120_000;
    let mut hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    let lines: Vec<u8> = (0..LINES).flat_map(|number| line(0, number)).collect();
    let length = line(0, 0).len();
    let (before, after) = lines.split_at(lines.len() / 2);
    let (back, is_back) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let mut client = host.connect();
        scope.spawn(move || {
            client.send(before);
            is_back.recv().expect("the hop is back");
            assert_eq!(client.exchange(after), b"");
        });
        let mut server = hop.accept();
        // Ends within a line, and more waits on its way than anybody will read.
        let first = server.take(1000 * length + length / 2);
        for (number, text) in first[..1000 * length].chunks(length).enumerate() {
            assert_eq!(read(text), (0, number));
        }
        hop.down();
        server.reset();
        hop.up();
        back.send(()).expect("the client waits");
        let mut server = hop.accept();
        let (_, start) = read(&server.take(length));
        // What the kernel had taken is lost with it; the line that was cut is not.
        assert!(start >= 1000, "line {start} came twice");
        let rest = server.take((LINES - 1 - start) * length);
        for (text, number) in rest.chunks(length).zip(start + 1..) {
            assert_eq!(read(text), (0, number));
        }
    });
    host.expect_no_connections();
    eventually("each line written or dropped", || {
        let metrics = host.metrics();
        let dropped = metrics.sum("linemill_lines_dropped_total", &[]);
        let out = metrics.sum("linemill_lines_out_total", &[]);
        (out + dropped == LINES as f64).then_some(())
    });
}

#[test]
#[cfg(unix)]
fn a_drain_gives_up_a_hop_that_is_down_when_the_grace_period_ends() {
    let hop = Hop::tcp_down();
    let config = Host::config(&to(&hop), "").replacen("[host]", "[host]\ndrain = \"1s\"", 1);
    let mut host = Host::serve(config);
    let mut client = host.connect();
    client.send(b"lost\n");
    host.wait_metric("linemill_lines_in_total", &[], 1.0);
    let start = Instant::now();
    host.terminate();
    host.wait();
    let took = start.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(4)).contains(&took),
        "{took:?} with a grace period of 1 s"
    );
}

#[test]
#[cfg(unix)]
fn a_drain_flushes_what_waits_for_a_shared_hop() {
    let mut hop = Hop::tcp_down();
    let mut host = Host::with(&to(&hop));
    let lines: Vec<u8> = (0..100).flat_map(|number| line(0, number)).collect();
    host.connect().send(&lines);
    host.wait_metric("linemill_lines_in_total", &[], 100.0);
    host.terminate();
    hop.up();
    all_in_order(&hop.accept().rest(), 1, 100);
    assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
}

#[test]
fn clients_append_to_one_file() {
    let host = Host::with("to = \"file:out.log\"\nchain = []");
    host.announced(0);
    send(&host, 5, 500);
    let size = 5 * 500 * line(0, 0).len();
    let got = eventually("all lines in the file", || {
        let got = host.folder().read("out.log");
        (got.len() >= size).then_some(got)
    });
    all_in_order(&got, 5, 500);
}

#[test]
fn a_file_that_is_there_is_appended_to() {
    let folder = Folder::new();
    folder.write("out.log", "before\n");
    let host = Host::serve_in(folder, Host::config("to = \"file:out.log\"", ""));
    assert_eq!(host.connect().exchange(b"Hello\nrest"), b"");
    eventually("the lines in the file", || {
        (host.folder().read("out.log") == b"before\nUryyb\nerfg\n").then_some(())
    });
}

#[test]
#[cfg(unix)]
fn a_rotated_file_is_opened_again_at_sighup_and_no_line_is_lost() {
    let host = Host::with("to = \"file:out.log\"\nchain = []");
    let mut client = host.connect();
    let mut lines = 0;
    let mut send = |client: &mut linemill_tests::Client| {
        client.send(&line(0, lines));
        lines += 1;
        lines
    };
    send(&mut client);
    eventually("the first line", || {
        (!host.folder().read("out.log").is_empty()).then_some(())
    });
    host.folder().rename("out.log", "out.log.1");
    // Until it is told, it writes to the file that it has.
    send(&mut client);
    eventually("two lines", || {
        (host.folder().read("out.log.1").len() == 2 * line(0, 0).len()).then_some(())
    });
    assert_eq!(host.folder().read("out.log"), b"");
    host.hang_up();
    let sent = eventually("lines in a new file", || {
        let sent = send(&mut client);
        (!host.folder().read("out.log").is_empty()).then_some(sent)
    });
    client.finish();
    client.expect_end();
    let got = eventually("all lines", || {
        let got = [
            host.folder().read("out.log.1"),
            host.folder().read("out.log"),
        ]
        .concat();
        (got.len() == sent * line(0, 0).len()).then_some(got)
    });
    all_in_order(&got, 1, sent);
}

#[test]
fn octets_become_lines_of_a_file() {
    let host = Host::with("to = \"file:out.log\"\nframing = \"octet\"\nto_framing = \"lf\"");
    assert_eq!(host.connect().exchange(b"5 hello3 a\nb3 abc"), b"");
    eventually("the lines", || {
        (host.folder().read("out.log") == rot13(b"hello\nabc\n")).then_some(())
    });
    host.expect_dropped("framing", 1.0);
}

#[test]
fn a_file_that_cannot_be_opened_is_told() {
    let folder = Folder::new();
    folder.write(
        "linemill.toml",
        Host::config("to = \"file:missing/out.log\"", ""),
    );
    let host = Host::spawn(folder, &["serve", "--config", "linemill.toml"]);
    host.expect_stderr("missing/out.log");
}

#[test]
fn check_looks_for_the_folder_of_a_file_and_makes_no_file() {
    let folder = Folder::new();
    let config = |path| Host::config(&format!("tee = [\"file:{path}\"]"), "");
    folder.write("bad.toml", config("missing/out.log"));
    let told = [
        "bad.toml:",
        "key `tee` of listener",
        "missing/out.log",
        "folder",
    ];
    run(folder.path(), ["check", "bad.toml"], b"")
        .failure()
        .says(&told);
    folder.write("good.toml", config("out.log"));
    run(folder.path(), ["check", "good.toml"], b"").success();
    assert!(!folder.path().join("out.log").exists());
}

#[test]
#[cfg(unix)]
fn a_file_is_opened_again_at_sighup_while_no_line_comes() {
    let host = Host::with("to = \"file:out.log\"\nchain = []");
    host.announced(0);
    host.folder().rename("out.log", "out.log.1");
    host.hang_up();
    eventually("a new file", || {
        host.folder().path().join("out.log").exists().then_some(())
    });
}

#[test]
#[cfg(unix)]
fn an_authority_that_is_replaced_holds_for_the_next_attempt() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let hop = Hop::tls(&authority.server().server(None));
    let folder = Folder::new();
    stranger.write(&folder, "ca.crt");
    let more = format!("{}to_tls = {{ ca = \"ca.crt\" }}\n", to(&hop));
    let host = Host::serve_in(folder, Host::config(&more, ""));
    hop.expect_refused_handshake(&authority.server().server(None));
    host.connect().send(b"waits\n");
    host.wait_metric("linemill_lines_out_total", &[], 1.0);
    authority.write(host.folder(), "ca.crt");
    host.hang_up();
    let config = authority.server().server(None);
    let mut server = eventually("a handshake that holds", || {
        hop.try_accept()?.accept_tls(&config).ok()
    });
    server.expect(b"waits\n");
}

#[test]
#[cfg(unix)]
fn single_lines_that_wait_cost_about_their_bytes() {
    const CLIENTS: usize = 50;
    let hop = Hop::tcp_down();
    let host = Host::with(&to(&hop));
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| host.connect()).collect();
    let mut send = |rounds: std::ops::Range<usize>| {
        for round in rounds {
            for client in &mut clients {
                client.send(b"a line\n");
            }
            // Each line comes by itself, and is a batch of its own.
            let sent = ((round + 1) * CLIENTS) as f64;
            host.wait_metric("linemill_lines_out_total", &[], sent);
        }
    };
    send(0..5);
    let before = host.memory().resident;
    send(5..105);
    let grown = host.memory().resident.saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes for 35,000 that wait");
}
