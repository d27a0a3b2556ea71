//! What bounds a filter beside `memory`, `deadline` and `size`, and what bounds compiling.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Table `limits` of a filter. Also stands in trap capsules, sizes in bytes; what one of an older
/// version lacks has its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Elements of all tables of an instance together.
    pub tables: usize,
    /// Calls to imports in one call of the filter.
    pub imports: u32,
    /// How many bytes longer than its input an answer may be. One line of the longest that may go on
    /// is allowed in any case.
    pub output: usize,
    /// Bytes that the host allocates for what the filter hands it at once, beyond eight times the
    /// input and the lines that `output` allows.
    pub host_memory: usize,
    /// Lines a second in the host's log, of all instances together.
    pub log_lines: u32,
    /// Functions of a component.
    pub functions: usize,
    /// Bytes of the code of one function.
    pub function_size: usize,
}

/// Table `compile` of `[host]`: bounds of the process that compiles a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time; whole seconds.
    pub time: Duration,
    /// Address space, bytes.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tables: 100_000,
            imports: 200_000,
            output: 2 << 20,
            host_memory: 2 << 20,
            log_lines: 10,
            functions: 200_000,
            function_size: 1 << 20,
        }
    }
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(20),
            memory: 2 << 30,
        }
    }
}
