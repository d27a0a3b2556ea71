//! Table `[host]`.

use std::path::PathBuf;
use std::time::Duration;

use super::{Address, AdminName, CompileLimits, LogSettings, Rollback, Token, Watch};
use crate::keys::keys;
use crate::kind::{
    AdminAddress, AdminNames, AutoSize, Choice, File, Files, Flag, HOUR, Nested, Optional, Secret,
    Size, Time,
};
use crate::problem::place::Places;
use crate::validate::rollback;

/// Least memory budget: what the process itself needs, and a little more.
const MEMORY: u64 = 64 << 20;
/// Largest memory budget: more than any machine has.
const MEMORY_MOST: u64 = 1 << 50;

keys! {
    /// Table `[host]`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HostSettings: "`[host]`" {
        /// The admin address. Serves `/metrics`, `/healthz`, `/readyz`, `/status`, `/log`, `/config`,
        /// `/trials` and `/tap`, and accepts `POST` to `/reload`, `/rollback`, `/promote` and `/log`. A Unix socket is
        /// accessible to the host's user only. An address other than loopback or `unix:PATH`
        /// requires `admin_token`.
        admin: Option<Address> = None,
            Optional(AdminAddress, "off"), Live, default "off",
            sample "or \"unix:PATH\"; serves metrics and status, takes reloads",
            example "\"127.0.0.1:9713\"";
        /// The token that requests must carry as `Authorization: Bearer TOKEN`. `/healthz` and
        /// `/readyz` need none. Verbs that query a host read the token from the environment
        /// variable `LINEMILL_ADMIN_TOKEN`. On TCP, `/config`, `/trials` and `/tap` need a token even if
        /// none is configured: the host generates one for verbs that its own user runs, see [The
        /// admin address](guide.md#the-admin-address). The admin address speaks plain HTTP, so put a TLS
        /// proxy in front of it on untrusted networks.
        admin_token: Option<Token> = None,
            Optional(Secret, "none"), Live, default "none",
            sample "required if other machines can reach admin",
            example "\"0123456789abcdef0123456789abcdef\"";
        // Only with `admin`.
        /// Names by which requests without a token may call a TCP admin address in `Host`, besides
        /// IP addresses and `localhost`. Others are refused with status 421, because a web page can
        /// make its own name lead to this machine. Requests with a valid token, `/healthz` and
        /// `/readyz` may use any name.
        admin_names: Vec<AdminName> = Vec::new(), AdminNames, Live,
            sample "names of the admin address in requests without a token",
            example "[\"admin.example.org\"]";
        /// Whether clients of the admin address that have a token may see lines at the stages of chains;
        /// see [Tap](guide.md#tap). `false` also ends the taps that are open.
        tap: bool = true, Flag, Live,
            sample "if false, linemill tap shows nothing";
        // If empty, names refer to bundled plugins only.
        /// Folders in which a bare plugin name is looked up as `NAME.wasm`, before the bundled
        /// plugins. A missing folder counts as empty. Without a configuration file, no folder is
        /// searched.
        plugins: Vec<PathBuf> = vec![PathBuf::from("plugins")],
            Files, Live, sample "folders searched for NAME.wasm before the bundled plugins";
        /// How the host notices that the configuration, or a file that it names, has changed. `auto`: by
        /// events of the system, and by looking at the files every 1.5 seconds, because some file
        /// systems report no changes. `poll`: by looking at the files only. `off`: not at all; files are
        /// read at SIGHUP and `linemill reload`. See [What triggers a
        /// reload](swap.md#what-triggers-a-reload).
        watch: Watch = Watch::Auto, Choice, Live,
            sample "or \"poll\", for file systems without events; \"off\": reload on request only";
        /// Grace period: how long connections may take to finish after the host is told to stop, or
        /// after their listener is removed; see [Stopping](guide.md#stopping).
        drain: Duration = Duration::from_secs(10), Time(Duration::ZERO, HOUR), Live,
            sample "grace period for connections after SIGTERM";
        /// How long the host still accepts connections after it is told to stop, while `/readyz`
        /// already answers 503. Gives load balancers time to notice. The grace period begins
        /// afterwards.
        drain_delay: Duration = Duration::ZERO, Time(Duration::ZERO, HOUR), Live,
            sample "how long connections are still accepted after SIGTERM, while /readyz says 503";
        /// What is written to standard error, and how. The environment variable `LINEMILL_LOG` overrides
        /// `level` when the host starts; see [The log](guide.md#the-log).
        log: LogSettings = LogSettings::default(),
            Nested::new("write log = { format = \"text\", level = \"info\" }, or a part of it"), Live,
            sample "format: or \"json\"; level: off, error, warn, info, debug, trace";
        /// Folder for [trap capsules](#trap-capsules). Capsules contain payload.
        capsules: Option<PathBuf> = None, Optional(File, "off"), Live, default "off",
            sample "folder for lines on which a filter traps",
            example "\"capsules\"";
        /// Rolls back automatically if a filter of a chain that the last swap changed fails, or drops,
        /// too many lines; see [`rollback`](#rollback).
        rollback: Option<Rollback> = None, Optional(
                Nested::new("write rollback = { share = \"5%\", window = \"30s\" }, or dropped = \"50%\" in it")
                    .rules(rollback::rollback),
                "off",
            ), Live, default "off",
            sample "undo a swap if a filter of a changed chain fails more",
            example "{ share = \"5%\", dropped = \"50%\", window = \"30s\" }";
        /// Memory of the host: for connections, lines, queues, guests and compiled plugins together.
        /// `"auto"` is 80 % of the memory that the control group of the process allows, or of the
        /// machine's memory if that is less; the rest is left to the kernel and to other programs. When
        /// it is used up, new connections are refused, guests get no more memory, and long lines and
        /// queues wait; see [Memory](guide.md#memory).
        memory: Option<u64> = None, AutoSize(Size(MEMORY, MEMORY_MOST)), Live,
            sample "for everything together; auto: 80 % of what the system allows";
        /// Stack of one guest. A guest that needs more fails with `kind="stack"`. All filters share
        /// one engine, so the value cannot be set per filter.
        stack: usize = 512 << 10, Size(64 << 10, 64 << 20), Restart,
            sample "stack of one guest; changing it requires a restart";
        /// Limits of the process that compiles a plugin.
        compile: CompileLimits = CompileLimits::default(),
            Nested::new("write compile = { time = \"20s\", memory = \"2GiB\" }, or a part of it"),
            Live, default "see [below](#compile)",
            sample "limits of the process that compiles a plugin";
    }
    no key {
        /// The places of the keys in the file.
        places: Places = Places::default();
    }
}
