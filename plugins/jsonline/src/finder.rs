//! Finds the values at several paths in one pass over a line.
//!
//! In: paths, and a line. Out: where their values are. The whole line is checked on the way.
//! If an object has a name twice, the last one counts, as for nearly all readers of JSON.
//! Not here: what the values are compared with (`conditions`).

use std::ops::Range;

use crate::{Kind, Path, Problem, Scan, Tree};

/// Finds values by path.
///
/// ```
/// use jsonline::{Finder, Path};
///
/// let mut finder = Finder::default();
/// for path in ["b[1]", "a.c"] {
///     finder.add(&Path::parse(path)?)?;
/// }
/// let line = br#"{"a": {"c": null}, "b": [1, 2]}"#;
/// let mut found = Vec::new();
/// finder.find(line, &mut found)?;
/// assert_eq!(found, [(1, 12..16), (0, 28..29)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Finder {
    /// The numbers of the paths that end at each place.
    tree: Tree<Vec<usize>>,
    count: usize,
}

/// Values: the number of the path, and where in the line the value is.
pub type Found = Vec<(usize, Range<usize>)>;

impl Finder {
    /// Adds a path. The first has the number 0.
    ///
    /// # Errors
    /// Another path names the same element in another way.
    pub fn add(&mut self, path: &Path) -> Result<(), String> {
        self.tree.insert(path)?.data.push(self.count);
        self.count += 1;
        Ok(())
    }

    /// Sets `found` to the values in `line`, in the order in which they end. A path with `[*]` may have
    /// several.
    ///
    /// # Errors
    /// The line is not JSON.
    pub fn find(&self, line: &[u8], found: &mut Found) -> Result<(), Problem> {
        found.clear();
        let mut scan = Scan::new(line)?;
        walk(&mut scan, line, &self.tree, found)?;
        scan.end()
    }
}

/// Reads the value that begins here. At most [`MAX_STEPS`](crate::MAX_STEPS) deep.
fn walk(
    scan: &mut Scan<'_>,
    line: &[u8],
    tree: &Tree<Vec<usize>>,
    found: &mut Found,
) -> Result<Range<usize>, Problem> {
    let start = scan.at();
    let kind = scan.kind()?;
    if !tree.reaches_into(kind) {
        return scan.value();
    }
    let mut open = scan.open();
    if kind == Kind::Object {
        let before = found.len();
        while let Some(name) = scan.name(&mut open)? {
            match tree.member(&name.decode(line)) {
                None => {
                    scan.value()?;
                }
                Some(child) => {
                    let child = &tree.children()[child].1;
                    if found.len() > before {
                        forget(child, found, before);
                    }
                    visit(scan, line, child, found)?;
                }
            }
        }
    } else {
        let mut index = 0;
        while scan.element(&mut open)? {
            match tree.element(index) {
                None => {
                    scan.value()?;
                }
                Some(child) => visit(scan, line, &tree.children()[child].1, found)?,
            }
            index += 1;
        }
    }
    Ok(start..scan.at())
}

fn visit(
    scan: &mut Scan<'_>,
    line: &[u8],
    child: &Tree<Vec<usize>>,
    found: &mut Found,
) -> Result<(), Problem> {
    let value = walk(scan, line, child, found)?;
    found.extend(child.data.iter().map(|&path| (path, value.clone())));
    Ok(())
}

/// Removes what an earlier member of the same name had, which was found from `before` on.
fn forget(child: &Tree<Vec<usize>>, found: &mut Found, before: usize) {
    let mut index = 0;
    found.retain(|(path, _)| {
        index += 1;
        index <= before || !leads_to(child, *path)
    });
}

fn leads_to(tree: &Tree<Vec<usize>>, path: usize) -> bool {
    tree.data.contains(&path)
        || tree
            .children()
            .iter()
            .any(|(_, child)| leads_to(child, path))
}
