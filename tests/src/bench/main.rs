//! The bench: the real host under load, compared with peers that do the same work.
//!
//! In: a release build of `linemill`. Out: a table. Every byte that comes back is compared with the
//! expected one; if one is wrong, no table is printed. Server and client share this machine, so
//! compare figures only with those of a peer in the same run.

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
#[cfg(unix)]
mod receive;
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

/// Measures linemill and peers that do the same work.
#[derive(Debug, Parser)]
#[command(name = "linemill-bench", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Throughput of saturated connections: lines per second, and the ratio to the first peer
    Load(load::Load),
    /// Latency of one line at a time
    Ping(ping::Ping),
    /// Latency of lines that are offered at a fixed rate, without coordinated omission
    Latency(latency::Latency),
    /// Throughput by line length, number of connections and length of the chain
    Matrix(matrix::Matrix),
    /// Throughput of redact, grep and json on the logs of the examples
    Filters(filters::Filters),
    /// Memory of idle connections that have sent one line each
    Memory(idle::Idle),
    /// Throughput over TLS, compared with an echo that uses rustls alone
    Tls(secure::Secure),
    /// Memory while connections never read; and whether a paused reader receives everything
    Stuck(stuck::Stuck),
    /// Time from starting `linemill serve` to its first answered line
    Start(start::Start),
    /// How exactly rate limits are kept, per connection and in total
    Rates(rates::Rates),
    /// Latency and gaps while chains are swapped, compared with the same connections without swaps
    #[cfg(unix)]
    Swap(swap::Swap),
    /// Swaps under many connections; fails when a line is wrong or late
    #[cfg(unix)]
    Soak(soak::Whole),
    /// Measure everything in the report, and write it: a page, plots, and the results as JSON
    Report(whole::Report),
    /// Hostile filters, and what they cost others; fails when a limit is exceeded
    #[cfg(unix)]
    Contain(contain::Contain),
    /// Run the peer `native`
    #[command(hide = true)]
    Native(native::Native),
    /// Run the peer `codec`
    #[command(hide = true)]
    Codec(codec::Codec),
    /// Run the peer of real filters
    #[command(hide = true)]
    Filtered(filtered::Filtered),
    /// Run the upstream that outages strike
    #[cfg(unix)]
    #[command(hide = true)]
    Receive(receive::Receive),
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
        #[cfg(unix)]
        What::Receive(receive) => receive.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measurement that these arguments of `linemill-bench` select. Returns its tables for the
/// report, by their names there.
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
        _ => bail!("{arguments:?} yields no table for a report"),
    };
    Ok(vec![(name.to_owned(), part)])
}
