//! The bench: the real host under load, beside peers that do the same work.
//!
//! In: a release build of `linemill`. Out: a table. Every byte that comes back is compared with
//! what is due; when one is wrong there is no table. Server and client share this machine, so
//! numbers mean something only beside those of a peer in the same run.

mod codec;
mod idle;
mod load;
mod native;
mod others;
mod pattern;
mod peer;
mod ping;
mod rates;
mod report;
mod rounds;
mod secure;
mod session;
#[cfg(unix)]
mod soak;
mod start;
mod stuck;
#[cfg(unix)]
mod swap;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures linemill beside peers that do the same.
#[derive(Debug, Parser)]
#[command(name = "linemill-bench", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Throughput of saturated connections: lines a second, and the ratio to the first peer
    Load(load::Load),
    /// Latency of one line at a time
    Ping(ping::Ping),
    /// Memory of idle connections that have sent one line each
    Memory(idle::Idle),
    /// Throughput over TLS, beside an echo that does no more than rustls does
    Tls(secure::Secure),
    /// Memory while connections never read what comes back; a paused reader gets all of it
    Stuck(stuck::Stuck),
    /// From starting `linemill serve` to its first answered line
    Start(start::Start),
    /// How near rates are held: thirty connections, and all of them together
    Rates(rates::Rates),
    /// Latency and gaps while chains are swapped, beside those of the same connections in between
    #[cfg(unix)]
    Swap(swap::Swap),
    /// Swaps under many connections, every line judged: fails when one is not right or too late
    #[cfg(unix)]
    Soak(soak::Whole),
    /// The peer `native`: a server of its own
    #[command(hide = true)]
    Native(native::Native),
    /// The peer `codec`: a server of its own
    #[command(hide = true)]
    Codec(codec::Codec),
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Load(load) => load.run(),
        What::Ping(ping) => ping.run(),
        What::Memory(idle) => idle.run(),
        What::Tls(secure) => secure.run(),
        What::Stuck(stuck) => stuck.run(),
        What::Start(start) => start.run(),
        What::Rates(rates) => rates.run(),
        #[cfg(unix)]
        What::Swap(swap) => swap.run(),
        #[cfg(unix)]
        What::Soak(soak) => soak.run(),
        What::Native(native) => native.run(),
        What::Codec(codec) => codec.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
