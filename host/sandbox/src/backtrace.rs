//! Backtraces of guests: functions, with source files and lines if the plugin has debug information.
//!
//! In: the error of a call, and the bytes of the component for its debug information. Out:
//! [`Frame`]s, innermost first. Names come from the name section, files and lines from DWARF. A
//! stripped plugin has neither, so its frames hold only indices and offsets.
//! Not here: why the call failed (`instance::fault`).

use std::fmt;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian};
use serde::{Deserialize, Serialize};
use wasmtime::WasmBacktrace;

mod sections;

use sections::{Module, modules};

/// A function call on a guest's stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function's name, if it is known.
    pub function: Option<String>,
    /// The function's index in its core module.
    pub index: u32,
    /// The position in the code, in bytes from the start of the component.
    pub offset: Option<u64>,
    /// The source file, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in the source file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// The frames of a failed call; empty if the guest was not running.
pub(crate) fn of(error: &wasmtime::Error) -> Vec<Frame> {
    let trace = error.downcast_ref::<WasmBacktrace>();
    trace
        .map_or(&[][..], WasmBacktrace::frames)
        .iter()
        .map(|frame| Frame {
            function: frame.func_name().map(str::to_owned),
            index: frame.func_index(),
            offset: frame.module_offset().map(|offset| offset as u64),
            file: None,
            line: None,
        })
        .collect()
}

/// Adds files and lines from the debug information of `component`. Functions that were inlined get
/// frames of their own.
pub(crate) fn located(frames: &[Frame], component: &[u8]) -> Vec<Frame> {
    let modules = modules(component);
    let mut all = Vec::new();
    for frame in frames {
        let found = frame.offset.and_then(|offset| {
            let module = modules
                .iter()
                .find(|module| module.code.contains(&offset))?;
            inlined(frame, module, offset).ok()
        });
        match found {
            Some(found) if !found.is_empty() => all.extend(found),
            _ => all.push(frame.clone()),
        }
    }
    all
}

/// The source-level frames of a machine-level frame: the function and those inlined into it. DWARF
/// offsets count from the start of the code section.
fn inlined(frame: &Frame, module: &Module<'_>, offset: u64) -> Result<Vec<Frame>, Error> {
    let section = |name: &str| EndianSlice::new(module.custom(name), LittleEndian);
    let dwarf = Dwarf::load(|id| Ok::<_, Error>(section(id.name())))?;
    let context = Context::from_dwarf(dwarf)?;
    let mut found = context
        .find_frames(offset - module.code.start)
        .skip_all_loads()?;
    let mut frames = Vec::new();
    while let Some(one) = found.next()? {
        let name = one.function.and_then(|function| {
            let name = function.raw_name().ok()?;
            Some(name.into_owned())
        });
        let location = one.location;
        frames.push(Frame {
            function: name,
            file: location
                .as_ref()
                .and_then(|location| location.file.map(str::to_owned)),
            line: location.and_then(|location| location.line),
            ..frame.clone()
        });
    }
    // The name section has demangled names, DWARF has not.
    if let Some(last) = frames.last_mut() {
        last.function = frame.function.clone().or(last.function.take());
    }
    Ok(frames)
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "function {}", self.index)?,
        }
        match (&self.file, self.line, self.offset) {
            (Some(file), Some(line), _) => write!(f, " at {file}:{line}"),
            (Some(file), None, _) => write!(f, " in {file}"),
            (None, _, Some(offset)) => write!(f, " at byte {offset:#x}"),
            (None, _, None) => Ok(()),
        }
    }
}
