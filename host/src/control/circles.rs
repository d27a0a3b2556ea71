//! Listeners whose lines would come back to them, as far as the system tells.
//!
//! In: settings. Out: nothing, or a report of each circle. The text of a configuration shows circles of
//! addresses (`linemill_config`); here names are looked up, addresses of this machine are recognised, and
//! links are followed. What cannot be looked up in time counts as elsewhere: connections of the host to
//! itself are recognised when they come, too (`listeners::loops`).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use linemill_config::settings::{Address, Destination, ListenerSettings, Settings};
use linemill_config::{Host, HostPort, Problems, circles, reaches};

/// How long looking up one name may take.
const LOOK_UP: Duration = Duration::from_secs(1);

/// Looks for circles.
///
/// # Errors
/// Each circle.
pub async fn check(settings: &Settings) -> Result<(), Problems> {
    let known = look_up(settings).await;
    let nonlocal = can_bind_anything();
    let is_ours = |ip: IpAddr| !nonlocal && can_bind(ip);
    let one_leads = |to: &Destination, listener: &ListenerSettings| match (to, &listener.bind) {
        (Destination::Unix(path), Address::Unix(bind)) => real(path) == real(bind),
        (Destination::Tcp(peer) | Destination::Tls(peer), Address::Tcp(bind)) => {
            peer.port == bind.port()
                && addresses(peer, &known)
                    .iter()
                    .any(|address| reaches(address.ip(), bind.ip(), listener.ipv6_only, is_ours))
        }
        _ => to.leads_to(&listener.bind, listener.ipv6_only),
    };
    let leads = |to: &Destination, listener: &ListenerSettings| {
        let mut upstreams = to.upstreams().iter();
        upstreams.any(|one| one_leads(one, listener))
    };
    Problems::new(circles(settings, leads)).map_or(Ok(()), Err)
}

/// The addresses of all names that may lead to a listener: those with a port on which one listens.
async fn look_up(settings: &Settings) -> HashMap<HostPort, Vec<SocketAddr>> {
    let mut known = HashMap::new();
    let listens = |port: u16| {
        let binds = settings.listeners.iter().map(|listener| &listener.bind);
        binds
            .into_iter()
            .any(|bind| matches!(bind, Address::Tcp(bind) if bind.port() == port))
    };
    for listener in &settings.listeners {
        let destinations = settings.destinations(listener);
        for to in destinations.flat_map(|(_, to)| to.upstreams()) {
            let (Destination::Tcp(peer) | Destination::Tls(peer)) = to else {
                continue;
            };
            let Host::Name(name) = &peer.host else {
                continue;
            };
            if !listens(peer.port) || known.contains_key(peer) {
                continue;
            }
            let found = timeout(LOOK_UP, lookup_host((name.as_str(), peer.port))).await;
            let found = found.ok().and_then(Result::ok);
            known.insert(peer.clone(), found.into_iter().flatten().collect());
        }
    }
    known
}

fn addresses(peer: &HostPort, known: &HashMap<HostPort, Vec<SocketAddr>>) -> Vec<SocketAddr> {
    match peer.socket_addr() {
        Some(address) => vec![address],
        None => known.get(peer).cloned().unwrap_or_default(),
    }
}

/// Whether an address belongs to this machine.
fn can_bind(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// Whether the system allows any address (`ip_nonlocal_bind`), so that [`can_bind`] says nothing. Asked with
/// addresses for documentation, which no machine has.
fn can_bind_anything() -> bool {
    let v4 = Ipv4Addr::new(192, 0, 2, 1);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    can_bind(v4.into()) || can_bind(v6.into())
}

/// The path of a socket's file, with links in the path of its folder followed, and the file's own, if there
/// is one.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_recognised() {
        assert!(can_bind(Ipv4Addr::LOCALHOST.into()));
        assert!(can_bind_anything() || !can_bind(Ipv4Addr::new(192, 0, 2, 1).into()));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, link) = (folder.path().join("here"), folder.path().join("link"));
        std::fs::create_dir(&here).expect("a folder");
        std::os::unix::fs::symlink(&here, &link).expect("a link");
        assert_eq!(real(&link.join("a")), real(&here.join("a")));
        std::fs::write(here.join("a"), "").expect("a file");
        std::os::unix::fs::symlink(here.join("a"), folder.path().join("b")).expect("a link");
        assert_eq!(
            real(&folder.path().join("b")),
            real(&link.join("../here/a"))
        );
    }
}
