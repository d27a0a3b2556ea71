//! Tables `limits`, `store` and `retire` of a filter, and `compile` of `[host]`: further limits of a
//! filter, and limits of its compilation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Share;
use crate::keys::keys;
use crate::kind::{Count, Optional, Percentage, Seconds, Size};

/// Most elements of tables: each takes 8 bytes of the host.
const TABLES: u64 = 10_000_000;

/// Most calls to imports. A million of the cheapest take 0.1 s.
const IMPORTS: u64 = 1_000_000_000;

/// Most functions: ten times as many as wasmtime accepts in a module.
const FUNCTIONS: u64 = 10_000_000;

/// Most core modules and instances: wasmtime accepts as many modules.
const CORE_INSTANCES: u64 = 1000;

/// Largest function: wasmtime accepts 7,654,321 bytes.
const FUNCTION_SIZE: u64 = 7 << 20;

/// Most keys of a store.
const STORE_KEYS: u64 = 10_000_000;

/// Least address space: about what the program needs before it compiles anything.
const ADDRESS_SPACE: u64 = 512 << 20;

keys! {
    /// Table `limits` of a filter. Trap capsules contain it as well, with sizes in bytes; a limit
    /// that a capsule of an older version lacks has its default.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(default)]
    pub struct Limits: "`limits`" {
        /// Maximum number of table elements of one instance (all its tables together). A request
        /// for more is denied; most filters then trap. An element takes 8 bytes of host memory,
        /// which `memory` does not include.
        tables: usize = 100_000, Count(1, TABLES), Live,
            sample "elements of all tables of an instance";
        /// Maximum number of calls to imports within one call of the filter.
        imports: u32 = 200_000, Count(1, IMPORTS), Live,
            sample "calls to imports within one call";
        /// How much longer than its input an answer may be, including terminators and one byte per
        /// line. One line of 4 × `max_line` is always allowed. A call that exceeds the limit is
        /// retried with fewer lines, so in practice the limit applies to the output of a single
        /// line. At the end of a stream, the lines that the filter held back may total this much.
        output: usize = 2 << 20, Size(0, 1 << 30), Live,
            sample "how much longer than its input an answer may be";
        /// Host memory for what the filter passes to the host in one piece: the numbers and reasons
        /// of an answer, a log line, or the state of a stream. An answer may use more: this amount,
        /// plus its lines (as `output` allows), plus eight times the input. Anything larger is
        /// refused before it is copied.
        host_memory: usize = 2 << 20, Size(64 << 10, 1 << 30), Live,
            sample "host memory for an answer, in addition to its lines";
        /// How many lines per second the filter may log, all instances together. Only with `grant =
        /// ["log"]`. Lines above the limit are counted in `linemill_filter_log_dropped_total`; they
        /// are not failures.
        log_lines: u32 = 10, Count(0, 10_000), Live,
            sample "per second, of all instances; the rest is counted";
        /// Maximum number of functions in the plugin, in all its modules together. `linemill
        /// inspect` shows how many it has.
        functions: usize = 200_000, Count(1, FUNCTIONS), Live,
            sample "functions in the plugin";
        /// Maximum code size of a function. `linemill inspect` shows that of the largest.
        function_size: usize = 1 << 20, Size(1, FUNCTION_SIZE), Live,
            sample "code of its largest function";
        /// Maximum number of core modules in the plugin, and of their instances in one instance of
        /// the filter. Toolchains produce a handful. One that `componentize-py` 0.25 makes of Python
        /// without native packages has 14, and packages with native code have more. `linemill
        /// inspect` shows how many modules a plugin has.
        core_instances: usize = 64, Count(1, CORE_INSTANCES), Live,
            sample "core modules in the plugin, and their instances";
    }
}

keys! {
    /// Table `store` of a filter.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct StoreLimits: "`store`" {
        /// Maximum number of keys.
        keys: u64 = 10_000, Count(1, STORE_KEYS), Live,
            sample "keys in the filter's store";
        /// Maximum size of all keys and values together.
        bytes: u64 = 1 << 20, Size(1 << 10, 1 << 30), Live,
            sample "all keys and values of its store together";
    }
}

keys! {
    /// Table `retire` of a filter: when an instance gives way to a new one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Retire: "`retire`" {
        /// After this many calls.
        calls: Option<u64> = None, Optional(Count(1, u64::MAX), "never"), Live, default "never";
        /// When its linear memory has grown to this share of `memory`.
        memory: Option<Share> = None, Optional(Percentage, "never"), Live, default "never";
    }
}

keys! {
    /// Table `compile` of `[host]`: limits of the process that compiles a plugin.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct CompileLimits: "`compile`" {
        /// Processor time. The child is also killed when this time plus 5 seconds has passed on the
        /// wall clock. On systems other than Unix, only the wall clock counts.
        time: Duration = Duration::from_secs(20),
            Seconds(Duration::from_secs(1), Duration::from_secs(600)), Live;
        /// Address space, on Unix only.
        memory: u64 = 2 << 30, Size(ADDRESS_SPACE, 64 << 30), Live;
    }
}
