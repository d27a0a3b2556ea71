//! Where lines go.

use std::path::PathBuf;

use crate::host_port::HostPort;

/// Where lines go after the chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Back to the client.
    Reply,
    /// The host's standard output.
    Stdout,
    /// `tcp://HOST:PORT`.
    Tcp(HostPort),
    /// `tls://HOST:PORT`.
    Tls(HostPort),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `file:PATH`.
    File(PathBuf),
    /// A list of upstreams: lines go to the first that is up.
    FailOver(FailOver),
}

/// Upstreams in order of preference: two or more, all different.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FailOver(Vec<Destination>);

/// Why a list of destinations is not a list of upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFailOver {
    /// The position of the entry that is wrong; `None` if there is no entry.
    pub entry: Option<usize>,
    /// What is wrong with it.
    pub fault: &'static str,
    /// What would be right.
    pub hint: &'static str,
}

impl Destination {
    /// The destination that has these upstreams, in order of preference. One upstream is itself.
    ///
    /// # Errors
    /// The first entry that is not an upstream, or that is in the list twice.
    pub fn fail_over(mut list: Vec<Self>) -> Result<Self, NotFailOver> {
        let wrong = |entry, fault, hint| NotFailOver { entry, fault, hint };
        for (index, entry) in list.iter().enumerate() {
            if !entry.is_socket() {
                let hint = "an entry of a list is \"tcp://HOST:PORT\", \"tls://HOST:PORT\" or \"unix:PATH\"; for copies, use `tee`";
                return Err(wrong(Some(index), "is not an upstream", hint));
            }
            if list[..index].contains(entry) {
                return Err(wrong(Some(index), "is in the list already", "leave it out"));
            }
        }
        match list.pop() {
            Some(only) if list.is_empty() => Ok(only),
            Some(last) => {
                list.push(last);
                Ok(Self::FailOver(FailOver(list)))
            }
            None => {
                let hint =
                    "name at least one upstream, such as [\"tcp://HOST:PORT\"], or leave this out";
                Err(wrong(None, "is empty", hint))
            }
        }
    }

    /// The upstreams that it has, in order of preference: none if it is not one, and none but itself if
    /// it is not a list.
    pub fn upstreams(&self) -> &[Self] {
        match self {
            Self::Reply | Self::Stdout | Self::File(_) => &[],
            Self::Tcp(_) | Self::Tls(_) | Self::Unix(_) => std::slice::from_ref(self),
            Self::FailOver(FailOver(list)) => list,
        }
    }

    /// Whether the destination is an upstream, or several: a server that can answer, over a connection
    /// that can be shared.
    pub fn is_socket(&self) -> bool {
        !self.upstreams().is_empty()
    }

    /// Whether it has an upstream that speaks TLS.
    pub fn has_tls(&self) -> bool {
        self.upstreams()
            .iter()
            .any(|one| matches!(one, Self::Tls(_)))
    }
}
