//! The core modules of a component, with their custom sections.
//!
//! In: the bytes of a component that wasmtime takes. Out: where the code of each core module is, and
//! what stands beside it. What is cut short or out of form is left out.

use std::ops::Range;

/// Sections of components: a core module, and a component inside.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
/// Sections of core modules.
const CUSTOM: u8 = 0;
const CODE: u8 = 10;

/// A core module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Module<'a> {
    /// Its code section's content, in the bytes of the whole component.
    pub(super) code: Range<u64>,
    custom: Vec<(&'a [u8], &'a [u8])>,
}

impl Module<'_> {
    /// The content of a custom section; nothing when there is none of that name.
    pub(super) fn custom(&self, name: &str) -> &[u8] {
        let mut all = self.custom.iter();
        all.find(|(known, _)| *known == name.as_bytes())
            .map_or(&[], |(_, content)| *content)
    }
}

/// All core modules.
pub(super) fn modules(component: &[u8]) -> Vec<Module<'_>> {
    let mut modules = Vec::new();
    gather(component, 0, &mut modules);
    modules
}

/// `base`: where `bytes` begin in the component.
fn gather<'a>(bytes: &'a [u8], base: usize, modules: &mut Vec<Module<'a>>) {
    for (id, at, content) in sections(bytes) {
        match id {
            CORE_MODULE => modules.extend(module(content, base + at)),
            COMPONENT => gather(content, base + at, modules),
            _ => {}
        }
    }
}

fn module(bytes: &[u8], base: usize) -> Option<Module<'_>> {
    let (mut code, mut custom) = (None, Vec::new());
    for (id, at, content) in sections(bytes) {
        match id {
            CODE => {
                let start = (base + at) as u64;
                code = Some(start..start + content.len() as u64);
            }
            CUSTOM => custom.extend(named(content)),
            _ => {}
        }
    }
    let code = code?;
    Some(Module { code, custom })
}

/// Id, place and content of each section behind the eight bytes of a preamble.
fn sections(bytes: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    let mut at = 8;
    std::iter::from_fn(move || {
        let (id, rest) = bytes.get(at..)?.split_first()?;
        let (size, length) = number(rest)?;
        let from = at + 1 + length;
        let content = bytes.get(from..from.checked_add(size)?)?;
        at = from + size;
        Some((*id, from, content))
    })
}

/// A custom section's name, and the rest of it.
fn named(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, length) = number(content)?;
    content.get(length..)?.split_at_checked(size)
}

/// An unsigned LEB128 number of 32 bits, and the bytes that it has.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (nth, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((value as usize, nth + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_at_any_depth() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend(b"\x0a\x83\x00abc\x00\x05\x02.xyz");
        let size = u8::try_from(module.len()).expect("short");
        let mut inner = b"\0asm\x0d\0\x01\0\x01".to_vec();
        inner.push(size);
        inner.extend(&module);
        let size = u8::try_from(inner.len()).expect("short");
        let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
        outer.push(size);
        outer.extend(&inner);
        let found = modules(&outer);
        assert_eq!(found.len(), 1);
        let at = (found[0].code.start as usize)..(found[0].code.end as usize);
        assert_eq!(&outer[at], b"abc");
        assert_eq!(found[0].custom(".x"), b"yz");
        assert_eq!(found[0].custom(".z"), b"");
        for end in 0..outer.len() {
            assert!(modules(&outer[..end]).len() <= 1);
        }
    }
}
