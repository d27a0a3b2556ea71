//! Upstreams that speak TLS, or should.

use super::*;
use crate::net::tls::testing::Certificates;

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_shake_hands_has_its_time() {
    let files = Certificates::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let to = format!("tls://127.0.0.1:{port}")
        .parse::<Destination>()
        .expect("a destination");
    let start = Instant::now();
    let error = upstream(&to, Some(files.client()))
        .connect()
        .await
        .expect_err("silence");
    assert_eq!(error.to_string(), "no connection within 5s");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}
