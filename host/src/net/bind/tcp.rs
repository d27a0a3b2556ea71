//! Listening on an IP address and a port.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Type};

use super::{BACKLOG, Socket, cannot_listen};
use linemill_config::Problem;

/// Listens on `address`; port 0 lets the system choose. `[::]` accepts IPv4, too, unless `ipv6_only`.
///
/// # Errors
/// When the system refuses.
pub(super) fn bind(
    address: SocketAddr,
    ipv6_only: bool,
    reuse_port: bool,
) -> Result<Socket, Problem> {
    open(address, ipv6_only, reuse_port)
        .map_err(|error| cannot_listen(address, &error, hint(&error, reuse_port)))
}

/// What to do about an IP address and a port that cannot be bound.
pub(super) fn hint(error: &io::Error, reuse_port: bool) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; stop it, or choose another port (0 lets the system choose)"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
        io::ErrorKind::AddrNotAvailable => {
            "use an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        }
        io::ErrorKind::Unsupported if reuse_port => {
            "this system cannot share a port: leave `reuse_port` out"
        }
        _ => "check the address",
    }
}

fn open(address: SocketAddr, ipv6_only: bool, reuse_port: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    // On other systems it would let another program take the port over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    set_family(&socket, address, ipv6_only)?;
    if reuse_port {
        share_port(&socket, true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Socket::tcp(socket.into())
}

/// Says whether a socket for `address` takes IPv4 as well.
pub(super) fn set_family(
    socket: &socket2::Socket,
    address: SocketAddr,
    ipv6_only: bool,
) -> io::Result<()> {
    if address.is_ipv6() {
        // The default differs between systems, and may be configured.
        socket.set_only_v6(ipv6_only || !address.ip().is_unspecified())?;
    }
    Ok(())
}

#[cfg(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
))]
pub(in crate::net) fn share_port(socket: &socket2::Socket, share: bool) -> io::Result<()> {
    socket.set_reuse_port(share)
}

#[cfg(not(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
)))]
pub(in crate::net) fn share_port(_: &socket2::Socket, _: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests;
