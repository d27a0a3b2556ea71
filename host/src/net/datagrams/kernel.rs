//! How many UDP datagrams the kernel has dropped, from its table of sockets.
//!
//! In: a socket. Out: the number in the column `drops` of `/proc/net/udp` or `/proc/net/udp6`. The
//! kernel would also attach it to datagrams (`SO_RXQ_OVFL`), but only to the next one that arrives:
//! drops at the end of a burst would stay unseen.

use std::fs;
use std::os::fd::AsRawFd;

/// The number for this socket. `None` if it cannot be read.
pub(super) fn drops(socket: &tokio::net::UdpSocket) -> Option<u64> {
    let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
    let table = if socket.local_addr().ok()?.is_ipv4() {
        "/proc/self/net/udp"
    } else {
        "/proc/self/net/udp6"
    };
    find(&fs::read_to_string(table).ok()?, inode)
}

/// The number in the line of the socket with this inode.
fn find(table: &str, inode: &str) -> Option<u64> {
    // After the header: number, two addresses, state, queues, timer, retransmits, user, timeout,
    // inode, references, pointer, drops.
    const INODE: usize = 9;
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let is_it = fields.nth(INODE)? == inode;
        is_it.then(|| fields.last()?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_socket() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 123: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n\
            \x20 124: 0100007F:0203 00000000:0000 07 00000000:00000D00 00:00000000 00000000     0        0 4712 2 0000000000000000 89\n";
        assert_eq!(find(table, "4711"), Some(0));
        assert_eq!(find(table, "4712"), Some(89));
        assert_eq!(find(table, "47"), None);
    }

    #[tokio::test]
    async fn drops_are_counted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = UdpSocket::bind(address) else {
                // No IPv6.
                continue;
            };
            socket2::SockRef::from(&socket)
                .set_recv_buffer_size(4096)
                .expect("a fresh socket takes options");
            socket.set_nonblocking(true).expect("set");
            let socket = tokio::net::UdpSocket::from_std(socket).expect("a socket");
            assert_eq!(drops(&socket), Some(0));
            let sender = UdpSocket::bind(address).expect("a socket");
            let to = socket.local_addr().expect("its address");
            for _ in 0..100 {
                sender.send_to(&[0; 1000], to).expect("sent");
            }
            let dropped = drops(&socket).expect("Linux says");
            assert!((1..100).contains(&dropped), "{dropped}");
        }
    }
}
