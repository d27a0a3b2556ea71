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
    /// The names of children, and which child has each; sorted by length, then by name.
    names: Vec<(String, usize)>,
    /// Bit `n` is set if a name has `n` bytes, modulo 64: most names of lines are refused by it.
    lengths: u64,
    /// The indices of children in an array, and which child has each; sorted.
    elements: Vec<(usize, usize)>,
    /// The child that every element of an array has.
    each: Option<usize>,
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
            let key = (name.len(), name.as_str());
            let at = self
                .names
                .partition_point(|(other, _)| (other.len(), other.as_str()) < key);
            self.names.insert(at, (name.clone(), child));
            self.lengths |= bit(name.len());
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
        let key = (name.len(), name);
        let found = self
            .names
            .binary_search_by(|(other, _)| (other.len(), other.as_bytes()).cmp(&key));
        found.ok().map(|at| self.names[at].1)
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
