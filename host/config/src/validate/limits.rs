//! Table `limits` of a filter, and what `[host]` says of stacks and of compiling.

use super::{Checker, bytes, time};
use crate::file::{Compile as CompileFile, Limits as LimitsFile};
use crate::item::Item;
use crate::problem::Problem;
use crate::settings::{CompileLimits, Limits};
use crate::units::SIZE;

/// Most elements of tables: each takes 8 bytes of the host.
const TABLES_MOST: u64 = 10_000_000;
/// Most calls to imports. A million of the cheapest take 0.1 s.
const IMPORTS_MOST: u64 = 1_000_000_000;
/// Most bytes that one call may make of nothing.
const ANSWER_MOST: u64 = 1 << 30;
/// Least that the host must allocate to take an answer at all.
const HOST_MEMORY_LEAST: u64 = 64 << 10;
/// Most lines a second of one filter.
const LOG_LINES_MOST: u64 = 10_000;
/// Most functions: ten modules of the most that wasmtime takes.
const FUNCTIONS_MOST: u64 = 10_000_000;
/// Largest function: wasmtime takes 7,654,321 bytes.
const FUNCTION_SIZE_MOST: u64 = 7 << 20;
/// Least stack: a filter of the SDK takes a tenth.
const STACK_LEAST: u64 = 64 << 10;
/// Most stack.
const STACK_MOST: u64 = 64 << 20;
/// Longest compiling, in milliseconds.
const COMPILE_TIME_MOST: u64 = 600_000;
/// Least address space: about what the program takes without compiling anything.
const COMPILE_MEMORY_LEAST: u64 = 512 << 20;
/// Most address space.
const COMPILE_MEMORY_MOST: u64 = 64 << 30;

impl Checker<'_> {
    /// Table `limits` of a filter.
    pub(super) fn limits(&mut self, item: Option<&Item<'_>>, filter: &str) -> Limits {
        let default = Limits::default();
        let right = "write limits = { imports = 200000, output = \"2MiB\" }, or a table [filter.NAME.limits]";
        let table = item.map(|item| item.table(format!("`limits` of filter `{filter}`"), right));
        let Some(table) = table.and_then(|table| self.problems.keep(table)) else {
            return default;
        };
        let problems = &mut self.problems;
        let file = LimitsFile::read(&table, problems);
        Limits {
            tables: problems.read(file.tables.as_ref(), default.tables, |item| {
                number(item, 1, TABLES_MOST)
            }),
            imports: problems.read(file.imports.as_ref(), default.imports, |item| {
                number(item, 1, IMPORTS_MOST)
            }),
            output: problems.read(file.output.as_ref(), default.output, |item| {
                bytes(item, 0, ANSWER_MOST)
            }),
            host_memory: problems.read(file.host_memory.as_ref(), default.host_memory, |item| {
                bytes(item, HOST_MEMORY_LEAST, ANSWER_MOST)
            }),
            log_lines: problems.read(file.log_lines.as_ref(), default.log_lines, |item| {
                number(item, 0, LOG_LINES_MOST)
            }),
            functions: problems.read(file.functions.as_ref(), default.functions, |item| {
                number(item, 1, FUNCTIONS_MOST)
            }),
            function_size: problems.read(
                file.function_size.as_ref(),
                default.function_size,
                |item| bytes(item, 1, FUNCTION_SIZE_MOST),
            ),
        }
    }

    /// Table `compile` of `[host]`.
    pub(super) fn compile(&mut self, item: Option<&Item<'_>>) -> CompileLimits {
        let default = CompileLimits::default();
        let right = "write compile = { time = \"20s\", memory = \"2GiB\" }, or a part of it";
        let table = item.map(|item| item.table("`compile` of `[host]`".to_owned(), right));
        let Some(table) = table.and_then(|table| self.problems.keep(table)) else {
            return default;
        };
        let problems = &mut self.problems;
        let file = CompileFile::read(&table, problems);
        CompileLimits {
            time: problems.read(file.time.as_ref(), default.time, |item| {
                let time = time(item, 1000, COMPILE_TIME_MOST)?;
                match time.subsec_nanos() {
                    0 => Ok(time),
                    _ => Err(item.refuse("is not whole seconds", "write it in seconds or minutes")),
                }
            }),
            memory: problems.read(file.memory.as_ref(), default.memory, |item| {
                item.quantity(&SIZE, COMPILE_MEMORY_LEAST..=COMPILE_MEMORY_MOST)
            }),
        }
    }
}

/// Key `stack` of `[host]`, bytes.
pub(super) fn stack(item: &Item<'_>) -> Result<usize, Problem> {
    bytes(item, STACK_LEAST, STACK_MOST)
}

/// A whole number of `least` to `most`, which the type holds.
fn number<T: TryFrom<u64> + Default>(item: &Item<'_>, least: u64, most: u64) -> Result<T, Problem> {
    Ok(T::try_from(item.whole(least..=most)?).unwrap_or_default())
}
