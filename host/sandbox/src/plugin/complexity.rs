//! How complex a component is, read off its sections before anything is compiled.
//!
//! In: the bytes of a file. Out: [`Complexity`], and whether it is within a filter's limits. The time
//! that compiling takes grows faster than the size of a function, so the size of the file alone
//! bounds little. A malformed file counts up to where it is malformed; the compiler says better what
//! is wrong with it.

use wasmparser::{Parser, Payload};

use crate::{Refusal, RefusalKind};
use linemill_config::settings::Limits;

/// Components within components. Toolchains make one or two levels.
const DEPTH: usize = 8;
/// Core modules, at all depths. A component with an adapter for WASI has four.
const MODULES: usize = 64;

/// What a component is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Complexity {
    /// How deep components are within components; nothing is read beyond one more than may be.
    pub depth: usize,
    /// Core modules.
    pub modules: usize,
    /// Functions of all modules.
    pub functions: usize,
    /// Bytes of the largest function's code.
    pub largest: usize,
}

impl Complexity {
    /// Of the bytes of a file.
    pub fn of(component: &[u8]) -> Self {
        let mut seen = Self::default();
        seen.read(component);
        seen
    }

    /// What is beyond these limits, if anything.
    pub fn refusal(&self, limits: &Limits) -> Option<Refusal> {
        let Self {
            depth,
            modules,
            functions,
            largest,
        } = *self;
        let fixed = "no filter needs that much: a component like this takes long to compile";
        let (problem, hint) = if depth > DEPTH {
            let problem = format!("it has components {depth} deep, more than {DEPTH}");
            (problem, fixed)
        } else if modules > MODULES {
            let problem = format!("it has {modules} core modules, more than {MODULES}");
            (problem, fixed)
        } else if functions > limits.functions {
            let most = limits.functions;
            let problem = format!("it has {functions} functions, more than {most}");
            let hint = "if it is meant to have them, raise the filter's `limits.functions`";
            (problem, hint)
        } else if largest > limits.function_size {
            let most = limits.function_size;
            let problem = format!("one of its functions has {largest} bytes, more than {most}");
            let hint = "if it is meant to, raise the filter's `limits.function_size`";
            (problem, hint)
        } else {
            return None;
        };
        Some(Refusal::new(RefusalKind::Complexity, problem, hint))
    }

    /// Reads the sections up to the first one that is cut off or malformed. Iterative: however deep
    /// components are nested, the stack is not.
    fn read(&mut self, bytes: &[u8]) {
        let mut depth = 0;
        // For each open component or module, whether it is a component.
        let mut open = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload {
                Ok(Payload::ComponentSection {
                    unchecked_range, ..
                }) if unchecked_range.end <= bytes.len() => {
                    depth += 1;
                    self.depth = self.depth.max(depth);
                    if depth > DEPTH {
                        return;
                    }
                    open.push(true);
                }
                Ok(Payload::ModuleSection {
                    unchecked_range, ..
                }) if unchecked_range.end <= bytes.len() => {
                    self.modules += 1;
                    open.push(false);
                }
                Ok(Payload::CodeSectionStart { count, range, .. }) if range.end <= bytes.len() => {
                    self.functions = self.functions.saturating_add(count as usize);
                }
                Ok(Payload::CodeSectionEntry(body)) => {
                    self.largest = self.largest.max(body.range().len());
                }
                Ok(Payload::End(_)) => {
                    if open.pop() == Some(true) {
                        depth -= 1;
                    }
                }
                Ok(
                    Payload::ComponentSection { .. }
                    | Payload::ModuleSection { .. }
                    | Payload::CodeSectionStart { .. },
                )
                | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;

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

    /// Sections of a component, and of a module.
    const CORE_MODULE: u8 = 1;
    const COMPONENT: u8 = 4;
    const FUNCTION: u8 = 3;
    const CODE: u8 = 10;

    fn with_preamble(sections: &[u8]) -> Vec<u8> {
        [&b"\0asm\x0d\0\x01\0"[..], sections].concat()
    }

    fn core_module(sections: &[u8]) -> Vec<u8> {
        section(CORE_MODULE, &[&b"\0asm\x01\0\0\0"[..], sections].concat())
    }

    /// A component of one module, whose code section has `count` functions and these `bodies`, each
    /// behind its size. A parser takes no code section without a function section of its length.
    fn module(count: usize, bodies: &[u8]) -> Vec<u8> {
        let functions = section(FUNCTION, &leb(count));
        let code = section(CODE, &[&leb(count)[..], bodies].concat());
        with_preamble(&core_module(&[functions, code].concat()))
    }

    fn refusal(component: &[u8]) -> Option<Refusal> {
        Complexity::of(component).refusal(&Limits::default())
    }

    #[track_caller]
    fn refused(component: &[u8], part: &str) {
        let Refusal { problem, kind, .. } = refusal(component).expect("refused");
        assert!(problem.contains(part), "{problem}");
        assert_eq!(kind, RefusalKind::Complexity);
    }

    #[test]
    fn the_bundled_filters_are_within() {
        for name in bundled::names() {
            let component = bundled::component(name).expect("bundled");
            assert_eq!(refusal(component), None, "{name}");
        }
    }

    #[test]
    fn each_bound_holds() {
        let limits = Limits::default();
        let bodies = |size: usize| module(1, &[&leb(size)[..], &vec![0; size]].concat());
        assert_eq!(refusal(&module(limits.functions, &[])), None);
        refused(&module(limits.functions + 1, &[]), "200001 functions");
        assert_eq!(refusal(&bodies(limits.function_size)), None);
        refused(&bodies(limits.function_size + 1), "1048577 bytes");
        let one = core_module(&[]);
        assert_eq!(refusal(&with_preamble(&one.repeat(MODULES))), None);
        refused(&with_preamble(&one.repeat(MODULES + 1)), "65 core modules");
        let mut nested = with_preamble(&[]);
        for _ in 0..DEPTH {
            nested = with_preamble(&section(COMPONENT, &nested));
        }
        assert_eq!(refusal(&nested), None);
        nested = with_preamble(&section(COMPONENT, &nested));
        refused(&nested, "9 deep");
        // Nothing is read beyond that.
        refused(&with_preamble(&section(COMPONENT, &nested)), "9 deep");
    }

    #[test]
    fn what_is_raised_lets_more_through() {
        let limits = Limits {
            functions: 2,
            function_size: 7,
            ..Limits::default()
        };
        let body = [&leb(7)[..], &[0; 7]].concat();
        let of = |count: usize| {
            let all = module(count, &body.repeat(count));
            Complexity::of(&all)
        };
        let expected = Complexity {
            depth: 0,
            modules: 1,
            functions: 2,
            largest: 7,
        };
        assert_eq!(of(2), expected);
        assert_eq!(of(2).refusal(&limits), None);
        for (more, hint) in [
            (of(3), "`limits.functions`"),
            (
                Complexity {
                    largest: 8,
                    ..expected
                },
                "`limits.function_size`",
            ),
        ] {
            let refusal = more.refusal(&limits).expect("beyond");
            assert!(refusal.hint.contains(hint), "{}", refusal.hint);
            assert_eq!(more.refusal(&Limits::default()), None);
        }
    }

    #[test]
    fn what_is_cut_off_counts_up_to_there() {
        let whole = module(1, &[&leb(3)[..], &[0; 3]].concat());
        assert_eq!(Complexity::of(&whole).functions, 1);
        for length in 0..whole.len() {
            assert_eq!(Complexity::of(&whole[..length]).functions, 0, "{length}");
        }
    }
}
