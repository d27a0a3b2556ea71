//! How complex a component is, read off its sections before anything is compiled.
//!
//! In: the bytes of a file. Out: nothing, or which bound it is beyond. Compiling takes time that grows
//! faster than a function does, so size alone bounds little. What is malformed passes: the compiler
//! says better what is wrong with it.

/// Components within components.
const DEPTH: usize = 8;
/// Core modules, at all depths.
const MODULES: usize = 64;
/// Functions of all modules.
const FUNCTIONS: usize = 200_000;
/// Bytes of one function's code.
const BODY: usize = 1 << 20;

/// Sections of a component, and of a module.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
const CODE: u8 = 10;
/// Bytes of magic, version and layer.
const PREAMBLE: usize = 8;

#[derive(Default)]
struct Seen {
    modules: usize,
    functions: usize,
}

/// What is too much in this component, if anything.
pub(super) fn too_complex(component: &[u8]) -> Option<String> {
    of_component(component, 0, &mut Seen::default())
}

fn of_component(bytes: &[u8], depth: usize, seen: &mut Seen) -> Option<String> {
    if depth > DEPTH {
        return Some(format!("it has components {depth} deep, more than {DEPTH}"));
    }
    sections(bytes, |id, content| match id {
        COMPONENT => of_component(content, depth + 1, seen),
        CORE_MODULE => {
            seen.modules += 1;
            match seen.modules > MODULES {
                true => Some(format!("it has more than {MODULES} core modules")),
                false => sections(content, |id, content| {
                    (id == CODE).then(|| of_code(content, seen)).flatten()
                }),
            }
        }
        _ => None,
    })
}

fn of_code(mut bytes: &[u8], seen: &mut Seen) -> Option<String> {
    let functions = number(&mut bytes)?;
    seen.functions = seen.functions.saturating_add(functions);
    if seen.functions > FUNCTIONS {
        let functions = seen.functions;
        return Some(format!(
            "it has {functions} functions, more than {FUNCTIONS}"
        ));
    }
    for _ in 0..functions {
        let size = number(&mut bytes)?;
        if size > BODY {
            return Some(format!(
                "a function of it has {size} bytes, more than {BODY}"
            ));
        }
        bytes = bytes.get(size..)?;
    }
    None
}

/// Calls `found` for each section until it finds something.
fn sections(bytes: &[u8], mut found: impl FnMut(u8, &[u8]) -> Option<String>) -> Option<String> {
    let mut rest = bytes.get(PREAMBLE..)?;
    while let Some((id, mut after)) = rest.split_first() {
        let size = number(&mut after)?;
        let (content, next) = after.split_at_checked(size)?;
        if let Some(problem) = found(*id, content) {
            return Some(problem);
        }
        rest = next;
    }
    None
}

/// An unsigned LEB128 number of 32 bits, taken off the front.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::bundled;

    /// The number as LEB128, with all five bytes.
    fn leb(number: usize) -> [u8; 5] {
        let part = |at: usize| (number >> (7 * at)) as u8 & 0x7f;
        [
            part(0) | 0x80,
            part(1) | 0x80,
            part(2) | 0x80,
            part(3) | 0x80,
            part(4),
        ]
    }

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id][..], &leb(content.len()), content].concat()
    }

    fn with_preamble(sections: &[u8]) -> Vec<u8> {
        [&b"\0asm\x0d\0\x01\0"[..], sections].concat()
    }

    fn module(code: &[u8]) -> Vec<u8> {
        with_preamble(&section(CORE_MODULE, &with_preamble(&section(CODE, code))))
    }

    #[track_caller]
    fn refused(component: &[u8], part: &str) {
        let problem = too_complex(component).expect("refused");
        assert!(problem.contains(part), "{problem}");
    }

    #[test]
    fn the_bundled_filters_are_within() {
        for name in bundled::names() {
            let component = bundled::component(name).expect("bundled");
            assert_eq!(too_complex(component), None, "{name}");
        }
    }

    #[test]
    fn each_bound_holds() {
        refused(&module(&leb(FUNCTIONS + 1)), "200001 functions");
        refused(&module(&[leb(1), leb(BODY + 1)].concat()), "1048577 bytes");
        let one = section(CORE_MODULE, &with_preamble(&[]));
        assert_eq!(too_complex(&with_preamble(&one.repeat(MODULES))), None);
        refused(&with_preamble(&one.repeat(MODULES + 1)), "core modules");
        let mut nested = with_preamble(&[]);
        for _ in 0..DEPTH {
            nested = with_preamble(&section(COMPONENT, &nested));
        }
        assert_eq!(too_complex(&nested), None);
        refused(&with_preamble(&section(COMPONENT, &nested)), "9 deep");
    }

    #[test]
    fn what_is_cut_off_passes() {
        let whole = module(&[leb(1), leb(BODY + 1)].concat());
        for length in 0..whole.len() {
            assert_eq!(too_complex(&whole[..length]), None, "{length}");
        }
    }
}
