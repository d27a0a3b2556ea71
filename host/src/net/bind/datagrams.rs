//! Receiving datagrams at an IP address, or at a path.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{Domain, Protocol, Type};

use super::tcp::{hint, set_family, share_port};
use super::{Socket, cannot_listen};
use crate::net::datagrams::DatagramSocket;
use linemill_config::Problem;
use linemill_config::settings::Address;

/// How much the kernel may hold for the host. It allows no more than `net.core.rmem_max` (socket(7)).
const BUFFER: usize = 4 << 20;

/// Receives at `address`; port 0 lets the system choose. `[::]` takes IPv4, too, unless `ipv6_only`.
///
/// # Errors
/// When the system refuses.
pub(super) fn bind(
    address: SocketAddr,
    ipv6_only: bool,
    reuse_port: bool,
) -> Result<Socket, Problem> {
    open(address, ipv6_only, reuse_port).map_err(|error| {
        let name = Address::Udp(address);
        cannot_listen(name, &error, hint(&error, reuse_port))
    })
}

fn open(address: SocketAddr, ipv6_only: bool, reuse_port: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    set_family(&socket, address, ipv6_only)?;
    if reuse_port {
        share_port(&socket, true)?;
    }
    // Failing that, the default is smaller.
    drop(socket.set_recv_buffer_size(BUFFER));
    socket.bind(&address.into())?;
    let socket = std::net::UdpSocket::from(socket);
    let name = Address::Udp(socket.local_addr()?);
    let socket = DatagramSocket::udp(socket)?;
    Ok(Socket::datagrams_at(name, Arc::new(socket)))
}
