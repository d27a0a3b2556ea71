//! `stream`: what a guest may know of the stream whose lines it judges.
//!
//! In: the stream of the current call. Out: the functions of `wit/stream.wit`. Outside a call that has
//! a stream, each of them is a trap.
//! Not here: how the host learns these things (`Origin`).

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower};

use super::{HostState, ImportTrap};
use crate::origin::Origin;
use linemill_config::Keyword as _;
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
#[derive(Debug, ComponentType, Lower)]
#[component(record)]
struct Address {
    ip: String,
    port: u16,
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
            ip: peer.ip().to_canonical().to_string(),
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
        Ok((current(&mut store)?.framing.keyword(),))
    })
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
