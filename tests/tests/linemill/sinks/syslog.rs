//! Syslog receivers that others wrote, as shared upstreams: lines and counted octets, plain and over TLS.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use linemill_tests::tls::Authority;
use linemill_tests::{
    Client, Folder, Host, Program, eventually, rsyslogd_with_tls, skip, syslog_ng,
};

/// A way to receive.
struct Way {
    framing: &'static str,
    tls: bool,
    at: SocketAddr,
}

const LINES: usize = 500;

/// Lines, counted octets, and both over TLS, at ports of `address`: one where nobody else listens, so they
/// stay free until the receiver takes them.
fn ways(address: Ipv4Addr) -> Vec<Way> {
    let free: Vec<_> = (0..4)
        .map(|_| TcpListener::bind((address, 0)).expect("a port"))
        .collect();
    let kinds = [
        ("lf", false),
        ("octet", false),
        ("lf", true),
        ("octet", true),
    ];
    let ways = kinds
        .into_iter()
        .zip(&free)
        .map(|((framing, tls), socket)| Way {
            framing,
            tls,
            at: socket.local_addr().expect("its address"),
        });
    ways.collect()
}

/// Sends lines to a receiver in each of these ways, and expects them in the file of that way, `0.log` and
/// so on in `folder`.
#[track_caller]
fn send(ways: &[Way], authority: &Authority, folder: &Folder, mut receiver: Program) {
    let here = Folder::new();
    authority.write(&here, "ca.crt");
    let listeners = ways.iter().enumerate().map(|(at, way)| {
        let scheme = if way.tls { "tls" } else { "tcp" };
        format!(
            "[[listener]]\nname = \"l{at}\"\nbind = \"127.0.0.1:0\"\nchain = []\n\
             to = \"{scheme}://{}\"\nshared = true\nto_framing = \"{}\"\n{}",
            way.at,
            way.framing,
            if way.tls {
                "to_tls = { ca = \"ca.crt\", name = \"localhost\" }\n"
            } else {
                ""
            }
        )
    });
    let config: String = listeners.collect();
    let mut host = Host::serve_in(here, format!("[host]\nadmin = \"127.0.0.1:0\"\n{config}"));
    let line = |number: usize| format!("<14>1 2026-01-02T03:04:05Z here test - - - line {number}");
    for at in 0..ways.len() {
        let mut client = Client::connect(host.listener(at));
        let text: String = (0..LINES).map(|number| line(number) + "\n").collect();
        assert_eq!(client.exchange(text.as_bytes()), b"");
    }
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(!host.stderr().contains("lost"), "{}", host.stderr());
    let expected: Vec<_> = (0..LINES).map(|number| format!("line {number}")).collect();
    for (at, way) in ways.iter().enumerate() {
        let what = format!("{LINES} lines by {}, TLS: {}", way.framing, way.tls);
        let got = eventually(&what, || {
            let text = folder.read(&format!("{at}.log"));
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines: Vec<_> = text
                .split_inclusive('\n')
                .filter_map(|line| Some(line[line.find("line ")?..].strip_suffix('\n')?.to_owned()))
                .collect();
            (lines.len() >= LINES).then_some(lines)
        });
        assert_eq!(got, expected, "{what}");
    }
    assert!(receiver.terminate().success(), "{}", receiver.output());
}

/// Waits until every port of the receiver is open.
#[track_caller]
fn expect_open(ways: &[Way], receiver: &Program) {
    for way in ways {
        eventually(&format!("{}: {}", way.at, receiver.output()), || {
            Client::try_connect(way.at).ok()
        });
    }
}

#[test]
fn rsyslog_receives_in_every_way() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let ca = authority.write(&folder, "ca.crt").display().to_string();
    authority.server().write(&folder, "server");
    let here = folder.path().display().to_string();
    let ways = ways(Ipv4Addr::new(127, 0, 41, 1));
    let inputs = ways.iter().enumerate().map(|(at, way)| {
        let tls = if way.tls {
            " streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\""
        } else {
            ""
        };
        format!(
            "input(type=\"imtcp\" address=\"{}\" port=\"{}\" ruleset=\"r{at}\"{tls})\n\
             ruleset(name=\"r{at}\") {{ action(type=\"omfile\" file=\"{here}/{at}.log\" template=\"raw\") }}\n",
            way.at.ip(),
            way.at.port()
        )
    });
    let inputs: String = inputs.collect();
    let config = format!(
        "global(workDirectory=\"{here}\" defaultNetstreamDriverCAFile=\"{ca}\" \
         defaultNetstreamDriverCertFile=\"{here}/server.crt\" defaultNetstreamDriverKeyFile=\"{here}/server.key\")\n\
         module(load=\"imtcp\")\n\
         template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n{inputs}"
    );
    let receiver = match rsyslogd_with_tls(&folder, &config) {
        Ok(receiver) => receiver,
        Err(why) => return skip("rsyslogd as a receiver", &why),
    };
    expect_open(&ways, &receiver);
    send(&ways, &authority, &folder, receiver);
}

#[test]
fn syslog_ng_receives_in_every_way() {
    let (authority, folder) = (Authority::new(), Folder::new());
    authority.server().write(&folder, "server");
    let here = folder.path().display().to_string();
    let ways = ways(Ipv4Addr::new(127, 0, 41, 2));
    let sources = ways.iter().enumerate().map(|(at, way)| {
        let driver = match way.framing {
            "octet" => "syslog",
            _ => "network",
        };
        let (transport, tls) = if way.tls {
            let files = format!("key-file(\"{here}/server.key\") cert-file(\"{here}/server.crt\")");
            ("tls", format!(" tls({files} peer-verify(optional-untrusted))"))
        } else {
            ("tcp", String::new())
        };
        format!(
            "source s{at} {{ {driver}(ip(\"{}\") port({}) transport(\"{transport}\") flags(no-parse){tls}); }};\n\
             destination d{at} {{ file(\"{here}/{at}.log\" template(\"$MESSAGE\\n\")); }};\n\
             log {{ source(s{at}); destination(d{at}); flags(flow-control); }};\n",
            way.at.ip(),
            way.at.port()
        )
    });
    let sources: String = sources.collect();
    let config = format!("options {{ stats-freq(0); }};\n{sources}");
    let receiver = match syslog_ng(&folder, &config) {
        Ok(receiver) => receiver,
        Err(why) => return skip("syslog-ng as a receiver", &why),
    };
    expect_open(&ways, &receiver);
    send(&ways, &authority, &folder, receiver);
}
