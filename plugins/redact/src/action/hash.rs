//! Hashes of secrets that only those can compute who know the salt.
//!
//! In: a salt and a secret. Out: hexadecimal digits: HMAC-SHA-256 (RFC 2104), truncated.
//!
//! A plain hash would not do: there are few enough card numbers and addresses to hash them all.

use std::io::Write;

use sha2::{Digest, Sha256};

use super::DIGITS;

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// A salt, ready to hash with.
pub(crate) struct Salt {
    inner: Sha256,
    outer: Sha256,
}

impl Salt {
    /// Prepares a salt.
    pub(crate) fn new(salt: &[u8]) -> Self {
        let mut key = [0; BLOCK];
        if salt.len() > BLOCK {
            let digest = Sha256::digest(salt);
            key[..digest.len()].copy_from_slice(&digest);
        } else {
            key[..salt.len()].copy_from_slice(salt);
        }
        let padded = |pad: u8| Sha256::new_with_prefix(key.map(|byte| byte ^ pad));
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    /// Appends the hash of `secret`.
    pub(super) fn hash(&self, secret: &[u8], out: &mut Vec<u8>) {
        let inner = self.inner.clone().chain_update(secret).finalize();
        let digest = self.outer.clone().chain_update(inner).finalize();
        for byte in digest.iter().take(DIGITS / 2) {
            // Writing to a vector cannot fail.
            let _ = write!(out, "{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Salt;

    #[test]
    fn hashes_are_those_of_rfc_4231() {
        let hash = |salt: &[u8], text: &[u8]| {
            let mut out = Vec::new();
            Salt::new(salt).hash(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(hash(&[0x0b; 20], b"Hi There"), "b0344c61d8db3853");
        assert_eq!(
            hash(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e"
        );
        let long = hash(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(long, "60e431591ee0b67f");
    }
}
