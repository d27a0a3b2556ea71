//! Writes random code to standard output, to test the loader of plugins.
//!
//! In: `SEED FIRST COUNT`. Out: COUNT pieces, numbered from FIRST. A piece is one byte for its kind,
//! four bytes for its length (little-endian), and its content. The same seed and number always give
//! the same piece, so a piece that causes a failure can be reproduced.
//! Not here: loading the pieces (`host/sandbox/src/smith_tests.rs`).

mod filter;
mod kind;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use filter::Filters;
use kind::Kind;

/// Random bytes per piece.
const BYTES: usize = 4096;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        // The reader stopped reading, which is not an error.
        Err(error) if error.downcast_ref().is_some_and(is_broken_pipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

fn write() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed: Result<Vec<u64>, _> = arguments
        .iter()
        .map(|argument| argument.parse::<u64>())
        .collect();
    let [seed, first, count] = parsed
        .ok()
        .and_then(|numbers| numbers.try_into().ok())
        .context("usage: linemill-smith SEED FIRST COUNT")?;
    let filters = Filters::new()?;
    let mut out = BufWriter::new(io::stdout().lock());
    for number in (first..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let bytes = random(seed, number);
        let kind = Kind::of(bytes[0]);
        let piece = kind.piece(&bytes[1..], &filters)?;
        out.write_all(&[kind.letter()])?;
        out.write_all(&u32::try_from(piece.len())?.to_le_bytes())?;
        out.write_all(&piece)?;
    }
    Ok(out.flush()?)
}

/// Random bytes from a seed and a number, by SplitMix64.
fn random(seed: u64, number: u64) -> [u8; BYTES] {
    let mut state = seed ^ number.wrapping_mul(0xd134_2543_de82_ef95);
    let mut bytes = [0; BYTES];
    for chunk in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes
}
