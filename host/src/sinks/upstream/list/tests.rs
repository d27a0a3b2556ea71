//! The order in which a client tries upstreams.

use tokio::net::TcpListener;

use super::*;
use crate::sinks::testing::{options, upstreams};

#[tokio::test(start_paused = true)]
async fn upstreams_that_failed_lately_come_last() {
    let now = Instant::now();
    let (soon, over) = (Some(now + Duration::from_secs(1)), Some(now));
    assert_eq!(order(&[None, None, None], now), [0, 1, 2]);
    assert_eq!(order(&[soon, None, soon, None], now), [1, 3, 0, 2]);
    assert_eq!(order(&[soon, soon], now), [0, 1]);
    assert_eq!(order(&[over, None], now), [0, 1]);
}

/// A port that is listened on, and the destination for it.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("its address"));
    (listener, to)
}

/// The destination of the upstream that a new client gets.
async fn connects_to(list: &UpstreamList) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    let connected = list.connect_within(Some(deadline)).await;
    connected.expect("connected").0.to().to_owned()
}

#[tokio::test]
async fn a_client_gets_the_first_that_takes_a_connection() {
    let ((first, one), (second, other)) = (listen().await, listen().await);
    let list = upstreams(&[&one, &other], options());
    assert_eq!(connects_to(&list).await, one);
    drop(first);
    assert_eq!(connects_to(&list).await, other);
    // The first comes back, and has its pause all the same.
    let address = one.strip_prefix("tcp://").expect("an address");
    let first = TcpListener::bind(address).await.expect("the same port");
    assert_eq!(connects_to(&list).await, other);
    tokio::time::sleep(PAUSES.0).await;
    assert_eq!(connects_to(&list).await, one);
    drop((first, second));
}

#[tokio::test]
async fn those_that_another_list_has_are_the_same() {
    let before = upstreams(&["tcp://a:1", "tcp://b:1"], options());
    let to = ["tcp://b:1", "tcp://c:1"].map(|one| one.parse().expect("a destination"));
    let to = Destination::fail_over(to.to_vec()).expect("upstreams");
    let list = UpstreamList::new(&to, &options(), Some(&before)).expect("upstreams");
    let kept: Vec<_> = list.iter().map(|one| before.contains(one)).collect();
    assert_eq!(kept, [true, false]);
}
