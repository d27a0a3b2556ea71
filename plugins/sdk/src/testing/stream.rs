//! The stream that a filter under test sees.
//!
//! In: what the test says about it. Out: the answers of [`crate::stream`], only during a call.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;

use crate::stream::{Direction, Framing};

/// A stream, as a filter under test sees it. By default everything that may be absent is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The number of the connection.
    pub connection: u64,
    /// Which way the lines flow.
    pub direction: Direction,
    /// The name of the listener.
    pub listener: Option<String>,
    /// The client's address.
    pub peer: Option<SocketAddr>,
    /// The name by which the client asked for the host in its TLS handshake.
    pub server_name: Option<String>,
    /// The name in the client's certificate.
    pub client_name: Option<String>,
    /// The framing.
    pub framing: Framing,
}

thread_local! {
    static STREAM: RefCell<Stream> = RefCell::default();
    /// Whether a call that has a stream is under way.
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
}

/// Runs `test` with filters that see this stream.
///
/// ```
/// use linemill_sdk::testing::{self, Stream, json};
/// use linemill_sdk::{Output, filter_fn, stream};
///
/// filter_fn!(Tag = tag);
///
/// fn tag(line: &[u8], out: &mut Output) {
///     if let Some(peer) = stream::peer() {
///         out.push(format!("{} ", peer.ip()));
///     }
///     out.emit(line);
/// }
///
/// let stream = Stream {
///     peer: Some("192.0.2.1:4711".parse().unwrap()),
///     ..Stream::default()
/// };
/// let tagged = testing::with_stream(stream, || testing::lines::<Tag>(json!({}), ["a"]));
/// assert_eq!(tagged, ["192.0.2.1 a"]);
/// ```
pub fn with_stream<R>(stream: Stream, test: impl FnOnce() -> R) -> R {
    /// Sets back what was before, also after a panic.
    struct Before(Stream);
    impl Drop for Before {
        fn drop(&mut self) {
            STREAM.replace(std::mem::take(&mut self.0));
        }
    }
    let _before = Before(STREAM.replace(stream));
    test()
}

/// Asks the stream of the call that is under way.
///
/// # Panics
/// Without a call, as a component would trap.
#[track_caller]
pub(crate) fn current<R>(ask: impl FnOnce(&Stream) -> R) -> R {
    assert!(
        IN_CALL.get(),
        "there is no stream here: ask in `Filter::line` or `Filter::finish`"
    );
    STREAM.with_borrow(ask)
}

/// Runs a call that has a stream.
pub(crate) fn in_call<R>(call: impl FnOnce() -> R) -> R {
    struct After(bool);
    impl Drop for After {
        fn drop(&mut self) {
            IN_CALL.set(self.0);
        }
    }
    let _after = After(IN_CALL.replace(true));
    call()
}
