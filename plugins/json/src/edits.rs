//! What changes in a line: a list of places, and what comes there.
//!
//! In: changes from left to right. Out: the new line. Not here: which changes there are (`rewrite`).

use linemill_sdk::Output;

/// The changes of one line, ascending and without overlaps.
#[derive(Default)]
pub(crate) struct Edits {
    list: Vec<Edit>,
}

/// Bytes that something else replaces. Three numbers of four bytes, since a line can have many.
struct Edit {
    from: u32,
    to: u32,
    with: With,
}

/// What comes there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    Nothing,
    /// A text of the rules, by its number.
    Text(u16),
    /// Nothing, if a member or element of the surrounding object or array changes. That has this depth. Until
    /// it has been read to its end, this is open.
    NothingIfChanged(u8),
}

// === impl Edits ===

impl Edits {
    /// Begins a new line.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// How many there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets all but the first `len` changes.
    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Adds a change. One that removes what follows a removed part, or that part and more, extends it.
    #[inline]
    pub(crate) fn push(&mut self, from: usize, to: usize, with: With) {
        if with == With::Nothing
            && let Some(last) = self.list.last_mut()
            && last.with == With::Nothing
            && last.to as usize >= from
        {
            last.to = to as u32;
            return;
        }
        self.list.push(Edit {
            from: from as u32,
            to: to as u32,
            with,
        });
    }

    /// Settles the changes from the one at `first` on that depended on whether something changes at `depth`.
    pub(crate) fn settle(&mut self, first: usize, depth: u8, changed: bool) {
        let open = With::NothingIfChanged(depth);
        if changed {
            for edit in self.list[first..]
                .iter_mut()
                .filter(|edit| edit.with == open)
            {
                edit.with = With::Nothing;
            }
        } else {
            let mut index = 0;
            self.list.retain(|edit| {
                index += 1;
                index <= first || edit.with != open
            });
        }
    }

    /// Writes the new line.
    #[inline]
    pub(crate) fn write(&self, line: &[u8], texts: &[Box<str>], out: &mut Output<'_>) {
        let mut written = 0;
        for &Edit { from, to, with } in &self.list {
            out.push(&line[written..from as usize]);
            if let With::Text(text) = with {
                out.push(texts[usize::from(text)].as_bytes());
            }
            written = to as usize;
        }
        out.emit(&line[written..]);
    }
}
