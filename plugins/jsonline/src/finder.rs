//! Finds the values at several paths in one pass over a line.
//!
//! In: paths, and a line. Out: where their values are. The whole line is checked on the way.
//! If an object has a name twice, the last one counts, as for nearly all readers of JSON. Such a line is read
//! twice.
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
/// found.sort_by_key(|(path, _)| *path);
/// assert_eq!(found, [(0, 28..29), (1, 12..16)]);
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

    /// Sets `found` to the values in `line`. A path with `[*]` may have several, which are in the order of the
    /// line; otherwise the order is not specified.
    ///
    /// # Errors
    /// The line is not JSON.
    pub fn find(&self, line: &[u8], found: &mut Found) -> Result<(), Problem> {
        let mut first = Once {
            found,
            twice: false,
        };
        read(line, &self.tree, &mut first)?;
        if first.twice {
            // Rare, so that allocations do not matter.
            let mut last = Last {
                found: vec![Vec::new(); self.count],
            };
            read(line, &self.tree, &mut last)?;
            found.clear();
            for (path, values) in last.found.into_iter().enumerate() {
                found.extend(values.into_iter().map(|value| (path, value)));
            }
        }
        Ok(())
    }
}

/// Where values are collected.
trait Collect {
    /// What is remembered at the beginning of an object.
    type Mark;

    /// Begins a new line.
    fn clear(&mut self) {}

    /// An object begins.
    fn mark(&self) -> Self::Mark;

    /// An object has a member a second time. Its earlier values were added after `mark`.
    fn again(&mut self, mark: &Self::Mark, member: &Tree<Vec<usize>>);

    /// Adds a value at these paths.
    fn add(&mut self, paths: &[usize], value: Range<usize>);
}

/// Collects values as long as no object has a name twice.
struct Once<'a> {
    found: &'a mut Found,
    twice: bool,
}

impl Collect for Once<'_> {
    type Mark = ();

    fn clear(&mut self) {
        self.found.clear();
    }

    fn mark(&self) {}

    fn again(&mut self, (): &(), _: &Tree<Vec<usize>>) {
        self.twice = true;
    }

    #[inline]
    fn add(&mut self, paths: &[usize], value: Range<usize>) {
        self.found
            .extend(paths.iter().map(|&path| (path, value.clone())));
    }
}

/// Collects values of any line, by path, so that those of a path can be forgotten in constant time.
struct Last {
    found: Vec<Vec<Range<usize>>>,
}

impl Collect for Last {
    /// How many values each path has.
    type Mark = Vec<usize>;

    fn mark(&self) -> Vec<usize> {
        self.found.iter().map(Vec::len).collect()
    }

    fn again(&mut self, mark: &Vec<usize>, member: &Tree<Vec<usize>>) {
        for &path in &member.data {
            self.found[path].truncate(mark[path]);
        }
        for (_, child) in member.children() {
            self.again(mark, child);
        }
    }

    fn add(&mut self, paths: &[usize], value: Range<usize>) {
        for &path in paths {
            self.found[path].push(value.clone());
        }
    }
}

#[inline]
fn read(line: &[u8], tree: &Tree<Vec<usize>>, to: &mut impl Collect) -> Result<(), Problem> {
    to.clear();
    let mut scan = Scan::new(line)?;
    walk(&mut scan, line, tree, to)?;
    scan.end()
}

/// Reads the value that begins here. At most [`MAX_STEPS`](crate::MAX_STEPS) deep.
fn walk(
    scan: &mut Scan<'_>,
    line: &[u8],
    tree: &Tree<Vec<usize>>,
    to: &mut impl Collect,
) -> Result<Range<usize>, Problem> {
    let start = scan.at();
    let kind = scan.kind()?;
    if !tree.reaches_into(kind) {
        return scan.value();
    }
    let mut open = scan.open();
    if kind == Kind::Object {
        let mark = to.mark();
        // A bit for each child; children beyond the 64th share them, which only takes time.
        let mut seen = 0u64;
        while let Some(name) = scan.name(&mut open)? {
            match tree.member(&name.decode(line)) {
                None => {
                    scan.value()?;
                }
                Some(index) => {
                    let child = &tree.children()[index].1;
                    let bit = 1 << (index % 64);
                    if seen & bit != 0 {
                        to.again(&mark, child);
                    }
                    seen |= bit;
                    visit(scan, line, child, to)?;
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
                Some(child) => visit(scan, line, &tree.children()[child].1, to)?,
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
    to: &mut impl Collect,
) -> Result<(), Problem> {
    let value = walk(scan, line, child, to)?;
    to.add(&child.data, value);
    Ok(())
}
