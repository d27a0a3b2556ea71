//! File descriptors: how many the process may have, and how many of them clients may use.
//!
//! In: a socket just accepted. Out: whether so many descriptors are in use that the last ones are left,
//! which are for the admin address, for reloads and for files.
//!
//! A new descriptor always has the lowest number that is free (POSIX.1-2017, XSH 2.14), so its number says
//! how many are in use at least, without counting. Not here: what happens to a client without one
//! (`listeners`).
//!
//! Unix only: elsewhere there is no limit to speak of.

use super::transport::Plain;

/// Raises the soft limit on open files to the hard one: each connection needs a descriptor, and the soft
/// limit is often 1,024 for the sake of `select`.
pub fn raise_limit() {
    #[cfg(unix)]
    unix::raise_limit();
}

/// Whether only the descriptors that clients may not use are left for `client`.
pub fn are_short_for(client: &Plain) -> bool {
    #[cfg(unix)]
    return unix::are_short_for(client);
    #[cfg(not(unix))]
    {
        let _ = client;
        false
    }
}

/// Whether only the descriptors that clients may not use are left.
pub fn are_short() -> bool {
    #[cfg(unix)]
    return unix::are_short();
    #[cfg(not(unix))]
    false
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::os::fd::{AsFd, AsRawFd as _};

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::Plain;

    /// How many descriptors clients may not use. The admin address takes up to 96; a reload needs some for
    /// each plugin that it compiles, and for new sockets and files.
    const RESERVE: u64 = 192;
    /// With a low limit, this fraction of it.
    const PART: u64 = 4;

    pub(super) fn raise_limit() {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit on open files stays as it is");
        }
    }

    pub(super) fn are_short_for(client: &Plain) -> bool {
        // Only a socket with a high number needs a closer look: it may have been there for a while.
        is_reserved(&client.as_fd()) && are_short()
    }

    pub(super) fn are_short() -> bool {
        match File::open("/dev/null") {
            Ok(file) => is_reserved(&file),
            Err(_) => true,
        }
    }

    fn is_reserved(descriptor: &impl AsFd) -> bool {
        let number = u64::try_from(descriptor.as_fd().as_raw_fd()).unwrap_or(0);
        let limit = getrlimit(Resource::Nofile).current;
        limit.is_some_and(|limit| number >= first_reserved(limit))
    }

    fn first_reserved(limit: u64) -> u64 {
        limit - (limit / PART).min(RESERVE)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn clients_get_most_descriptors() {
            for (limit, first) in [
                (64, 48),
                (256, 192),
                (1024, 832),
                (1 << 20, (1 << 20) - 192),
            ] {
                assert_eq!(first_reserved(limit), first);
            }
        }
    }
}
