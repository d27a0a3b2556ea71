//! What is received, and from whom.

use std::future::poll_fn;
use std::net::UdpSocket as Sender;

use super::*;

async fn receive(socket: &DatagramSocket, buffer: &mut [u8]) -> Datagram {
    loop {
        poll_fn(|cx| socket.poll_ready(cx)).await.expect("ready");
        match socket.try_receive(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            received => return received.expect("received"),
        }
    }
}

#[tokio::test]
async fn a_datagram_has_a_sender_and_an_end() {
    let socket = Sender::bind("127.0.0.1:0").expect("a socket");
    let to = socket.local_addr().expect("its address");
    let socket = DatagramSocket::udp(socket).expect("a socket");
    let sender = Sender::bind("127.0.0.1:0").expect("a socket");
    let peer = Peer::Ip(sender.local_addr().expect("its address"));
    for text in [&b"four"[..], b"", b"and more"] {
        sender.send_to(text, to).expect("sent");
    }
    let mut buffer = [0; 6];
    for (length, is_cut) in [(4, false), (0, false), (6, cfg!(unix))] {
        let expected = Datagram {
            length,
            is_cut,
            peer,
        };
        assert_eq!(receive(&socket, &mut buffer).await, expected);
    }
    assert_eq!(&buffer, b"and mo");
    let error = socket.receive_now(&mut buffer).expect_err("there is none");
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}
