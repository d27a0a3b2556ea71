//! Sockets, without any notion of lines: listening, carrying bytes, TLS.
//!
//! In: addresses of the configuration, sockets that systemd handed over, certificates and keys.
//! Out: sockets that accept ([`bind`]) or receive datagrams ([`datagrams`]), byte streams with the same
//! interface for every transport ([`transport`]), options of connected sockets ([`tcp`]), how many
//! clients may have one ([`descriptors`]), connections of the process to itself ([`own_sockets`]),
//! addresses of clients behind proxies ([`proxy`]), and the two ends of TLS ([`tls`]).
//! Not here: what the bytes mean, which connections to take (`listeners`), when to connect
//! (`sinks`). The data plane and the admin address both build on this; it knows neither.

pub mod bind;
pub mod datagrams;
pub mod descriptors;
pub mod own_sockets;
pub mod proxy;
pub mod tcp;
pub mod tls;
pub mod transport;
