//! Whether connections begin with a PROXY protocol header.

use crate::keyword::Keyword;

/// What a listener does with the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// Connections come from clients; there is no header.
    Off,
    /// Each connection comes from a proxy, and begins with a header.
    Accept,
}

impl Keyword for ProxyProtocol {
    const KEYWORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("accept", Self::Accept)];
}
