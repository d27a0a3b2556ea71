//! What lines cost inside the host: framing, the boundary to a guest, chains of filters.
//!
//! In: generated lines, 64 KiB at a time as from a busy connection, and single lines. Out: seconds,
//! measured by criterion. With the arguments `count CASE TIMES INPUTS`, the program only does that
//! work, so that its instructions can be counted (`cargo xtask count`); `count` alone lists the
//! cases. Not here: sockets, and other programs (`linemill-bench`).

mod case;
mod framing;
mod guests;
mod text;

use std::env;

use anyhow::{Context as _, bail};
use case::Ready;
use criterion::Criterion;

/// The name of a case, and the function that prepares it.
type Case = (&'static str, fn() -> Ready);

/// All cases.
const CASES: [Case; 10] = [
    ("framing/lf-16", || framing::lf(16)),
    ("framing/lf-80", || framing::lf(80)),
    ("framing/lf-1024", || framing::lf(1024)),
    ("framing/octet-80", || framing::octet(80)),
    // What a call costs, whatever is in it.
    ("boundary/rot13-1-line", || {
        guests::rot13(1, text::lines(80, 1))
    }),
    // What lines cost a call.
    ("boundary/rot13-16", || guests::rot13(1, text::block(16))),
    ("boundary/redact", || guests::redact(text::log())),
    ("chain/1-rot13", || guests::rot13(1, text::block(80))),
    ("chain/2-rot13", || guests::rot13(2, text::block(80))),
    ("chain/4-rot13", || guests::rot13(4, text::block(80))),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["count"] => {
            for (name, _) in CASES {
                println!("{name}");
            }
        }
        ["count", name, times, inputs] => {
            let number = |text: &str| text.parse().context("TIMES and INPUTS are numbers");
            let (times, inputs) = (number(times)?, number(inputs)?);
            let Some((_, make)) = CASES.iter().find(|(case, _)| *case == name) else {
                bail!("no case {name}: `count` alone names them");
            };
            make()?.repeat(times, inputs);
        }
        _ => {
            let mut criterion = Criterion::default().configure_from_args();
            for (name, make) in CASES {
                make()?.time(name, &mut criterion);
            }
            criterion.final_summary();
        }
    }
    Ok(())
}
