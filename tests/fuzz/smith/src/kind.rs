//! The kinds of files that random bytes become.
//!
//! In: random bytes. Out: a file. Only a [`Kind::Filter`] belongs to one of linemill's worlds.

use anyhow::Result;
use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Component, Config, Module};

use crate::filter::Filters;

/// Section numbers in a component.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
/// Magic, version and layer of a component.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// A kind of file.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A core module.
    Module,
    /// A component as wasm-smith generates it, which is rarely valid.
    Component,
    /// A component that contains core modules with any proposals, or components of these.
    Wrapped,
    /// A component of the world `filter` with random code.
    Filter,
}

impl Kind {
    /// The kind that a byte stands for. Half of all bytes stand for filters.
    pub(crate) fn of(byte: u8) -> Self {
        match byte % 16 {
            0 => Self::Module,
            1..3 => Self::Component,
            3..8 => Self::Wrapped,
            _ => Self::Filter,
        }
    }

    pub(crate) fn letter(self) -> u8 {
        match self {
            Self::Module => b'm',
            Self::Component => b'c',
            Self::Wrapped => b'w',
            Self::Filter => b'f',
        }
    }

    pub(crate) fn piece(self, bytes: &[u8], filters: &Filters) -> Result<Vec<u8>> {
        let mut from = Unstructured::new(bytes);
        match self {
            Self::Module => module(&mut from),
            Self::Component => Ok(Component::arbitrary(&mut from)?.to_bytes()),
            Self::Wrapped => wrapped(&mut from, 0),
            Self::Filter => filters.make(&mut from),
        }
    }
}

/// Any core module, with proposals that the host supports and ones that it does not.
fn module(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let config = Config::arbitrary(from)?;
    Ok(Module::new(config, from)?.to_bytes())
}

fn wrapped(from: &mut Unstructured<'_>, depth: usize) -> Result<Vec<u8>> {
    let mut component = PREAMBLE.to_vec();
    for _ in 0..from.int_in_range(1..=3)? {
        let (id, content) = if depth < 10 && from.ratio(1, 4)? {
            (COMPONENT, wrapped(from, depth + 1)?)
        } else {
            (CORE_MODULE, module(from)?)
        };
        component.push(id);
        leb(content.len(), &mut component);
        component.extend(content);
    }
    Ok(component)
}

/// Appends a number as unsigned LEB128.
fn leb(mut number: usize, to: &mut Vec<u8>) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        to.push(low | if number > 0 { 0x80 } else { 0 });
        if number == 0 {
            return;
        }
    }
}
