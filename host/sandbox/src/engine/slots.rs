//! Slots: memory reserved for the instances of filters that fail, so that the next instance starts
//! quickly (wasmtime's pooling allocator).
//!
//! In: the configuration of the main engine. Out: an engine that places instances, their memories and
//! their stacks in slots. Slots are mapped once, and cleared when an instance is dropped. An instance
//! that is mapped and unmapped costs 110 µs, most of it in the kernel, where it also stops the other
//! threads of the process. An instance in a slot costs 30 µs.
//! Not here: which instances use slots (`filter::call`). The number of slots is fixed, so not all
//! instances do; one that finds all slots taken is mapped.

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::PARTS;

/// How many instances can have slots at a time.
const SLOTS: u32 = 256;
/// Core instances, and tables, per slot on average. A filter in Rust has three and two.
const SHARE: u32 = 4;
/// Address space of a memory, in bytes: all that 32-bit WebAssembly can address.
const MEMORY: usize = 4 << 30;
/// Bytes at the beginning of a slot's memory that stay mapped and are zeroed; the rest is returned to
/// the system.
const KEPT: usize = 64 << 10;
/// How many unused slots keep the initial memory of the plugin that used them last.
const WARM: u32 = 16;
/// Elements of each table. A filter that is allowed more does not use slots.
pub(crate) const ELEMENTS: usize = 100_000;

/// Creates the engine with slots. Everything else is as in `config`.
///
/// # Errors
/// When there is not enough address space.
pub(crate) fn engine(mut config: Config) -> wasmtime::Result<Engine> {
    let (parts, shared) = (PARTS as u32, SLOTS * SHARE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(shared)
        .total_memories(SLOTS)
        .total_tables(shared)
        .total_stacks(SLOTS)
        .max_memories_per_module(parts)
        .max_tables_per_module(parts)
        .max_memory_size(MEMORY)
        .table_elements(ELEMENTS)
        .linear_memory_keep_resident(KEPT)
        .table_keep_resident(KEPT)
        .max_unused_warm_slots(WARM);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
