//! The bench: the real host under load, beside peers that do the same work.
//!
//! In: a release build of `linemill`. Out: a table. Every byte that comes back is compared with
//! what is due; when one is wrong there is no table. Server and client share this machine, so
//! numbers mean something only beside those of a peer in the same run.

mod codec;
#[cfg(unix)]
mod contain;
mod document;
mod filtered;
mod filters;
mod idle;
mod job;
mod latency;
mod listen;
mod load;
mod matrix;
mod native;
mod openloop;
mod others;
mod pattern;
mod peer;
mod ping;
mod rates;
mod ready;
mod report;
mod rounds;
mod saturate;
mod schedule;
mod secure;
mod session;
#[cfg(unix)]
mod soak;
mod spread;
mod start;
mod stuck;
#[cfg(unix)]
mod swap;
mod throughput;
mod whole;

use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};

use document::Part;

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
    /// Latency of lines that are offered at a fixed rate, coordinated omission accounted for
    Latency(latency::Latency),
    /// Throughput over line lengths, numbers of connections and lengths of chains
    Matrix(matrix::Matrix),
    /// Throughput of redact, grep and json on the logs of the examples
    Filters(filters::Filters),
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
    /// Measure all that is in the report, and write it: a page, plots, and the results as JSON
    Report(whole::Report),
    /// Hostile filters, and what they cost everybody else: fails when a limit is not held
    #[cfg(unix)]
    Contain(contain::Contain),
    /// The peer `native`: a server of its own
    #[command(hide = true)]
    Native(native::Native),
    /// The peer `codec`: a server of its own
    #[command(hide = true)]
    Codec(codec::Codec),
    /// The peer of real filters: a server of its own
    #[command(hide = true)]
    Filtered(filtered::Filtered),
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Load(load) => load.run(),
        What::Ping(ping) => ping.run(),
        What::Latency(latency) => latency.run(),
        What::Matrix(matrix) => matrix.run(),
        What::Filters(filters) => filters.run(),
        What::Memory(idle) => idle.run(),
        What::Tls(secure) => secure.run(),
        What::Stuck(stuck) => stuck.run(),
        What::Start(start) => start.run(),
        What::Rates(rates) => rates.run(),
        #[cfg(unix)]
        What::Swap(swap) => swap.run(),
        #[cfg(unix)]
        What::Soak(soak) => soak.run(),
        #[cfg(unix)]
        What::Contain(contain) => contain.run(),
        What::Native(native) => native.run(),
        What::Report(report) => report.run(),
        What::Codec(codec) => codec.run(),
        What::Filtered(filtered) => filtered.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The tables of a measurement that a report can have, by their names there: what is measured when
/// these arguments follow `linemill-bench`.
fn parts(arguments: &[String]) -> anyhow::Result<Vec<(String, Part)>> {
    let program = "linemill-bench".to_owned();
    let cli = Cli::try_parse_from([&program].into_iter().chain(arguments))?;
    let (name, part) = match &cli.what {
        What::Load(load) => ("load", load.part(&load.measure()?)),
        What::Ping(ping) => ("ping", ping.measure()?),
        What::Latency(latency) => ("latency", latency.measure()?),
        What::Matrix(matrix) => return matrix.measure(),
        What::Filters(filters) => ("filters", filters.measure()?),
        What::Tls(secure) => ("tls", secure.part(&secure.measure()?)),
        What::Memory(idle) if idle.is_tls() => ("memory-tls", idle.measure()?.0),
        What::Memory(idle) => ("memory", idle.measure()?.0),
        _ => bail!("{arguments:?} has no table for a report"),
    };
    Ok(vec![(name.to_owned(), part)])
}
