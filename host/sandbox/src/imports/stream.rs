//! `stream`: what a guest may know of the stream whose lines it judges.
//!
//! In: the stream of the current call. Out: the functions of `wit/stream.wit`. Outside a call that has
//! a stream, each of them is a trap.
//! Not here: how the host learns these things (`Origin`).

use std::net::IpAddr;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower};

use super::{HostState, ImportTrap};
use crate::origin::Origin;
use linemill_framing::Framing;

/// The stream of the current call.
pub(crate) struct Current {
    pub(crate) origin: Origin,
    pub(crate) framing: Framing,
}

/// `flow` of `wit/stream.wit`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
enum Flow {
    #[component(name = "request")]
    Request,
    #[component(name = "reply")]
    Reply,
}

/// `address` of `wit/stream.wit`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
struct Address {
    ip: IpAddress,
    port: u16,
}

/// `ip-address` of `wit/stream.wit`. Without allocated parts: those would take a call into the guest.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(variant)]
enum IpAddress {
    #[component(name = "ipv4")]
    V4((u8, u8, u8, u8)),
    #[component(name = "ipv6")]
    V6((u16, u16, u16, u16, u16, u16, u16, u16)),
}

/// `line-framing` of `wit/stream.wit`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
enum LineFraming {
    #[component(name = "lf")]
    Lf,
    #[component(name = "crlf")]
    Crlf,
    #[component(name = "nul")]
    Nul,
    #[component(name = "octet")]
    Octet,
    #[component(name = "auto")]
    Auto,
}

/// Links `stream`.
pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    let mut stream = linker.instance("linemill:filter/stream@0.1.1")?;
    stream.func_wrap("connection", |mut store, ()| {
        Ok((current(&mut store)?.origin.connection,))
    })?;
    stream.func_wrap("direction", |mut store, ()| {
        let reply = current(&mut store)?.origin.reply;
        Ok((if reply { Flow::Reply } else { Flow::Request },))
    })?;
    stream.func_wrap("listener", |mut store, ()| {
        Ok((current(&mut store)?.origin.listener.clone(),))
    })?;
    stream.func_wrap("peer", |mut store, ()| {
        let peer = current(&mut store)?.origin.peer;
        let peer = peer.map(|peer| Address {
            ip: peer.ip().into(),
            port: peer.port(),
        });
        Ok((peer,))
    })?;
    stream.func_wrap("server-name", |mut store, ()| {
        let tls = current(&mut store)?.origin.tls.as_ref();
        Ok((tls.and_then(|tls| tls.server.clone()),))
    })?;
    stream.func_wrap("client-name", |mut store, ()| {
        let tls = current(&mut store)?.origin.tls.as_ref();
        Ok((tls.and_then(|tls| tls.client.clone()),))
    })?;
    stream.func_wrap("framing", |mut store, ()| {
        Ok((LineFraming::from(current(&mut store)?.framing),))
    })
}

impl From<IpAddr> for IpAddress {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.octets().into()),
            IpAddr::V6(ip) => Self::V6(ip.segments().into()),
        }
    }
}

impl From<Framing> for LineFraming {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Lf => Self::Lf,
            Framing::Crlf => Self::Crlf,
            Framing::Nul => Self::Nul,
            Framing::Octet => Self::Octet,
            Framing::Auto => Self::Auto,
        }
    }
}

/// The stream of the current call, which the call to the import is counted for.
fn current<'a>(store: &'a mut StoreContextMut<'_, HostState>) -> wasmtime::Result<&'a Current> {
    let state = store.data_mut();
    state.calls_import()?;
    state
        .stream
        .as_deref()
        .ok_or_else(|| ImportTrap("it asked for its stream in a call that has none".into()).into())
}
