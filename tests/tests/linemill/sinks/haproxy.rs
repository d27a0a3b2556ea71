//! A load balancer whose only server is down: it accepts connections and what they carry, tries to reach
//! the server for three seconds, and closes.

use std::sync::mpsc;
use std::time::Duration;

use linemill_tests::{Folder, Host, Program, Upstream, available, eventually, skip};

use super::shared::line;

/// How many lines are sent, one every five milliseconds.
const LINES: usize = 1200;
/// How many of them before the server is there.
const BEFORE: usize = 900;

/// Sends lines to a shared upstream behind haproxy, whose server comes up after some of them. Returns
/// the lines that the server got, and how many the host has counted as lost and as sent again. `None`
/// without haproxy.
fn through_haproxy(keys: &str) -> Option<(Vec<Vec<u8>>, u64, u64)> {
    let path = match available("haproxy", "haproxy") {
        Ok(path) => path,
        Err(why) => {
            skip("a load balancer without a server", &why);
            return None;
        }
    };
    let folder = Folder::new();
    // It is bound, so no other test gets it; haproxy may bind it, too, because nobody listens there.
    let held = Upstream::tcp_down();
    let port = held.address().port();
    let mut server = Upstream::tcp_down();
    let config = format!(
        "defaults\n mode tcp\n timeout connect 2s\n timeout client 1m\n timeout server 1m\n\
         listen all\n bind 127.0.0.1:{port}\n server one {}\n",
        server.address()
    );
    let file = folder.path().join("haproxy.cfg");
    std::fs::write(&file, config).expect("written");
    let _haproxy = Program::run(path, &["-db", "-f", &file.display().to_string()]);
    let to = format!("to = \"tcp://127.0.0.1:{port}\"\nshared = true\nchain = []\n{keys}");
    let mut host = Host::with(&to);
    let (found, all) = mpsc::channel();
    let (mut lost, mut resent) = (0.0, 0.0);
    std::thread::scope(|scope| {
        let mut client = host.connect();
        let mut send = |numbers: std::ops::Range<usize>| {
            for number in numbers {
                client.send(&line(0, number));
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        send(0..BEFORE);
        server.up();
        let (ended, end) = mpsc::channel();
        let server = &server;
        scope.spawn(move || {
            // One connection of haproxy for each of the host.
            while end.try_recv().is_err() {
                match server.try_accept() {
                    Some(mut client) => {
                        let found = found.clone();
                        scope.spawn(move || found.send(client.rest()).expect("received"));
                    }
                    None => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        send(BEFORE..LINES);
        eventually("every line delivered or lost", || {
            let metrics = host.metrics();
            let sum = |name: &str| metrics.sum(name, &[]);
            lost = sum("linemill_output_lost_total");
            resent = sum("linemill_output_resent_total");
            let delivered = sum("linemill_output_lines_total");
            (delivered + lost >= LINES as f64).then_some(())
        });
        drop(client);
        host.terminate();
        assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
        ended.send(()).expect("it listens");
    });
    let all: Vec<u8> = all.iter().flatten().collect();
    let lines = all
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec);
    Some((lines.collect(), lost as u64, resent as u64))
}

#[test]
fn what_a_load_balancer_without_a_server_takes_is_counted() {
    let Some((mut lines, lost, resent)) = through_haproxy("") else {
        return;
    };
    assert_eq!((lines.len() as u64 + lost, resent), (LINES as u64, 0));
    let got = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), got, "lines that came twice");
    assert!(lines.is_sorted(), "out of order");
}

#[test]
fn what_a_load_balancer_without_a_server_takes_is_sent_again() {
    let Some((mut lines, lost, resent)) = through_haproxy("resend = true\n") else {
        return;
    };
    assert_eq!(lost, 0);
    lines.sort();
    lines.dedup();
    assert_eq!(
        lines,
        (0..LINES).map(|number| line(0, number)).collect::<Vec<_>>()
    );
    assert!(resent > 0);
}
