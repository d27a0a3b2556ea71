//! Fuzz targets: any bytes into a part that takes bytes from others, and what must hold of what
//! comes out.
//!
//! In: an input. Out: nothing; a target panics when something does not hold. The package in
//! `tests/fuzz` runs them with coverage as feedback (`cargo xtask fuzz`); tests of this crate run
//! them on the corpus there, and on changed copies of it. No other build has this module.
//! Not here: making inputs (`changes`, libFuzzer), plugins (`filter::smith_tests`).

pub mod admin;
#[cfg(test)]
pub(crate) mod changes;
mod choices;
pub mod config;
pub mod framing;
pub mod octet;
#[cfg(test)]
mod tests;
pub mod verdict;
