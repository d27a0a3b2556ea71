//! What a service manager such as systemd is told: that the host is ready, reloads, lives and stops.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Stdio;
use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, Outcome, PATIENCE};

use super::reload::verb;

/// The service manager's end of its socket.
struct Manager(UnixDatagram);

impl Manager {
    /// The next message.
    #[track_caller]
    fn news(&self) -> String {
        self.0.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut bytes = [0; 4096];
        let count = self.0.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// The next message that is none of the watchdog's.
    #[track_caller]
    fn other(&self) -> String {
        loop {
            let news = self.news();
            if news != "WATCHDOG=1\n" {
                return news;
            }
        }
    }
}

/// A host whose service manager listens at a path, with these further variables.
fn host(variables: &str) -> (Host, Manager) {
    let folder = Folder::new();
    let manager = UnixDatagram::bind(folder.path().join("notify.sock")).expect("bound");
    (
        start(folder, "$PWD/notify.sock", variables),
        Manager(manager),
    )
}

fn start(folder: Folder, address: &str, variables: &str) -> Host {
    folder.write("linemill.toml", Host::config("", ""));
    let line =
        format!("NOTIFY_SOCKET=\"{address}\" {variables} exec \"$0\" serve --config linemill.toml");
    Host::spawn_by_shell(folder, &line, Stdio::null())
}

#[test]
fn a_service_manager_hears_of_every_change() {
    let (mut host, manager) = host("");
    assert_eq!(
        manager.other(),
        "READY=1\nSTATUS=serving 1 listener, generation 1\n"
    );
    // What has been announced by then is open.
    assert!(host.stderr().contains("listening on ") || host.address().port() > 0);
    let before = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    host.replace_config(Host::config("chain = []", ""));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    let news = manager.other();
    let after = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (start, rest) = news.split_at("RELOADING=1\nMONOTONIC_USEC=".len());
    assert_eq!(start, "RELOADING=1\nMONOTONIC_USEC=");
    let (micros, rest) = rest.split_once('\n').expect("a number");
    let seconds = micros.parse::<i64>().expect("a number") / 1_000_000;
    assert!((before.tv_sec..=after.tv_sec).contains(&seconds), "{news}");
    assert_eq!(rest, "STATUS=reloading\n");
    // The file's watcher may reload as well, and find nothing new.
    let mut news = manager.other();
    while news.starts_with("RELOADING=1\n") {
        news = manager.other();
    }
    assert_eq!(news, "READY=1\nSTATUS=serving 1 listener, generation 2\n");
    host.terminate();
    loop {
        let news = manager.other();
        if news == "STOPPING=1\nSTATUS=draining\n" {
            break;
        }
        assert!(
            news.starts_with("RELOADING=1\n") || news.starts_with("READY=1\n"),
            "{news}"
        );
    }
    assert_eq!(host.wait().code(), Some(0));
}

/// A refused reload ends as well, and the command of `ExecReload=` says that it was refused.
#[test]
fn a_refused_reload_is_over_and_is_reported() {
    let (host, manager) = host("");
    assert!(manager.other().starts_with("READY=1\n"));
    host.folder().write("linemill.toml", "nonsense");
    verb(&host, &["reload"])
        .exits_with(1)
        .stderr_has(&["linemill.toml:1:", "refused: generation 1 stays in force"]);
    assert!(manager.other().starts_with("RELOADING=1\n"));
    let mut news = manager.other();
    while news.starts_with("RELOADING=1\n") {
        news = manager.other();
    }
    assert_eq!(news, "READY=1\nSTATUS=serving 1 listener, generation 1\n");
}

#[test]
fn a_name_in_the_abstract_namespace() {
    let name = format!("linemill-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let manager = Manager(UnixDatagram::bind_addr(&address).expect("bound"));
    let _host = start(Folder::new(), &format!("@{name}"), "");
    assert!(manager.other().starts_with("READY=1\n"));
}

#[test]
fn a_host_says_that_it_lives_twice_as_often_as_it_must() {
    let (host, manager) = host("WATCHDOG_USEC=400000");
    assert!(manager.other().starts_with("READY=1\n"));
    let start = Instant::now();
    for _ in 0..6 {
        assert_eq!(manager.news(), "WATCHDOG=1\n");
    }
    // The first one comes at once.
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(900) && took < Duration::from_secs(10),
        "{took:?}"
    );
    drop(host);
}

#[test]
fn a_watchdog_of_another_process_is_none_of_ours() {
    let (host, manager) = host("WATCHDOG_USEC=10000 WATCHDOG_PID=1");
    assert!(manager.other().starts_with("READY=1\n"));
    host.address();
    let wait = Some(Duration::from_millis(300));
    manager.0.set_read_timeout(wait).expect("a timeout");
    assert!(manager.0.recv(&mut [0; 64]).is_err());
}

#[test]
fn a_service_manager_that_is_not_there_stops_nobody() {
    for (address, why) in [
        ("/nowhere/at/all", "No such file"),
        ("nowhere", "is neither a path"),
    ] {
        let mut host = start(Folder::new(), address, "WATCHDOG_USEC=10000");
        host.address();
        host.expect_stderr("the service manager in NOTIFY_SOCKET cannot be reached");
        assert!(host.stderr().contains(why), "{}", host.stderr());
        host.expect_alive();
    }
}
