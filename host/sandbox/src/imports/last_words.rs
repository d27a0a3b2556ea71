//! Last words: why a guest traps, in its own words.
//!
//! In: a reason from a guest that is about to trap. Out: the trap, an error with that reason.
//! Not here: where the reason is shown (`instance::fault`).

use wasmtime::component::{Linker, WasmList};

use super::{HostState, ImportTrap};
use linemill_config::printable;

/// As much of a reason as is looked at, in bytes.
const MOST: usize = 1024;

/// Links `last-words`, which every guest may import.
pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    let mut last_words = linker.instance("linemill:filter/last-words@0.1.1")?;
    last_words.func_wrap("trap", |store, (reason,): (WasmList<u8>,)| {
        let reason = reason.as_le_slice(&store);
        let reason = &reason[..reason.len().min(MOST)];
        let reason = match reason {
            [] => "it gave no reason".to_owned(),
            reason => printable(reason),
        };
        Err::<(), _>(ImportTrap(reason).into())
    })
}
