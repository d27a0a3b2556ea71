//! Syslog senders that others wrote: logger, rsyslogd and Python's SysLogHandler, by RFC 6587.

use std::process::Command;

#[cfg(unix)]
use linemill_tests::tls::Authority;
#[cfg(unix)]
use linemill_tests::{Folder, rsyslogd, rsyslogd_with_tls, skip};
use linemill_tests::{Host, Program, eventually};

use super::programs::program;

/// A host that receives syslog with counted octets (RFC 6587) and writes lines to standard output.
fn syslog_host() -> Host {
    collecting("octet")
}

/// A host that receives syslog in this framing and writes lines to standard output.
pub(super) fn collecting(framing: &str) -> Host {
    Host::with(&format!(
        "chain = []\nframing = \"{framing}\"\nto_framing = \"lf\"\nto = \"stdout\""
    ))
}

/// Waits for `count` lines that contain `start`; returns each from `start` on.
#[track_caller]
pub(super) fn texts(host: &Host, count: usize, start: &str) -> Vec<String> {
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
    logger(&syslog_host(), &["--octet-count"], 100, 100);
}

/// One port takes logger with octets counted, and without.
#[test]
fn logger_in_both_ways() {
    let host = collecting("auto");
    logger(&host, &["--octet-count"], 100, 100);
    logger(&host, &[], 100, 200);
}

/// Sends lines by logger with these further arguments; `all` are the lines since the host's start.
#[track_caller]
fn logger(host: &Host, further: &[&str], count: usize, all: usize) {
    let Some(path) = program("logger", "bsdutils") else {
        return;
    };
    let port = host.address().port().to_string();
    let args = ["--tcp", "--server", "127.0.0.1", "--port", &port];
    let mut logger = Program::start(
        Command::new(path)
            .args(args)
            .args(further)
            .args(["--tag", "linemill-test"]),
    );
    for number in all - count..all {
        logger.send(format!("line {number} of logger\n").as_bytes());
    }
    assert!(logger.wait().success(), "{}", logger.output());
    let expected: Vec<String> = (0..all)
        .map(|number| format!("line {number} of logger"))
        .collect();
    assert_eq!(texts(host, all, "line "), expected);
    let first = host.stdout(1);
    assert!(first.starts_with(b"<13>1 "), "{}", first.escape_ascii());
    host.expect_no_connections();
}

/// Python's SysLogHandler ends a message with NUL, or with what the message ends with.
#[test]
fn python_ends_messages_with_nul_or_lf() {
    let Some(path) = program("python3", "python3") else {
        return;
    };
    let host = collecting("auto");
    let script = format!(
        "import logging, logging.handlers, socket\n\
         handler = logging.handlers.SysLogHandler(('127.0.0.1', {}), socktype=socket.SOCK_STREAM)\n\
         for number in range(100):\n    \
             handler.append_nul = number % 2 == 0\n    \
             text = 'line %d of Python' % number + ('' if handler.append_nul else '\\n')\n    \
             record = dict(msg=text, levelno=logging.INFO, levelname='INFO')\n    \
             handler.emit(logging.makeLogRecord(record))\n\
         handler.close()\n",
        host.address().port()
    );
    let mut python = Program::run(path, &["-c", &script]);
    assert!(python.wait().success(), "{}", python.output());
    let expected: Vec<String> = (0..100)
        .map(|number| format!("line {number} of Python"))
        .collect();
    assert_eq!(texts(&host, 100, "line "), expected);
    host.expect_no_connections();
}

/// With rsyslog's default template for forwarding.
#[test]
#[cfg(unix)]
fn rsyslog_forwards() {
    rsyslog(&syslog_host(), " TCP_Framing=\"octet-counted\"");
}

/// With its default framing, LF.
#[test]
#[cfg(unix)]
fn rsyslog_forwards_lines() {
    rsyslog(&collecting("auto"), "");
}

/// With the template of RFC 5424, which includes an LF in the counted octets.
#[test]
#[cfg(unix)]
fn rsyslog_forwards_by_rfc_5424() {
    for framing in ["octet", "auto"] {
        rsyslog(
            &collecting(framing),
            " TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\"",
        );
    }
}

/// With rsyslog's own TLS, which checks the name in the host's certificate.
#[test]
#[cfg(unix)]
fn rsyslog_forwards_over_tls() {
    let authority = Authority::new();
    let folder = Folder::new();
    let ca = authority.write(&folder, "ca.crt").display().to_string();
    authority.server().write(&folder, "server");
    let keys = "chain = []\nframing = \"octet\"\nto_framing = \"lf\"\nto = \"stdout\"\n\
                tls = { cert = \"server.crt\", key = \"server.key\" }";
    let host = Host::serve_in(folder, Host::config(keys, ""));
    let parameters = " TCP_Framing=\"octet-counted\" StreamDriver=\"gtls\" StreamDriverMode=\"1\" \
                      StreamDriverAuthMode=\"x509/name\" StreamDriverPermittedPeers=\"localhost\"";
    let global = format!(" defaultNetstreamDriverCAFile=\"{ca}\"");
    forward(&host, &global, parameters, rsyslogd_with_tls);
}

/// Forwards lines by rsyslogd, with these further parameters.
#[track_caller]
#[cfg(unix)]
fn rsyslog(host: &Host, parameters: &str) {
    forward(host, "", parameters, rsyslogd);
}

/// Forwards lines by a daemon that `start` starts, with further global parameters and some for forwarding.
#[track_caller]
#[cfg(unix)]
fn forward(
    host: &Host,
    global: &str,
    parameters: &str,
    start: impl Fn(&Folder, &str) -> Result<Program, String>,
) {
    use std::os::unix::net::UnixDatagram;

    let folder = Folder::new();
    let here = folder.path().display().to_string();
    let config = format!(
        "global(workDirectory=\"{here}\"{global})\n\
         module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"{here}/log\" RateLimit.Interval=\"0\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\"{parameters})\n",
        host.address().port()
    );
    let mut daemon = match start(&folder, &config) {
        Ok(daemon) => daemon,
        Err(why) => return skip("rsyslogd as a sender", &why),
    };
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
    assert_eq!(texts(host, 500, "line "), expected);
    assert!(daemon.terminate().success(), "{}", daemon.output());
    host.expect_no_connections();
}
