//! Paths that begin alike, as a tree.
//!
//! In: paths from settings, and what belongs to each. Out: the branch for a name or an index, in a time that
//! depends on the settings alone.
//! Not here: reading lines.

use crate::{Path, Step};

/// What belongs to a place in a document, and the places inside it.
#[derive(Debug, Default)]
pub struct Tree<T> {
    /// What belongs to this place.
    pub data: T,
    children: Vec<(Step, Tree<T>)>,
    /// The names of children, sorted.
    names: Vec<Name>,
    /// Bit `n` is set if a name has `n` bytes, modulo 64: most names of lines are refused by it.
    lengths: u64,
    /// The indices of children in an array, and which child has each; sorted.
    elements: Vec<(usize, usize)>,
    /// The child that every element of an array has.
    each: Option<usize>,
}

/// The name of a child. Names are told apart by their lengths and first bytes, as far as possible.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    length: usize,
    prefix: u64,
    name: String,
    child: usize,
}

impl<T: Default> Tree<T> {
    /// The place at `path`, which is added if it is not there yet.
    ///
    /// # Errors
    /// Another path names the same element in another way.
    pub fn insert(&mut self, path: &Path) -> Result<&mut Tree<T>, String> {
        let mut tree = self;
        for step in path.steps() {
            tree = tree.child(step, path)?;
        }
        Ok(tree)
    }

    fn child(&mut self, step: &Step, path: &Path) -> Result<&mut Tree<T>, String> {
        let known = self.children.iter().position(|(known, _)| known == step);
        let index = match known {
            Some(index) => index,
            None => self.add(step).ok_or_else(|| {
                format!(
                    "`{path}` and another path name the same element of an array in different ways"
                )
            })?,
        };
        Ok(&mut self.children[index].1)
    }

    /// Adds a child; `None` if an element would have two.
    fn add(&mut self, step: &Step) -> Option<usize> {
        let child = self.children.len();
        let (name, index) = match step {
            Step::Name(name) => (Some(name), None),
            Step::Index(index) => (None, Some(*index)),
            Step::NameOrIndex(name, index) => (Some(name), Some(*index)),
            Step::Each => {
                if !self.elements.is_empty() {
                    return None;
                }
                self.each = Some(child);
                (None, None)
            }
        };
        if let Some(index) = index {
            let Err(at) = self
                .elements
                .binary_search_by_key(&index, |(other, _)| *other)
            else {
                return None;
            };
            if self.each.is_some() {
                return None;
            }
            self.elements.insert(at, (index, child));
        }
        if let Some(name) = name {
            let entry = Name {
                length: name.len(),
                prefix: first_bytes(name.as_bytes()),
                name: name.clone(),
                child,
            };
            self.lengths |= bit(entry.length);
            let at = self.names.partition_point(|other| *other < entry);
            self.names.insert(at, entry);
        }
        self.children.push((step.clone(), Tree::default()));
        Some(child)
    }
}

impl<T> Tree<T> {
    /// The child for a member of an object, by its decoded name.
    #[inline]
    pub fn member(&self, name: &[u8]) -> Option<usize> {
        if self.lengths & bit(name.len()) == 0 {
            return None;
        }
        self.search(name)
    }

    fn search(&self, name: &[u8]) -> Option<usize> {
        let (length, prefix) = (name.len(), first_bytes(name));
        let found = self.names.binary_search_by(|other| {
            let short = other.length.cmp(&length).then(other.prefix.cmp(&prefix));
            // The prefix has all of a short name.
            if length > 8 {
                short.then_with(|| other.name.as_bytes().cmp(name))
            } else {
                short
            }
        });
        found.ok().map(|at| self.names[at].child)
    }

    /// The child for an element of an array.
    #[inline]
    pub fn element(&self, index: usize) -> Option<usize> {
        if self.each.is_some() {
            return self.each;
        }
        let found = self
            .elements
            .binary_search_by_key(&index, |(other, _)| *other);
        found.ok().map(|at| self.elements[at].1)
    }

    /// Whether it has children that a value of this kind can have.
    #[inline]
    pub fn reaches_into(&self, kind: crate::Kind) -> bool {
        match kind {
            crate::Kind::Object => !self.names.is_empty(),
            crate::Kind::Array => self.each.is_some() || !self.elements.is_empty(),
            _ => false,
        }
    }

    /// The children, in the order in which they were added, with the steps to them.
    pub fn children(&self) -> &[(Step, Tree<T>)] {
        &self.children
    }

    /// The child for a member of an object, which is added if it is not there yet.
    pub fn member_or_insert(&mut self, name: &str) -> Option<&mut Tree<T>>
    where
        T: Default,
    {
        let child = match self.member(name.as_bytes()) {
            Some(child) => child,
            None => self.add(&Step::Name(name.to_owned()))?,
        };
        Some(&mut self.children[child].1)
    }

    /// The children for changes.
    pub fn children_mut(&mut self) -> &mut [(Step, Tree<T>)] {
        &mut self.children
    }
}

#[inline]
fn bit(length: usize) -> u64 {
    1 << (length % 64)
}

/// The first eight bytes of a name; all of it if it has fewer.
#[inline]
fn first_bytes(name: &[u8]) -> u64 {
    if let Some(first) = name.first_chunk() {
        return u64::from_le_bytes(*first);
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        // They overlap, which does no harm among names of the same length.
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    }
    name.iter()
        .fold(0, |prefix, byte| prefix << 8 | u64::from(*byte))
}
