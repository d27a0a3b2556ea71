//! The limit on the size of files, `RLIMIT_FSIZE`.
//!
//! In: nothing. Out: a process that survives the limit. By default a write beyond it ends the process,
//! by SIGXFSZ. With the signal ignored, the write fails with EFBIG, and is treated as one to a full disk.

/// Lets writes beyond the limit fail. Programs that this process starts inherit this.
#[cfg(unix)]
pub fn survive() {
    #[expect(unsafe_code, reason = "no safe function ignores a signal")]
    // SAFETY: ignoring a signal runs no code in a handler, and nothing else in this process has an
    // action for it.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// There is no such limit.
#[cfg(not(unix))]
pub fn survive() {}
