//! Ports in use, foreign addresses, both address families.

use super::*;
use crate::net::bind::Inner;
use linemill_config::settings::Address;

fn bound(address: &str, ipv6_only: bool, reuse_port: bool) -> Result<(Socket, u16), String> {
    let address = address.parse().expect("an address");
    let socket =
        bind(address, ipv6_only, reuse_port).map_err(|refusal| refusal.hint().to_owned())?;
    let Address::Tcp(name) = *socket.name() else {
        panic!("not TCP: {socket:?}")
    };
    Ok((socket, name.port()))
}

#[tokio::test]
async fn a_port_is_shared_only_when_both_say_so() {
    let (_first, port) = bound("127.0.0.1:0", false, false).expect("a free port");
    for reuse in [false, true] {
        let hint = bound(&format!("127.0.0.1:{port}"), false, reuse).expect_err("in use");
        assert!(hint.contains("another program listens there"), "{hint}");
    }
    let (_second, port) = bound("127.0.0.1:0", false, true).expect("a free port");
    if cfg!(target_os = "linux") {
        bound(&format!("127.0.0.1:{port}"), false, true).expect("both share");
        bound(&format!("127.0.0.1:{port}"), false, false).expect_err("this one does not");
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let hint = bound("192.0.2.1:0", false, false).expect_err("not ours");
    assert!(hint.contains("an address of this machine"), "{hint}");
}

#[tokio::test]
async fn ipv6_takes_ipv4_too_unless_told_otherwise() {
    for only in [false, true] {
        let (socket, port) = bound("[::]:0", only, false).expect("IPv6 is there");
        let Inner::Tcp(inner) = &socket.inner else {
            panic!("not TCP")
        };
        assert_eq!(
            socket2::SockRef::from(inner).only_v6().expect("known"),
            only
        );
        let by_ipv4 = std::net::TcpStream::connect(("127.0.0.1", port));
        assert_eq!(by_ipv4.is_err(), only, "{by_ipv4:?}");
        if !only {
            let (_, peer) = socket.accept().await.expect("a connection");
            assert_eq!(peer.ip(), Some([127, 0, 0, 1].into()));
        }
    }
}
