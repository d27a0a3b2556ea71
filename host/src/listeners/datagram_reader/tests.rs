//! Datagrams that arrived before their listener was removed.

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::*;
use crate::generation::Generation;
use crate::net::bind::{BindRequest, SystemdSockets};
use crate::sinks::egress::Egress;
use crate::sinks::upstream::ConnectOptions;
use linemill_config::Place;
use linemill_config::settings::{Address, ListenerSettings, Networks};
use linemill_sandbox::chain::Chain;
use linemill_telemetry::Families;

/// Reads what `deny` lets through of a datagram that waits when the listener has been removed.
async fn read_after_removal(deny: &[&str]) -> (Vec<u8>, u64) {
    let address = Address::Udp(([127, 0, 0, 1], 0).into());
    let place = Place::default();
    let bound = BindRequest::new(&address, "the test", &place).bind(&mut SystemdSockets::default());
    let bound = bound.expect("bound");
    let socket = Arc::clone(bound.datagrams().expect("it receives datagrams"));
    let Address::Udp(to) = bound.name() else {
        panic!("not a UDP address");
    };
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    sender.send_to(b"line", to).expect("sent");

    let settings = ListenerSettings {
        deny: Networks::new(deny.iter().map(|text| text.parse().expect("a network"))),
        ..ListenerSettings::default()
    };
    let chain = || Arc::new(Chain::new(Vec::new(), []));
    let egress = Egress::reply(ConnectOptions::of(&settings, None));
    let service = Service::new(&settings, chain(), chain(), egress, None, None, None);
    let (_publisher, snapshot) = Snapshot::first(Generation {
        number: 1,
        services: HashMap::new(),
        leaving: HashMap::new(),
        drain: Duration::ZERO,
        admin_token: None,
        admin_names: Vec::new(),
        tap: true,
        drain_delay: Duration::ZERO,
        filters: HashMap::new(),
    });
    let (_listener, retired) = watch::channel(false);
    let metrics = Arc::new(ListenerMetrics::clone(&Families::default().of("removed")));
    let mut reader = DatagramReader {
        socket,
        listener: "removed".into(),
        snapshot,
        retirement: Retirement::of(retired),
        metrics: Arc::clone(&metrics),
        framing: service.lines.framing,
        service: Arc::new(service),
        buffer: DatagramBuffer::new(),
    };
    let mut read = Vec::new();
    reader.read_to_end(&mut read).await.expect("read");
    let denied = metrics.datagrams_dropped.of(DatagramDrop::Denied).get();
    (read, denied)
}

#[tokio::test]
async fn what_waited_is_still_received() {
    assert_eq!(read_after_removal(&[]).await, (b"line\n".to_vec(), 0));
}

#[tokio::test]
async fn the_networks_of_the_last_settings_still_apply() {
    let read = read_after_removal(&["127.0.0.0/8"]).await;
    assert_eq!(read, (Vec::new(), 1));
}
