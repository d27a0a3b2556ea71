//! Shortage of memory for compiling and mapping plugins, which is not a fault of the plugin.
//!
//! In: an error of the system or of wasmtime. Out: whether the system refused memory, and what limits
//! it. Not here: memory of guests, which `memory` of a filter limits.

use std::io;

/// The beginning of the reason of a fault that is a shortage.
pub(crate) const REASON: &str = "the system refused memory to the host";

/// What to do when the system refuses memory.
pub(crate) fn hint() -> String {
    let mut hints = Vec::new();
    if let Some(limit) = address_space() {
        hints.push(format!(
            "the limit on address space (`ulimit -v`, `LimitAS=` of systemd) is {} MiB, and each \
             instance of a filter reserves more than 4 GiB: remove that limit, and limit memory by \
             `MemoryMax=` or a container",
            limit >> 20
        ));
    }
    if let Some(limit) = file_size() {
        hints.push(format!(
            "the limit on the size of files (`ulimit -f`, `LimitFSIZE=`) is {} KiB, and applies to the \
             initial memory of a filter, too: raise it",
            limit >> 10
        ));
    }
    if hints.is_empty() {
        hints.push(
            "check free memory, `vm.overcommit_memory`, `vm.max_map_count`, and limits of the container"
                .to_owned(),
        );
    }
    hints.join("; ")
}

/// The limit on the address space of this process, in bytes, if there is one.
#[cfg(unix)]
pub(crate) fn address_space() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::As).current
}

#[cfg(not(unix))]
pub(crate) fn address_space() -> Option<u64> {
    None
}

/// The limit on the size of files, in bytes, if there is one.
#[cfg(unix)]
fn file_size() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Fsize).current
}

#[cfg(not(unix))]
fn file_size() -> Option<u64> {
    None
}

/// Whether an error says that the system refused memory.
pub(crate) fn is_one(error: &wasmtime::Error) -> bool {
    let refused = |error: &io::Error| {
        let kinds = [io::ErrorKind::OutOfMemory, io::ErrorKind::FileTooLarge];
        kinds.contains(&error.kind())
    };
    error.is::<wasmtime::error::OutOfMemory>()
        || error.chain().any(|cause| {
            let system = cause.downcast_ref::<io::Error>();
            system.is_some_and(refused) || is_no_memory(cause)
        })
}

#[cfg(unix)]
fn is_no_memory(cause: &(dyn std::error::Error + 'static)) -> bool {
    use rustix::io::Errno;
    let refused = |error: &Errno| [Errno::NOMEM, Errno::FBIG].contains(error);
    cause.downcast_ref().is_some_and(refused)
}

#[cfg(not(unix))]
fn is_no_memory(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}
