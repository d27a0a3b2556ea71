//! Syslog senders that others wrote: logger and rsyslogd, by RFC 6587.

use std::process::Command;

use linemill_tests::{Folder, Host, Program, eventually};

use super::programs::program;

/// A host that receives syslog with counted octets (RFC 6587) and writes lines to standard output.
fn syslog_host() -> Host {
    Host::with("chain = []\nframing = \"octet\"\nto_framing = \"lf\"\nto = \"stdout\"")
}

/// Waits for `count` lines that contain `start`; returns each from `start` on.
#[track_caller]
fn texts(host: &Host, count: usize, start: &str) -> Vec<String> {
    let got = eventually(&format!("{count} lines with {start:?}"), || {
        let text = String::from_utf8_lossy(&host.stdout(0)).into_owned();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let lines: Vec<String> = whole
            .lines()
            .filter_map(|line| Some(line[line.find(start)?..].to_owned()))
            .collect();
        (lines.len() >= count).then_some(lines)
    });
    assert_eq!(got.len(), count);
    got
}

#[test]
fn logger_with_octets_counted() {
    let Some(path) = program("logger", "bsdutils") else {
        return;
    };
    let host = syslog_host();
    let port = host.address().port().to_string();
    let args = [
        "--tcp",
        "--octet-count",
        "--server",
        "127.0.0.1",
        "--port",
        &port,
    ];
    let mut logger = Program::start(
        Command::new(path)
            .args(args)
            .args(["--tag", "linemill-test"]),
    );
    for number in 0..100 {
        logger.send(format!("line {number} of logger\n").as_bytes());
    }
    assert!(logger.wait().success(), "{}", logger.output());
    let expected: Vec<String> = (0..100)
        .map(|number| format!("line {number} of logger"))
        .collect();
    assert_eq!(texts(&host, 100, "line "), expected);
    let first = host.stdout(1);
    assert!(first.starts_with(b"<13>1 "), "{}", first.escape_ascii());
    host.expect_no_connections();
}

/// With rsyslog's default template for forwarding.
#[test]
#[cfg(unix)]
fn rsyslog_forwards() {
    rsyslog("");
}

/// With the template of RFC 5424, which includes an LF in the counted octets.
#[test]
#[cfg(unix)]
fn rsyslog_forwards_by_rfc_5424() {
    rsyslog(" template=\"RSYSLOG_SyslogProtocol23Format\"");
}

#[track_caller]
#[cfg(unix)]
fn rsyslog(template: &str) {
    use std::os::unix::net::UnixDatagram;

    let Some(path) = program("rsyslogd", "rsyslog") else {
        return;
    };
    let host = syslog_host();
    let folder = Folder::new();
    let here = folder.path().display().to_string();
    folder.write(
        "rsyslog.conf",
        format!(
            "global(workDirectory=\"{here}\")\n\
             module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imuxsock\" Socket=\"{here}/log\" RateLimit.Interval=\"0\")\n\
             action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\"\n\
             TCP_Framing=\"octet-counted\"{template})\n",
            host.address().port()
        ),
    );
    let (config, pid) = (format!("{here}/rsyslog.conf"), format!("{here}/pid"));
    let mut daemon = Program::run(path, &["-n", "-f", &config, "-i", &pid]);
    let log = UnixDatagram::unbound().expect("a socket");
    eventually("rsyslogd listens", || {
        log.connect(format!("{here}/log")).ok()
    });
    for number in 0..500 {
        log.send(format!("<14>test: line {number} of rsyslog").as_bytes())
            .expect("rsyslogd takes it");
    }
    let expected: Vec<String> = (0..500)
        .map(|number| format!("line {number} of rsyslog"))
        .collect();
    assert_eq!(texts(&host, 500, "line "), expected);
    assert!(daemon.terminate().success(), "{}", daemon.output());
    host.expect_no_connections();
}
