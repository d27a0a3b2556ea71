//! syslog-ng as a sender: lines and counted octets, plain and over TLS, from one daemon.

use std::os::unix::net::UnixDatagram;

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Host, eventually, skip, syslog_ng};

/// The ways in which it sends, as its configuration names them, and the framing that each has.
const WAYS: [(&str, &str, &str); 4] = [
    ("network", "tcp", "lf"),
    ("syslog", "tcp", "octet"),
    ("network", "tls", "lf"),
    ("syslog", "tls", "octet"),
];
const LINES: usize = 300;

#[test]
fn it_sends_in_every_way() {
    let authority = Authority::new();
    let folder = Folder::new();
    let ca = authority.write(&folder, "ca.crt").display().to_string();
    authority.server().write(&folder, "server");
    let listeners = WAYS
        .iter()
        .enumerate()
        .map(|(at, (_, transport, framing))| {
            let tls = match *transport {
                "tls" => "tls = { cert = \"server.crt\", key = \"server.key\" }\n",
                _ => "",
            };
            format!(
                "[[listener]]\nname = \"l{at}\"\nbind = \"127.0.0.1:0\"\nchain = []\n\
             framing = \"{framing}\"\nto_framing = \"lf\"\nto = \"file:{at}.log\"\n{tls}"
            )
        });
    let config: String = listeners.collect();
    let host = Host::serve_in(folder, format!("[host]\nadmin = \"127.0.0.1:0\"\n{config}"));

    let folder = Folder::new();
    let log = folder.path().join("log");
    let destinations = WAYS.iter().enumerate().map(|(at, (driver, transport, _))| {
        let tls = match *transport {
            "tls" => format!(" tls(ca-file(\"{ca}\") peer-verify(required-trusted))"),
            _ => String::new(),
        };
        let port = host.listener(at).port();
        format!(
            "{driver}(\"localhost\" port({port}) transport(\"{transport}\") ip-protocol(4){tls});"
        )
    });
    let config = format!(
        "options {{ time-reopen(1); stats-freq(0); }};\n\
         source s {{ unix-dgram(\"{}\"); }};\n\
         destination d {{ {} }};\n\
         log {{ source(s); destination(d); flags(flow-control); }};\n",
        log.display(),
        destinations.collect::<Vec<_>>().join(" ")
    );
    let mut daemon = match syslog_ng(&folder, &config) {
        Ok(daemon) => daemon,
        Err(why) => return skip("syslog-ng as a sender", &why),
    };
    let socket = UnixDatagram::unbound().expect("a socket");
    eventually("syslog-ng listens", || socket.connect(&log).ok());
    for number in 0..LINES {
        let message = format!("<14>test: line {number} of syslog-ng");
        socket.send(message.as_bytes()).expect("syslog-ng takes it");
    }
    let expected: Vec<_> = (0..LINES)
        .map(|number| format!("line {number} of syslog-ng"))
        .collect();
    for (at, (driver, transport, framing)) in WAYS.iter().enumerate() {
        let what = format!("{LINES} lines by {driver}(), {transport}, {framing}");
        let got = eventually(&what, || {
            let text = host.folder().read(&format!("{at}.log"));
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines: Vec<_> = text
                .split_inclusive('\n')
                .filter_map(|line| Some(line[line.find("line ")?..].strip_suffix('\n')?.to_owned()))
                .collect();
            (lines.len() >= LINES).then_some(lines)
        });
        assert_eq!(got, expected, "{what}");
        assert!(
            host.folder()
                .read(&format!("{at}.log"))
                .starts_with(b"<14>")
        );
    }
    assert!(daemon.terminate().success(), "{}", daemon.output());
    host.expect_no_connections();
}
