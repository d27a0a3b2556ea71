//! Stacks of guests, many in one memory mapping.
//!
//! In: wasmtime's requests for a stack. Out: stacks from arenas, used again once an instance has given
//! its own back. An instance keeps its stack between two calls, so each stream of a filter with state has
//! one, and a mapping for each stack would exhaust what the system allows (`vm.max_map_count`).
//!
//! Below each stack is a guard page: to touch it ends the process, before the next stack is touched. On
//! Linux 6.13 and later a guard page needs no mapping of its own. On earlier versions it does, and then a
//! stack has two mappings.
//! Not here: how deep guests may recurse (`engine`), which is checked before a guard page is reached.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap,
};
use wasmtime::{StackCreator, StackMemory};

/// Stacks per arena.
const COUNT: usize = 64;
/// Bytes at the top of a stack that remain in memory while it waits to be used again.
const KEPT: usize = 16 << 10;
/// How many stacks that wait may keep these.
const WARM: usize = 64;
/// `MADV_GUARD_INSTALL` of madvise(2), since Linux 6.13.
const GUARD_INSTALL: libc::c_int = 102;

/// Makes stacks. Clones share the arenas.
#[derive(Debug, Clone, Default)]
pub(super) struct Stacks(Arc<Arenas>);

#[derive(Debug, Default)]
struct Arenas(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Stacks that nobody uses; the last one was used last.
    free: Vec<Place>,
    /// The mappings, unmapped at the end.
    mapped: Vec<(Address, usize)>,
}

/// An address in an arena.
#[derive(Debug, Clone, Copy)]
struct Address(NonNull<u8>);

#[expect(unsafe_code, reason = "raw pointers are not Send")]
// SAFETY: it is an address; who may use the memory there is decided by `State`.
unsafe impl Send for Address {}

/// A stack with its guard page.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The beginning of the guard page.
    begin: Address,
    /// Bytes of the guard page.
    guard: usize,
    /// Bytes of the stack.
    size: usize,
}

/// A stack in use.
#[derive(Debug)]
struct Stack {
    place: Place,
    arenas: Arc<Arenas>,
}

#[expect(unsafe_code, reason = "raw pointers are not Sync")]
// SAFETY: nothing changes a stack in use but who runs on it; see `Address`.
unsafe impl Sync for Stack {}

impl Stacks {
    /// How many mappings each stack has.
    pub(super) fn mappings() -> u64 {
        let page = page_size();
        let light = map(2 * page).is_ok_and(|begin| {
            let installed = install_guard(begin, page);
            unmap(begin, 2 * page);
            installed
        });
        if light { 0 } else { 2 }
    }
}

#[expect(unsafe_code, reason = "wasmtime requires the promises of the trait")]
// SAFETY: each stack is mapped readable and writable as long as it is in use, is aligned to pages, has a
// guard page below it, and is given to one user at a time. A new mapping is zero; `zeroed` is never asked
// for, since the engine does not set `async_stack_zeroing`.
unsafe impl StackCreator for Stacks {
    fn new_stack(&self, size: usize, _: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        let page = page_size();
        let size = size.max(1).next_multiple_of(page);
        let mut state = self.0.lock();
        // All stacks of an engine have the same size.
        let free = state.free.pop().filter(|place| place.size == size);
        let place = match free {
            Some(place) => place,
            None => state.new_arena(page, size)?,
        };
        drop(state);
        Ok(Box::new(Stack {
            place,
            arenas: Arc::clone(&self.0),
        }))
    }
}

/// The size of a page of memory, in bytes. Asked of the C library, since `rustix::param` reads what valgrind
/// does not provide.
#[expect(unsafe_code, reason = "sysconf is a function of C")]
fn page_size() -> usize {
    // SAFETY: it only returns a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

impl Arenas {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Maps another arena, and returns one of its stacks.
    fn new_arena(&mut self, guard: usize, size: usize) -> io::Result<Place> {
        let length = COUNT * (guard + size);
        let arena = map(length)?;
        self.mapped.push((arena, length));
        for at in (0..COUNT).rev() {
            let begin = arena.plus(at * (guard + size));
            if !install_guard(begin, guard) {
                protect(begin, guard)?;
            }
            self.free.push(Place { begin, guard, size });
        }
        let none = || io::Error::from(io::ErrorKind::OutOfMemory);
        self.free.pop().ok_or_else(none)
    }
}

#[expect(unsafe_code, reason = "wasmtime requires the promises of the trait")]
// SAFETY: see `Stacks`.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.place.bottom().plus(self.place.size).0.as_ptr()
    }

    fn range(&self) -> Range<usize> {
        let bottom = self.place.bottom().0.as_ptr().addr();
        bottom..bottom + self.place.size
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.place.begin.0.as_ptr()..self.place.bottom().0.as_ptr()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let mut state = self.arenas.lock();
        let kept = if state.free.len() < WARM { KEPT } else { 0 };
        drop(state);
        forget(self.place.bottom(), self.place.size.saturating_sub(kept));
        state = self.arenas.lock();
        state.free.push(self.place);
    }
}

impl Drop for Arenas {
    fn drop(&mut self) {
        let state = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (arena, length) in state.mapped.drain(..) {
            unmap(arena, length);
        }
    }
}

