//! A running host: `linemill serve` as a child process with a configuration of its own.
//!
//! In: the text of a configuration, whose addresses have port 0. Out: where the host listens; its
//! output, metrics, memory and exit status ([`observe`]); results of reloads ([`reload`]); a host
//! with one filter under test ([`filtering`]). Dropping it kills the process.
//! Not here: verbs that end by themselves (`binary`).

mod filtering;
mod observe;
mod reload;

use std::mem;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls::ClientConfig;

pub use reload::{Outcome, Reload};

use crate::output::Output;
use crate::{Client, Folder, command};

/// Name of the configuration file in the host's folder.
const CONFIG: &str = "linemill.toml";

/// A host under test.
#[derive(Debug)]
pub struct Host {
    child: Child,
    folder: Folder,
    stdout: Output,
    stderr: Output,
}

impl Host {
    /// Starts a host with one listener that has these further keys. Its chain is `rot13` unless
    /// they set another.
    pub fn with(listener: &str) -> Self {
        Self::serve(Self::config(listener, ""))
    }

    /// A configuration with an admin address and the listener `test`. `listener` are further keys of
    /// the listener, `filters` further tables.
    pub fn config(listener: &str, filters: &str) -> String {
        let chain = if listener.contains("chain =") {
            ""
        } else {
            "chain = [\"rot13\"]"
        };
        let rot13 = if filters.contains("[filter.rot13]") {
            ""
        } else {
            "[filter.rot13]\nplugin = \"rot13\""
        };
        format!(
            "[host]\nadmin = \"127.0.0.1:0\"\n\n[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\n\
             {chain}\n{listener}\n\n{rot13}\n\n{filters}\n"
        )
    }

    /// Starts a host with this configuration, in a folder of its own.
    pub fn serve(config: impl AsRef<str>) -> Self {
        Self::serve_in(Folder::new(), config)
    }

    /// Starts a host with this configuration in `folder`, which may already contain its plugins.
    pub fn serve_in(folder: Folder, config: impl AsRef<str>) -> Self {
        folder.write(CONFIG, config.as_ref());
        Self::spawn(folder, &["serve", "--config", CONFIG])
    }

    /// Starts a host that may have at most `most` descriptors open.
    #[cfg(unix)]
    pub fn serve_with_descriptors(most: u32, config: impl AsRef<str>) -> Self {
        let folder = Folder::new();
        folder.write(CONFIG, config.as_ref());
        Self::spawn_by_shell(
            folder,
            &format!("ulimit -n {most}; exec \"$0\" serve --config {CONFIG}"),
            Stdio::null(),
        )
    }

    /// Starts a host with this number of worker threads.
    #[cfg(unix)]
    pub fn serve_on_workers(workers: usize, folder: Folder, config: impl AsRef<str>) -> Self {
        folder.write(CONFIG, config.as_ref());
        Self::spawn_by_shell(
            folder,
            &format!("TOKIO_WORKER_THREADS={workers} exec \"$0\" serve --config {CONFIG}"),
            Stdio::null(),
        )
    }

    /// Starts a host by a line of shell in which `$0` is the binary, with this standard input.
    #[cfg(unix)]
    pub fn spawn_by_shell(folder: Folder, line: &str, stdin: Stdio) -> Self {
        let binary = command(folder.path()).get_program().to_owned();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .arg(binary)
            .current_dir(folder.path())
            .env_remove("RUST_LOG")
            .env("LINEMILL_CACHE", crate::binary::cache())
            .env("NO_COLOR", "1")
            .stdin(stdin);
        crate::binary::keep_tokens_in(folder.path(), &mut command);
        Self::start(folder, command)
    }

    /// Starts the binary with these arguments in `folder`.
    pub fn spawn(folder: Folder, args: &[&str]) -> Self {
        let mut command = command(folder.path());
        command.args(args).stdin(Stdio::null());
        Self::start(folder, command)
    }

    fn start(folder: Folder, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdout = Output::collect(child.stdout.take().expect("standard output is piped"));
        let stderr = Output::collect(child.stderr.take().expect("standard error is piped"));
        Self {
            child,
            folder,
            stdout,
            stderr,
        }
    }

    /// Kills the host with SIGKILL, and starts another in the same folder.
    pub fn kill_and_start(mut self) -> Self {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
        Self::spawn(mem::take(&mut self.folder), &["serve", "--config", CONFIG])
    }

    /// Its working directory.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The address of the first listener.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.listener(0)
    }

    /// The address of the listener that was announced after `nth` others.
    #[track_caller]
    pub fn listener(&self, nth: usize) -> SocketAddr {
        parse(&self.stderr.line("listening on ", nth))
    }

    /// Waits until `nth` + 1 listeners have been announced; returns the address in the last announcement
    /// as text.
    #[track_caller]
    pub fn announced(&self, nth: usize) -> String {
        self.stderr.line("listening on ", nth)
    }

    /// The admin address.
    #[track_caller]
    pub fn admin(&self) -> SocketAddr {
        parse(&self.stderr.line("admin listening on ", 0))
    }

    /// The file with the token that the host has left for verbs of its user.
    #[track_caller]
    pub fn token_file(&self) -> PathBuf {
        let name = format!("linemill/{}.token", self.admin());
        self.folder.path().join(name)
    }

    /// A new connection to the first listener.
    #[track_caller]
    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A new connection to the first listener, which is a Unix socket at `path`.
    #[track_caller]
    pub fn connect_unix(&self, path: &Path) -> Client {
        self.announced(0);
        Client::connect_unix(path)
    }

    /// A new TLS connection to the first listener.
    #[track_caller]
    pub fn connect_tls(&self, config: &Arc<ClientConfig>) -> Client {
        Client::connect_tls(self.address(), config).expect("a handshake")
    }

    /// Replaces the configuration by renaming a new file over it.
    pub fn replace_config(&self, config: impl AsRef<str>) {
        self.folder.replace(CONFIG, config.as_ref());
    }

    /// Overwrites the configuration in place.
    pub fn write_config(&self, config: impl AsRef<str>) {
        self.folder.write(CONFIG, config.as_ref());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("standard error of the host:\n{}", self.stderr());
        }
    }
}

#[track_caller]
fn parse(address: &str) -> SocketAddr {
    address.trim().parse().expect("an address follows")
}
