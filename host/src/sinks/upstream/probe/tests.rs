//! Peers that keep a connection, and some that do not. Time passes when nothing else happens.

use std::cell::Cell;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::sinks::testing::upstream;
use crate::sinks::upstream::UpstreamList;

const WATCH: Duration = Duration::from_secs(10);

async fn listen() -> (TcpListener, UpstreamList) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("its address"));
    (listener, upstream(&to))
}

/// Probes the only one of these. Returns the connection, and after how many seconds it was up and ready.
async fn probed(list: &UpstreamList) -> Result<(Fresh, Option<u64>, u64), ProbeError> {
    let (start, up) = (Instant::now(), Cell::new(None));
    let only = list.iter().next().expect("an upstream");
    let fresh = probe(only, WATCH, || up.set(Some(start.elapsed().as_secs()))).await?;
    Ok((fresh, up.get(), start.elapsed().as_secs()))
}

/// Accepts one connection and treats it in this way.
async fn served<T>(listener: &TcpListener, treat: impl AsyncFnOnce(TcpStream) -> T) -> T {
    treat(listener.accept().await.expect("accepted").0).await
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_lasts_is_up_after_four_seconds_and_ready_after_ten() {
    let (listener, list) = listen().await;
    let reading = served(&listener, async |mut peer: TcpStream| {
        peer.write_all(b"a greeting").await.expect("written");
        peer
    });
    let (peer, probed) = tokio::join!(reading, probed(&list));
    let (fresh, up, ready) = probed.expect("it lasts");
    assert_eq!((up, ready, fresh.ended), (Some(4), 10, false));
    drop(fresh);
    let mut got = Vec::new();
    let mut peer = peer;
    peer.read_to_end(&mut got).await.expect("to the FIN");
    assert_eq!(got, b"", "a probe sends nothing");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_reset_has_failed() {
    let (listener, list) = listen().await;
    let resetting = served(&listener, async |peer| {
        tokio::time::sleep(Duration::from_secs(6)).await;
        let linger = Some(Duration::ZERO);
        socket2::SockRef::from(&peer)
            .set_linger(linger)
            .expect("set");
    });
    let ((), probed) = tokio::join!(resetting, probed(&list));
    let error = probed.expect_err("it was reset");
    assert!(
        matches!(error, ProbeError::Broken(Broken::Failed(_))),
        "{error}"
    );
}

#[tokio::test]
async fn one_that_is_refused_has_failed() {
    let (listener, list) = listen().await;
    drop(listener);
    let error = probed(&list).await.expect_err("nobody listens");
    assert!(matches!(error, ProbeError::Unreachable(_)), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn after_fin_a_connection_must_last_until_a_closed_one_would_be_forgotten() {
    let (listener, list) = listen().await;
    let ending = served(&listener, async |mut peer: TcpStream| {
        peer.shutdown().await.expect("FIN");
        peer
    });
    let (peer, probed) = tokio::join!(ending, probed(&list));
    let (fresh, up, ready) = probed.expect("it may last");
    assert!(fresh.is_doubtful() && fresh.ended);
    assert_eq!((up, ready), (None, 0));
    let start = Instant::now();
    let fresh = fresh.outlast().await.expect("it lasts");
    assert!(!fresh.is_doubtful() && fresh.ended);
    assert_eq!(start.elapsed(), AFTER_FIN);
    drop(peer);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn one_that_is_reset_after_fin_has_failed() {
    let (listener, list) = listen().await;
    let ending = served(&listener, async |mut peer: TcpStream| {
        peer.shutdown().await.expect("FIN");
        peer
    });
    let (peer, probed) = tokio::join!(ending, probed(&list));
    let (fresh, _, _) = probed.expect("it may last");
    let resetting = async {
        sleep(Duration::from_secs(70)).await;
        let linger = Some(Duration::ZERO);
        socket2::SockRef::from(&peer)
            .set_linger(linger)
            .expect("set");
        drop(peer);
    };
    let ((), outlasted) = tokio::join!(resetting, fresh.outlast());
    let error = outlasted.expect_err("it was reset");
    assert!(
        matches!(error, ProbeError::Broken(Broken::Failed(_))),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_unix_socket_shows_at_once_whether_it_was_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s");
    let listener = tokio::net::UnixListener::bind(&path).expect("bound");
    let list = upstream(&format!("unix:{}", path.display()));
    let ending = async {
        let (mut peer, _) = listener.accept().await.expect("accepted");
        peer.shutdown().await.expect("FIN");
        peer
    };
    let (peer, result) = tokio::join!(ending, probed(&list));
    let (fresh, up, ready) = result.expect("it lasts");
    assert_eq!((up, ready, fresh.ended), (Some(4), 10, true));
    drop(peer);
    let closing = async { drop(listener.accept().await.expect("accepted")) };
    let ((), result) = tokio::join!(closing, probed(&list));
    let error = result.expect_err("it was closed");
    assert!(
        matches!(error, ProbeError::Broken(Broken::Ended)),
        "{error}"
    );
}