impl Place {
    /// The lowest address of the stack.
    fn bottom(self) -> Address {
        self.begin.plus(self.guard)
    }
}

impl Address {
    fn plus(self, bytes: usize) -> Self {
        // An arena does not reach the end of the address space.
        Self(self.0.map_addr(|address| address.saturating_add(bytes)))
    }
}

/// Maps memory for stacks. Memory that is not touched costs nothing.
fn map(length: usize) -> io::Result<Address> {
    let (access, flags) = (
        ProtFlags::READ | ProtFlags::WRITE,
        MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::STACK,
    );
    #[expect(unsafe_code, reason = "mapping memory has no safe interface")]
    // SAFETY: the system chooses the address, so nothing that is mapped already is affected.
    let mapped = unsafe { mmap_anonymous(std::ptr::null_mut(), length, access, flags) }?;
    #[expect(unsafe_code, reason = "advice about memory has no safe interface")]
    // SAFETY: the memory was just mapped. The advice does not change what is in it. Otherwise a stack
    // of which one page is used could take 2 MiB.
    let advised = unsafe { madvise(mapped, length, Advice::LinuxNoHugepage) };
    // A system without huge pages does not know the advice.
    let _ignored = advised;
    NonNull::new(mapped.cast())
        .map(Address)
        .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// Makes a page that must not be touched, without a mapping of its own. Returns whether the system can.
fn install_guard(at: Address, length: usize) -> bool {
    #[expect(unsafe_code, reason = "advice about memory has no safe interface")]
    // SAFETY: the range is in a mapping of this module, and belongs to no stack.
    let result = unsafe { libc::madvise(at.0.as_ptr().cast(), length, GUARD_INSTALL) };
    result == 0
}

/// Makes a page that must not be touched, in a mapping of its own.
fn protect(at: Address, length: usize) -> io::Result<()> {
    #[expect(unsafe_code, reason = "protecting memory has no safe interface")]
    // SAFETY: as in `install_guard`.
    let protected = unsafe { mprotect(at.0.as_ptr().cast(), length, MprotectFlags::empty()) };
    Ok(protected?)
}

/// Returns the memory of a stack that nobody uses to the system. It is zero afterwards.
fn forget(at: Address, length: usize) {
    #[expect(unsafe_code, reason = "advice about memory has no safe interface")]
    // SAFETY: the range is the lower part of a stack that is no longer in use.
    let advised = unsafe { madvise(at.0.as_ptr().cast(), length, Advice::LinuxDontNeed) };
    // If it fails, the memory stays until the stack is used again.
    let _ignored = advised;
}

fn unmap(at: Address, length: usize) {
    #[expect(unsafe_code, reason = "unmapping memory has no safe interface")]
    // SAFETY: the range was mapped by `map`, and no stack in it is in use.
    let unmapped = unsafe { munmap(at.0.as_ptr().cast(), length) };
    debug_assert!(unmapped.is_ok());
}

#[cfg(test)]
#[expect(unsafe_code, reason = "a stack is memory behind raw pointers")]
mod tests {
    use super::*;
    use std::fs;

    const SIZE: usize = 256 << 10;

    fn mappings() -> usize {
        let maps = fs::read_to_string("/proc/self/maps").expect("readable");
        maps.lines().count()
    }

    #[test]
    fn stacks_do_not_overlap_and_are_writable() {
        let stacks = Stacks::default();
        let all: Vec<_> = (0..3 * COUNT)
            .map(|_| stacks.new_stack(SIZE, false).expect("a stack"))
            .collect();
        let mut ranges: Vec<_> = all.iter().map(|stack| stack.range()).collect();
        ranges.sort_by_key(|range| range.start);
        assert!(ranges.windows(2).all(|two| two[0].end < two[1].start));
        for stack in &all {
            assert_eq!(stack.range().len(), SIZE);
            assert_eq!(stack.top().addr(), stack.range().end);
            assert_eq!(stack.guard_range().end.addr(), stack.range().start);
            // SAFETY: the last byte of a stack that this test has.
            unsafe { stack.top().sub(1).write(7) };
        }
    }

    #[test]
    fn a_stack_given_back_is_used_again_and_empty_below() {
        let stacks = Stacks::default();
        let first = stacks.new_stack(SIZE, false).expect("a stack");
        let (range, bottom) = (first.range(), first.guard_range().end);
        // SAFETY: the first byte of a stack that this test has.
        unsafe { bottom.write(7) };
        drop(first);
        let again = stacks.new_stack(SIZE, false).expect("a stack");
        assert_eq!(again.range(), range);
        // SAFETY: as above.
        assert_eq!(unsafe { again.guard_range().end.read() }, 0);
    }

    #[test]
    fn many_stacks_have_few_mappings() {
        let stacks = Stacks::default();
        let before = mappings();
        let all: Vec<_> = (0..4 * COUNT)
            .map(|_| stacks.new_stack(SIZE, false).expect("a stack"))
            .collect();
        let each = Stacks::mappings() as usize;
        // Other tests map memory, too.
        let more = mappings().saturating_sub(before);
        assert!(more <= each * all.len() + 40, "{more}");
    }
}
