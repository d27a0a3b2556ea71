//! What an engine here does, and the way of those that are called once a line.

use memchr::memchr_iter;

/// Hosts ROT13.
pub(crate) trait Engine {
    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// What the guest is given in one call: what is usual with the engine.
    fn call(&self) -> &'static str {
        LINE
    }

    /// Turns a block of whole lines, each ended by LF, as a server that has just read it would:
    /// finds the lines, filters them, and returns the bytes to write.
    ///
    /// # Errors
    /// When the guest fails, which ends the run.
    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>>;
}

/// A call has one line.
const LINE: &str = "a line";
/// A call has all lines of a block.
pub(crate) const BLOCK: &str = "a block";

/// The lines of a block, their LF left out.
pub(crate) fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', block).map(move |end| {
        let line = &block[start..end];
        start = end + 1;
        line
    })
}

/// Calls `turn` with each line of a block and room for what it makes of it.
///
/// # Errors
/// The first of `turn`.
pub(crate) fn each_line<E>(
    block: &[u8],
    mut turn: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut output = Vec::with_capacity(block.len());
    for line in lines(block) {
        turn(line, &mut output)?;
        output.push(b'\n');
    }
    Ok(output)
}

/// wasmtime's errors have a type of their own.
pub(crate) fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into())
}
