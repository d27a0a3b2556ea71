//! Tables `tls` and `to_tls` of a listener.

use std::path::PathBuf;

use super::ClientName;
use crate::keys::keys;
use crate::kind::{ClientNames, File, HostName, Optional};

keys! {
    /// Table `tls` of a listener: TLS of its clients.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Tls: "`tls`" {
        /// Certificate chain, PEM.
        cert: PathBuf = PathBuf::new(), File, Live, default "required";
        /// Private key, PEM.
        key: PathBuf = PathBuf::new(), File, Live, default "required";
        /// Requires a certificate from every client, signed by one of these authorities, PEM.
        client_ca: Option<PathBuf> = None, Optional(File, "none"), Live;
        // Only with `client_ca`.
        /// The client's certificate must have one of these names among the DNS names of its
        /// subjectAltName. `"*.example.org"` stands for every name with one label before
        /// `.example.org`. Other clients are refused. Only with `client_ca`.
        client_names: Option<Vec<ClientName>> = None, Optional(ClientNames, "any"), Live, default "any";
    }
}

keys! {
    /// Table `to_tls` of a listener: TLS to upstreams.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct UpstreamTls: "`to_tls`" {
        /// Trusted authorities for the upstream's certificate, PEM.
        ca: Option<PathBuf> = None, Optional(File, "the system's"), Live, default "the system's";
        /// Certificate chain for upstreams that request one, PEM. Only with `key`.
        cert: Option<PathBuf> = None, Optional(File, "none"), Live;
        /// Private key of `cert`, PEM. Only with `cert`.
        key: Option<PathBuf> = None, Optional(File, "none"), Live;
        /// The name or IP address that the upstream's certificate must be valid for.
        name: Option<String> = None, Optional(HostName, "the host"), Live,
            default "the destination's host";
    }
}
