//! Which socket each listener of new settings gets.
//!
//! In: the settings of a listener, and the listeners that run. Out: the socket that it has, one that
//! another listener gives up, or a new one. No socket is closed here, and nothing changes for those that
//! accept, except that a port may be shared for a moment.
//! Not here: how to bind (`net::bind`).

use std::sync::Arc;

use super::Members;
use crate::net::bind::{BindSettings, Socket, SystemdSockets};
use linemill_config::Problem;
use linemill_config::settings::{Address, ListenerSettings, Settings};

/// A socket for a listener.
pub(super) struct Bound {
    /// The listener's name.
    pub(super) name: String,
    pub(super) socket: Arc<Socket>,
    /// The settings that the socket is to have.
    pub(super) settings: BindSettings,
    /// Whether the listener did not accept at this address before.
    pub(super) is_new: bool,
}

/// The socket for `listener` in `settings`; `None` when it keeps the one that it has.
///
/// # Errors
/// When it needs another one, and that cannot be bound.
pub(super) fn socket_for(
    listener: &ListenerSettings,
    settings: &Settings,
    running: &Members,
    systemd: &mut SystemdSockets,
) -> Result<Option<Bound>, Problem> {
    let next = BindSettings::of(listener);
    let checked = |socket: &Socket| datagrams_of_systemd(listener, socket.datagrams().is_some());
    let bound = |socket, is_new| Bound {
        name: listener.name.clone(),
        socket,
        settings: next.clone(),
        is_new,
    };
    if let Some(member) = running.get(&listener.name)
        && member.bound.same_socket(&next)
        && let Some(socket) = member.socket.upgrade()
    {
        checked(&socket)?;
        return Ok((member.bound != next).then(|| bound(socket, false)));
    }
    let given_up: Vec<_> = given_up(settings, running).collect();
    // With port 0 a new port is asked for.
    let is_fixed = !matches!(&next.address, Address::Tcp(address) | Address::Udp(address) if address.port() == 0);
    if is_fixed
        && let Some((_, socket)) = given_up.iter().find(|(bound, _)| bound.same_socket(&next))
    {
        checked(socket)?;
        return Ok(Some(bound(Arc::clone(socket), true)));
    }
    if let Address::Systemd(name) = &next.address {
        datagrams_of_systemd(listener, systemd.is_datagram(name.as_deref()))?;
    }
    let in_the_way: Vec<_> = given_up
        .iter()
        .filter(|(bound, _)| bound.address.overlaps(&next.address))
        .map(|(bound, socket)| (&**socket, bound.reuse_port))
        .collect();
    let whose = format!("listener `{}`", listener.name);
    let socket = next
        .request(&whose, &listener.bind_place)
        .bind_beside(&in_the_way, |request| request.bind(systemd))?;
    Ok(Some(bound(Arc::new(socket), true)))
}

/// Refuses what `listener` cannot have if systemd has opened a socket for datagrams for it.
fn datagrams_of_systemd(listener: &ListenerSettings, is_datagram: bool) -> Result<(), Problem> {
    if !is_datagram || !matches!(listener.bind, Address::Systemd(_)) {
        return Ok(());
    }
    let mut refused = listener.refused_for_datagrams().into_iter();
    refused.next().map_or(Ok(()), Err)
}

/// The sockets that no listener of `settings` keeps, with what they are bound by.
fn given_up(
    settings: &Settings,
    running: &Members,
) -> impl Iterator<Item = (BindSettings, Arc<Socket>)> {
    running.iter().filter_map(|(name, member)| {
        let next = settings.listeners.iter().find(|one| one.name == *name);
        let keeps = next.is_some_and(|next| BindSettings::of(next).same_socket(&member.bound));
        if keeps {
            return None;
        }
        Some((member.bound.clone(), member.socket.upgrade()?))
    })
}
