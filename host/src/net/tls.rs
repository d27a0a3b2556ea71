//! Certificates, private keys and trust anchors for TLS, from files.
//!
//! In: the `tls` and `to_tls` of a listener. Out: [`Server`] and [`Client`], ready for handshakes,
//! or a [`linemill_config::Problem`] that names the file and what is wrong with it.
//! Not here: handshakes (`transport`), when to load (`control::certificates`).
//!
//! TLS 1.2 and 1.3, with ring's cryptography. No ALPN is offered, and any server name that a
//! client asks for is accepted: a line protocol has neither.

mod client;
mod client_names;
mod expiry;
mod pem;
mod server;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use sha2::{Digest as _, Sha256};

pub use client::Client;
pub use client_names::OtherClient;
pub use server::Server;

/// The most plaintext, in bytes, that waits encrypted for the socket: what a peer that does not read
/// costs in addition to the host's own buffers. Two records of the largest size (RFC 8446, 5.1).
pub(crate) const BUFFER: usize = 32 * 1024;

/// Identifies the contents of files.
type Fingerprint = [u8; 32];

/// The fingerprint of some files. `None` stands for a file that is not configured.
fn fingerprint<'a>(files: impl IntoIterator<Item = Option<&'a [u8]>>) -> Fingerprint {
    let mut all = Sha256::new();
    for file in files {
        all.update(file.map_or(Fingerprint::default(), |bytes| Sha256::digest(bytes).into()));
    }
    all.finalize().into()
}

/// The cryptography, given explicitly: another library could change the default of the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
