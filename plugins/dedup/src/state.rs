//! The state of the filter as bytes, for the instance that continues.
//!
//! In: a window and the lines that are shown with its counts, or bytes. Out: the other. Not here: which of
//! the entries the settings allow.
//!
//! The first byte says what follows. Without times and counts: the hashes of 16 bytes, by when they were last
//! seen. Otherwise an entry for each hash, by when it was new: the hash, its place in the order in which
//! they were last seen (2 bytes), then with times the time (8), and with counts the count (8), the length
//! of its line (2) and the line. All numbers are little-endian.

use linemill_sdk::Error;

use crate::window::{Entry, UNTIMED, Window};

/// What a state has of each entry.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) times: bool,
    pub(crate) counts: bool,
}

const TIMES: u8 = 1;
const COUNTS: u8 = 2;
const HASH: usize = 16;

/// The state. `line` returns the line that is shown with the count of a slot.
pub(crate) fn save<'a>(window: &Window, parts: Parts, line: impl Fn(u32) -> &'a [u8]) -> Vec<u8> {
    let mut state = vec![u8::from(parts.times) * TIMES + u8::from(parts.counts) * COUNTS];
    if !parts.times && !parts.counts {
        state.reserve_exact(window.len() * HASH);
        for (_, entry) in window.by_seen() {
            state.extend(entry.hash.to_le_bytes());
        }
        return state;
    }
    let mut places = Vec::new();
    for (place, (slot, _)) in window.by_seen().enumerate() {
        let slot = slot as usize;
        places.resize(places.len().max(slot + 1), 0);
        places[slot] = place as u16;
    }
    state.reserve_exact(window.len() * (HASH + 10));
    for (slot, entry) in window.by_new() {
        state.extend(entry.hash.to_le_bytes());
        state.extend(places[slot as usize].to_le_bytes());
        if parts.times {
            state.extend(entry.since.to_le_bytes());
        }
        if parts.counts {
            let line = line(slot);
            state.extend(entry.repeats.to_le_bytes());
            state.extend((line.len() as u16).to_le_bytes());
            state.extend(line);
        }
    }
    state
}

/// Fills an empty window. Passes the line that is shown with a count to `line`, with its slot.
pub(crate) fn restore(
    state: &[u8],
    window: &mut Window,
    mut line: impl FnMut(u32, &[u8]),
) -> Result<(), Error> {
    let Some((flags, rest)) = state.split_first() else {
        return Err(Error::new("the state is empty"));
    };
    let (times, counts) = (flags & TIMES != 0, flags & COUNTS != 0);
    if flags & !(TIMES | COUNTS) != 0 {
        return Err(Error::new(format!(
            "the state begins with {flags}, not 0 to 3"
        )));
    }
    if !times && !counts {
        return restore_hashes(rest, window);
    }
    let mut rest = Reader(rest);
    let mut slots: Vec<(u16, u32)> = Vec::new();
    while !rest.0.is_empty() {
        let hash = u128::from_le_bytes(rest.array()?);
        let place = u16::from_le_bytes(rest.array()?);
        let since = if times {
            u64::from_le_bytes(rest.array()?)
        } else {
            UNTIMED
        };
        let (repeats, shown) = if counts {
            let repeats = u64::from_le_bytes(rest.array()?);
            let length = u16::from_le_bytes(rest.array()?);
            (repeats, rest.take(length.into())?)
        } else {
            (0, &[][..])
        };
        let entry = Entry {
            hash,
            repeats,
            since,
        };
        let slot = window.put(entry).ok_or_else(twice)?;
        line(slot, shown);
        slots.push((place, slot));
    }
    slots.sort_unstable();
    if slots.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::new("the state has two hashes in the same place"));
    }
    slots.iter().for_each(|(_, slot)| window.see(*slot));
    Ok(())
}

/// Fills an empty window with hashes, by when they were last seen.
pub(crate) fn restore_hashes(state: &[u8], window: &mut Window) -> Result<(), Error> {
    let (hashes, rest) = state.as_chunks::<HASH>();
    if !rest.is_empty() {
        return Err(Error::new(format!(
            "the hashes of the state have {} bytes, which is not a multiple of {HASH}",
            state.len()
        )));
    }
    for hash in hashes {
        let entry = Entry {
            hash: u128::from_le_bytes(*hash),
            repeats: 0,
            since: UNTIMED,
        };
        window.put(entry).ok_or_else(twice)?;
    }
    Ok(())
}

fn twice() -> Error {
    Error::new("the state has a hash twice")
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(Self::short)?;
        self.0 = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(Self::short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn short() -> Error {
        Error::new("the state ends within an entry")
    }
}
