//! Lines that would come back to where they were: refused when the configuration shows it, cut when it
//! does not. Chains from one listener to another are served.

use std::net::SocketAddr;
use std::time::Duration;

use linemill_tests::{Client, Folder, Host, free_port, run};

/// A table `[host]`.
const HOST: &str = "[host]\nadmin = \"127.0.0.1:0\"\n\n";

fn listener(name: &str, bind: &str, to: &str, more: &str) -> String {
    format!(
        "[[listener]]\nname = \"{name}\"\nbind = \"{bind}\"\nto = \"{to}\"\nchain = []\n{more}\n"
    )
}

/// Asserts that `check` and `serve` refuse a configuration because of a circle.
#[track_caller]
fn check_refused(folder: &Folder, config: &str) {
    folder.write("a.toml", config);
    for args in [&["check", "a.toml"][..], &["serve", "--config", "a.toml"]] {
        run(folder.path(), args, b"")
            .failure()
            .stderr_has(&["lines would loop", "hint: "]);
    }
}

#[test]
fn a_destination_that_is_the_listener_itself_is_refused() {
    let folder = Folder::new();
    for (bind, to) in [
        ("127.0.0.1:47131", "tcp://localhost:47131"),
        ("127.0.0.1:47131", "tcp://127.1:47131"),
        ("127.0.0.1:47131", "tcp://0.0.0.0:47131"),
        ("127.0.0.1:47131", "tcp://[::ffff:127.0.0.1]:47131"),
        ("0.0.0.0:47131", "tcp://127.0.0.9:47131"),
        ("[::]:47131", "tcp://127.0.0.1:47131"),
        ("[::]:47131", "tls://localhost:47131"),
        ("unix:a.sock", "unix:b/../a.sock"),
    ] {
        check_refused(&folder, &listener("a", bind, to, ""));
        check_refused(
            &folder,
            &listener("a", bind, "stdout", &format!("tee = [\"{to}\"]")),
        );
    }
    // Its address among those of the machine.
    if let Some(own) = own_address() {
        check_refused(
            &folder,
            &listener("a", "0.0.0.0:47131", &format!("tcp://{own}:47131"), ""),
        );
    }
}

/// An address of this machine other than a loopback address, if it has one.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the system only chooses how it would be.
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[test]
fn rings_are_refused() {
    let folder = Folder::new();
    let ring = [
        listener("a", "127.0.0.1:47132", "tcp://localhost:47133", ""),
        listener(
            "b",
            "127.0.0.1:47133",
            "tcp://127.0.0.1:47134",
            "shared = true",
        ),
        listener(
            "c",
            "127.0.0.1:47134",
            "stdout",
            "tee = [\"tcp://127.0.0.1:47132\"]",
        ),
    ];
    check_refused(&folder, &ring.concat());
    #[cfg(unix)]
    {
        std::fs::create_dir(folder.path().join("sub")).expect("a folder");
        std::os::unix::fs::symlink(folder.path().join("sub"), folder.path().join("link"))
            .expect("a link");
        let ring = [
            listener("a", "unix:sub/a.sock", "unix:b.sock", ""),
            listener("b", "unix:b.sock", "unix:link/a.sock", ""),
        ];
        check_refused(&folder, &ring.concat());
    }
}

#[test]
fn a_ring_is_refused_by_a_reload() {
    let (one, two) = (free_port(), free_port());
    let config = |to: &str| {
        HOST.to_owned()
            + &listener(
                "a",
                &format!("127.0.0.1:{one}"),
                &format!("tcp://127.0.0.1:{two}"),
                "",
            )
            + &listener("b", &format!("127.0.0.1:{two}"), to, "")
    };
    let host = Host::serve(config("reply"));
    host.announced(1);
    let address = SocketAddr::from(([127, 0, 0, 1], one));
    let mut client = Client::connect(address);
    assert_eq!(client.exchange(b"through both\n"), b"through both\n");
    host.write_config(config(&format!("tcp://localhost:{one}")));
    let refused = host.post("/reload");
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("a → b → a"), "{}", refused.body);
}

/// Through one listener after the other, by connections of each client's own and by shared ones.
#[test]
fn chains_through_the_same_host_are_served() {
    let (second, third) = (free_port(), free_port());
    for shared in ["", "shared = true"] {
        let config = HOST.to_owned()
            + &listener(
                "a",
                "127.0.0.1:0",
                &format!("tcp://127.0.0.1:{second}"),
                shared,
            )
            + &listener(
                "b",
                &format!("127.0.0.1:{second}"),
                &format!("tcp://localhost:{third}"),
                shared,
            )
            + &listener("c", &format!("127.0.0.1:{third}"), "stdout", "");
        let host = Host::serve(config);
        host.announced(2);
        let lines: String = (0..20).map(|number| format!("line {number}\n")).collect();
        for line in lines.lines() {
            let mut client = host.connect();
            client.send(format!("{line}\n").as_bytes());
            client.finish();
            host.wait_some("linemill_lines_in_total", &[("listener", "c")]);
        }
        host.wait_metric("linemill_lines_in_total", &[("listener", "c")], 20.0);
        let refused = [("reason", "loop")];
        assert_eq!(
            host.metric("linemill_connections_refused_total", &refused),
            0.0
        );
    }
}

/// Where the ports are not known before, and behind a link made later, nothing shows the circle.
#[test]
#[cfg(target_os = "linux")]
fn a_circle_that_nothing_shows_is_cut() {
    for shared in ["", "shared = true"] {
        let folder = Folder::new();
        let config = |to_a: &str, shared_by_b: &str| {
            HOST.to_owned()
                + &listener("a", "127.0.0.1:0", "unix:hop/b.sock", shared)
                + &listener("b", "unix:b.sock", to_a, shared_by_b)
        };
        // The folder `hop` does not exist yet, and the port of `a` is not known.
        let host = Host::serve_in(folder, config("stdout", ""));
        let a = host.address();
        std::os::unix::fs::symlink(host.folder().path(), host.folder().path().join("hop"))
            .expect("a link");
        check_cut(&host, a, &config(&format!("tcp://{a}"), shared));
    }
}

#[cfg(target_os = "linux")]
#[track_caller]
fn check_cut(host: &Host, a: SocketAddr, config: &str) {
    host.write_config(config);
    let answer = host.post("/reload");
    // The port of `a` stands for any: no text shows that it is the one of `b`'s destination.
    assert_eq!(answer.status, 200, "{}", answer.body);
    for _ in 0..3 {
        let mut client = Client::connect(a);
        client.send(b"round and round\n");
        client.finish();
        host.wait_some("linemill_connections_refused_total", &[("reason", "loop")]);
    }
    std::thread::sleep(Duration::from_millis(500));
    host.expect_stderr("its lines would come back");
    let open = host.open_descriptors();
    assert!(open < 100, "{open} descriptors");
}
