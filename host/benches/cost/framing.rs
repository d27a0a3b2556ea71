//! Finding the lines of a block, and cutting it there.

use anyhow::ensure;
use linemill_framing::Framer;
use linemill_framing::{Framing, LineSettings};

use super::case::{Ready, Work};
use super::text;

/// Lines of `length` bytes before their LF.
pub(crate) fn lf(length: usize) -> Ready {
    framing(Framing::Lf, text::block(length))
}

/// Frames of `length` bytes behind their length.
pub(crate) fn octet(length: usize) -> Ready {
    let frame = [format!("{length} ").as_bytes(), &text::content(length)].concat();
    framing(Framing::Octet, frame.repeat(text::BLOCK / frame.len()))
}

fn framing(framing: Framing, block: Vec<u8>) -> Ready {
    let settings = LineSettings {
        framing,
        ..LineSettings::default()
    };
    let mut framer = Framer::new(settings);
    ensure!(
        !framer.frame(block.clone()).is_empty() && !framer.has_partial(),
        "the block is not made of whole lines"
    );
    Ok(Box::new(Work {
        bytes: block.len(),
        input: block,
        run: move |block| framer.frame(block),
    }))
}
