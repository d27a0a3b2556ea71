//! Lines that would come back to a listener that they have passed already.
//!
//! In: connections that this process has made to itself, each with the listeners whose lines it carries and
//! the listener that accepted it. Out: whether it would close a circle; then it is refused. A chain from one
//! listener to another is not a circle.
//! Not here: circles that a configuration shows (`control::circles`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which listeners send lines to which others, over connections that are open. Clones share this.
#[derive(Debug, Clone, Default)]
pub(super) struct Loops(Arc<Mutex<Open>>);

/// The number of connections from one listener to another, never 0.
type Open = HashMap<(Arc<str>, Arc<str>), usize>;

/// A connection from some listeners to another, until it is dropped.
#[derive(Debug)]
pub(super) struct Step {
    loops: Loops,
    pairs: Vec<(Arc<str>, Arc<str>)>,
}

impl Loops {
    /// Notes a connection that carries lines of the listeners `from`, and that `to` accepted.
    ///
    /// # Errors
    /// The circle that it would close, in the order of the lines.
    pub(super) fn enter(&self, from: &[Arc<str>], to: &Arc<str>) -> Result<Step, Vec<Arc<str>>> {
        let mut open = self.lock();
        for from in from {
            if let Some(mut circle) = path(&open, to, from) {
                circle.push(Arc::clone(to));
                return Err(circle);
            }
        }
        let pairs: Vec<_> = from
            .iter()
            .map(|from| (Arc::clone(from), Arc::clone(to)))
            .collect();
        for pair in &pairs {
            *open.entry(pair.clone()).or_default() += 1;
        }
        drop(open);
        Ok(Step {
            loops: self.clone(),
            pairs,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let mut open = self.loops.lock();
        for pair in &self.pairs {
            if let Some(count) = open.get_mut(pair) {
                *count -= 1;
                if *count == 0 {
                    open.remove(pair);
                }
            }
        }
    }
}

/// The listeners that lines pass from `start` to `end`, both included.
fn path(open: &Open, start: &Arc<str>, end: &Arc<str>) -> Option<Vec<Arc<str>>> {
    // Where each listener is reached from.
    let mut before: HashMap<&Arc<str>, Option<&Arc<str>>> = HashMap::from([(start, None)]);
    let mut waiting = vec![start];
    while let Some(now) = waiting.pop() {
        if now == end {
            let steps = std::iter::successors(Some(now), |now| before.get(now).copied().flatten());
            let mut passed: Vec<_> = steps.map(Arc::clone).collect();
            passed.reverse();
            return Some(passed);
        }
        for (_, next) in open.keys().filter(|(from, _)| from == now) {
            before.entry(next).or_insert_with(|| {
                waiting.push(next);
                Some(now)
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(loops: &Loops, from: &str, to: &str) -> Result<Step, Vec<Arc<str>>> {
        loops.enter(&[from.into()], &to.into())
    }

    fn circle(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn only_what_closes_a_circle_is_refused() {
        let loops = Loops::default();
        assert_eq!(enter(&loops, "a", "a").err(), Some(circle(&["a", "a"])));
        let first = enter(&loops, "a", "b").expect("a chain");
        let _second = enter(&loops, "b", "c").expect("a chain");
        let again = enter(&loops, "a", "c").expect("two ways to one place");
        assert_eq!(
            enter(&loops, "c", "a").err(),
            Some(circle(&["a", "c", "a"]))
        );
        assert!(enter(&loops, "c", "b").is_err());
        let other = loops.enter(&circle(&["x", "c"]), &"b".into());
        assert!(other.is_err(), "one of several");
        drop(first);
        drop(again);
        let _now = enter(&loops, "c", "a").expect("nothing leads from a to c any more");
        assert!(enter(&loops, "a", "b").is_err());
    }

    #[test]
    fn what_has_ended_takes_no_memory() {
        let loops = Loops::default();
        let steps = [(); 3].map(|()| enter(&loops, "a", "b").expect("a chain"));
        drop(steps);
        assert!(loops.lock().is_empty());
    }
}
