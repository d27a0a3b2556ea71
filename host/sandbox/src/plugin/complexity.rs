//! The complexity of a component, read from its sections before anything is compiled.
//!
//! In: the bytes of a file. Out: [`Complexity`], and whether it is within a filter's limits. The time
//! to compile a function grows faster than its size, so limiting the size of the file is not enough.
//! A malformed file counts up to the malformed part.
//! Not here: reporting what is malformed (`compiler`).

use wasmparser::{Parser, Payload};

use crate::{Refusal, RefusalKind};
use linemill_config::settings::Limits;

/// How deep components may be nested. Toolchains produce one or two levels.
const DEPTH: usize = 8;

/// The number and size of a component's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Complexity {
    /// How deep components are nested. Reading stops one level beyond the limit.
    pub depth: usize,
    /// Core modules, at all depths.
    pub modules: usize,
    /// Functions of all core modules.
    pub functions: usize,
    /// Size of the largest function's code, in bytes.
    pub largest: usize,
}

impl Complexity {
    /// The complexity of the component in these bytes.
    pub fn of(component: &[u8]) -> Self {
        let mut seen = Self::default();
        seen.read(component);
        seen
    }

    /// The refusal of a component that exceeds one of the limits.
    pub fn refusal(&self, limits: &Limits) -> Option<Refusal> {
        let Self {
            depth,
            modules,
            functions,
            largest,
        } = *self;
        let (problem, hint) = if depth > DEPTH {
            let problem = format!("its components are nested {depth} deep, more than {DEPTH}");
            let hint = "no filter needs as many, and such a component takes long to compile";
            (problem, hint)
        } else if modules > limits.core_instances {
            let limit = limits.core_instances;
            let problem = format!("it has {modules} core modules, more than {limit}");
            let hint = "if that is intended, raise the filter's `limits.core_instances`";
            (problem, hint)
        } else if functions > limits.functions {
            let limit = limits.functions;
            let problem = format!("it has {functions} functions, more than {limit}");
            let hint = "if that is intended, raise the filter's `limits.functions`";
            (problem, hint)
        } else if largest > limits.function_size {
            let limit = limits.function_size;
            let problem = format!("one of its functions has {largest} bytes, more than {limit}");
            let hint = "if that is intended, raise the filter's `limits.function_size`";
            (problem, hint)
        } else {
            return None;
        };
        Some(Refusal::new(RefusalKind::Complexity, problem, hint))
    }

    /// Reads the sections up to the first one that is cut off or malformed. Does not recurse, so
    /// nested components cannot exhaust the stack.
    fn read(&mut self, bytes: &[u8]) {
        let mut depth = 0;
        // One element per open component or module: whether it is a component.
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

    /// The number as LEB128, padded to five bytes.
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

    /// Section numbers in a component.
    const CORE_MODULE: u8 = 1;
    const COMPONENT: u8 = 4;
    /// Section numbers in a core module.
    const FUNCTION: u8 = 3;
    const CODE: u8 = 10;

    fn with_preamble(sections: &[u8]) -> Vec<u8> {
        [&b"\0asm\x0d\0\x01\0"[..], sections].concat()
    }

    fn core_module(sections: &[u8]) -> Vec<u8> {
        section(CORE_MODULE, &[&b"\0asm\x01\0\0\0"[..], sections].concat())
    }

    /// A component of one module whose code section has `count` functions with these `bodies`, each
    /// prefixed with its size. The parser requires a function section of the same length.
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
        let refusal = refusal(component).expect("refused");
        assert!(refusal.problem.what().contains(part), "{refusal}");
        assert_eq!(refusal.kind, RefusalKind::Complexity);
    }

    #[test]
    fn the_bundled_filters_are_within_the_limits() {
        for name in bundled::names() {
            let component = bundled::component(name).expect("bundled");
            assert_eq!(refusal(component), None, "{name}");
        }
    }

    #[test]
    fn each_limit_is_enforced() {
        let limits = Limits::default();
        let bodies = |size: usize| module(1, &[&leb(size)[..], &vec![0; size]].concat());
        assert_eq!(refusal(&module(limits.functions, &[])), None);
        refused(&module(limits.functions + 1, &[]), "200001 functions");
        assert_eq!(refusal(&bodies(limits.function_size)), None);
        refused(&bodies(limits.function_size + 1), "1048577 bytes");
        let one = core_module(&[]);
        let most = limits.core_instances;
        assert_eq!(refusal(&with_preamble(&one.repeat(most))), None);
        refused(&with_preamble(&one.repeat(most + 1)), "65 core modules");
        let mut nested = with_preamble(&[]);
        for _ in 0..DEPTH {
            nested = with_preamble(&section(COMPONENT, &nested));
        }
        assert_eq!(refusal(&nested), None);
        nested = with_preamble(&section(COMPONENT, &nested));
        refused(&nested, "9 deep");
        // Deeper nesting is not read, so it is not reported either.
        refused(&with_preamble(&section(COMPONENT, &nested)), "9 deep");
    }

    #[test]
    fn limits_can_be_raised_and_lowered() {
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
                    modules: 200,
                    ..expected
                },
                "`limits.core_instances`",
            ),
            (
                Complexity {
                    largest: 8,
                    ..expected
                },
                "`limits.function_size`",
            ),
        ] {
            let refusal = more.refusal(&limits).expect("beyond");
            assert!(refusal.problem.hint().contains(hint), "{refusal:?}");
            let raised = Limits {
                core_instances: 200,
                ..Limits::default()
            };
            assert_eq!(more.refusal(&raised), None);
        }
    }

    #[test]
    fn a_truncated_function_does_not_count() {
        let whole = module(1, &[&leb(3)[..], &[0; 3]].concat());
        assert_eq!(Complexity::of(&whole).functions, 1);
        for length in 0..whole.len() {
            assert_eq!(Complexity::of(&whole[..length]).functions, 0, "{length}");
        }
    }
}
