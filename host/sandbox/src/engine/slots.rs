//! Slots: memory set aside for the instances of filters that fail, so that the next one is there soon.
//!
//! In: how guests run otherwise. Out: an engine whose instances, their memories and their stacks take
//! slots that are mapped once and for all, and are cleared when an instance leaves. An instance that
//! is mapped and unmapped costs 110 microseconds, most of it in the kernel, where it also stops the
//! other threads of the process; in a slot it costs 30.
//! Not here: which instances take slots (`stage`). There are so many and no more, which is why not all
//! do: one that finds none is mapped.

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::PARTS;

/// Instances that have slots at a time.
const SLOTS: u32 = 256;
/// Core instances and tables for each, on average. A filter in Rust has three and two.
const SHARE: u32 = 4;
/// Address space of a memory: what WebAssembly can address.
const MEMORY: usize = 4 << 30;
/// Bytes at the beginning of a slot's memory that are cleared by the processor and stay; what lies
/// behind them goes back to the system.
const KEPT: usize = 64 << 10;
/// Slots that nobody uses and still hold the memory that their last plugin begins with.
const WARM: u32 = 16;
/// Elements of each table. A filter that may have more takes no slot.
pub(crate) const ELEMENTS: usize = 100_000;

/// The engine, with all else as in `config`.
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
