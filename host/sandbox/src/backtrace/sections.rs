//! The core modules of a component, with their custom sections.
//!
//! In: the bytes of a component that wasmtime has accepted. Out: the position of each core module's
//! code, and its custom sections, which hold DWARF. Sections that are cut off or malformed are left
//! out.
//! Not here: reading DWARF (`backtrace`).

use std::ops::Range;

use wasmparser::{Parser, Payload};

/// A core module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Module<'a> {
    /// The content of the code section, as a byte range of the component.
    pub(super) code: Range<u64>,
    /// Name and content of each custom section.
    custom: Vec<(&'a str, &'a [u8])>,
}

impl Module<'_> {
    /// The content of the custom section `name`; empty if the module has no such section.
    pub(super) fn custom(&self, name: &str) -> &[u8] {
        let mut all = self.custom.iter();
        all.find(|(known, _)| *known == name)
            .map_or(&[], |(_, content)| *content)
    }
}

/// All core modules that have code, at any depth.
pub(super) fn modules(component: &[u8]) -> Vec<Module<'_>> {
    let mut modules = Vec::new();
    // The modules and components whose end has not been read: `None` stands for a component.
    let mut open: Vec<Option<Module<'_>>> = Vec::new();
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::ComponentSection { .. } => open.push(None),
            Payload::ModuleSection { .. } => open.push(Some(Module::default())),
            Payload::CodeSectionStart { range, .. } => {
                if let Some(Some(module)) = open.last_mut() {
                    module.code = range.start as u64..range.end as u64;
                }
            }
            Payload::CustomSection(section) => {
                if let Some(Some(module)) = open.last_mut() {
                    module.custom.push((section.name(), section.data()));
                }
            }
            Payload::End(_) => {
                modules.extend(
                    open.pop()
                        .flatten()
                        .filter(|module| !module.code.is_empty()),
                );
            }
            _ => {}
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_at_any_depth() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        // One function of two bytes, and a custom section.
        module.extend(b"\x03\x02\x01\x00\x0a\x84\x00\x01\x02\x00\x0b\x00\x05\x02.xyz");
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
        assert_eq!(&outer[at], b"\x01\x02\x00\x0b");
        assert_eq!(found[0].custom(".x"), b"yz");
        assert_eq!(found[0].custom(".z"), b"");
        for end in 0..outer.len() {
            assert!(modules(&outer[..end]).len() <= 1);
        }
    }
}
