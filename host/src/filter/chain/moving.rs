//! A stream goes on with another chain.
//!
//! In: a stream at rest, and the chain to follow. Out: the lines that filters held which leave, as
//! they come out of the old chain. A filter that both chains have keeps its instance; one of the
//! same name hands its state over (`stage::handover`), or stays for this stream.
//! Not here: when to move.

use std::sync::Arc;

use super::{Chain, Flow, Passage, Place, Stage};
use crate::filter::course::Course;
use crate::filter::stage::Handed;
use crate::filter::verdict::Rules;
use crate::lines::Lines;

#[cfg(test)]
#[path = "moving_tests.rs"]
mod tests;

impl Passage {
    /// Goes on with another chain.
    ///
    /// Stages are taken in order: what an earlier one gives back as it leaves goes through the later
    /// ones of the old chain, and is part of their state before that is asked for.
    pub async fn move_to(&mut self, chain: Arc<Chain>, rules: Rules) -> Flow {
        let old: Vec<_> = (0..self.places.len())
            .map(|at| self.stage(at).filter.base_name())
            .collect();
        let new: Vec<_> = chain
            .stages
            .iter()
            .map(|stage| stage.filter.base_name())
            .collect();
        let heirs = heirs(&old, &new);
        let mut places: Vec<_> = new.iter().map(|_| Place::default()).collect();
        let mut course = Course::new(Lines::default());
        for (at, heir) in heirs.into_iter().enumerate() {
            self.step(at, &mut course).await;
            let own = std::mem::take(&mut self.places[at].own);
            if let Some(heir) = heir {
                let shadow = self.places[at].shadow.take();
                let tried = chain.stages[heir].shadow(self.lot);
                places[heir].shadow =
                    shadow.filter(|shadow| tried.is_some_and(|tried| shadow.is_of(tried.filter())));
            }
            if own.is_none() || course.close.is_some() {
                continue;
            }
            let heir = heir.map(|heir| (chain.stages[heir].of(self.lot), &mut places[heir]));
            let leaves = match heir {
                None => own,
                Some((stage, place)) => {
                    let filter = &self.stage(at).filter;
                    if Arc::ptr_eq(filter, &stage.filter) {
                        place.own = own;
                        continue;
                    }
                    if !own.has_state() {
                        continue;
                    }
                    match stage.filter.take_over(filter, own).await {
                        Handed::Restored(own) => {
                            place.own = own;
                            continue;
                        }
                        Handed::Kept(own) => {
                            let mut kept = Stage::new(Arc::clone(filter), stage.when.clone());
                            kept.lead(&chain.routes);
                            let kept = Some(Box::new(kept));
                            (place.own, place.kept) = (own, kept);
                            continue;
                        }
                        Handed::Fresh(own) => own,
                    }
                }
            };
            self.flush(at, leaves, &mut course).await;
        }
        let flow = course.end(&self.chain.routes);
        (self.chain, self.rules, self.places) = (chain, rules, places);
        flow
    }
}

/// For each of the `old` names, which of the `new` follows it: the first of that name follows the
/// first, the second the second. None when there are not as many.
fn heirs(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    let heir = |(at, name)| {
        let before = old[..at].iter().filter(|other| *other == name).count();
        let same = new.iter().enumerate().filter(|(_, other)| *other == name);
        same.map(|(heir, _)| heir).nth(before)
    };
    old.iter().enumerate().map(heir).collect()
}
