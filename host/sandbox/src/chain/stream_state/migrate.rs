//! Migration of a stream to another chain.
//!
//! In: a stream between two batches, and the next chain. Out: the lines that leaving filters held
//! back, as the old chain's output. A filter that is in both chains keeps its instance. A filter
//! succeeded by another of its name hands its state over (`filter::handover`), or stays for this
//! stream.
//! Not here: when to move.

use std::sync::Arc;

use super::{Chain, ChainOutput, Stage, StageState, StreamState};
use crate::filter::HandedOver;
use crate::verdict::Rules;
use linemill_framing::Lines;

#[cfg(test)]
mod tests;

impl StreamState {
    /// Moves the stream to another chain. Returns the lines that leaving filters held back.
    ///
    /// Works in the order of the stages: lines that an earlier filter held back pass through the later
    /// stages of the old chain, and change their state before that is handed over.
    pub async fn move_to(&mut self, chain: Arc<Chain>, rules: Rules) -> ChainOutput {
        let old: Vec<_> = (0..self.stages.len())
            .map(|at| self.stage(at).filter.base_name())
            .collect();
        let new: Vec<_> = chain
            .stages
            .iter()
            .map(|stage| stage.filter.base_name())
            .collect();
        let successors = successors(&old, &new);
        let mut stages: Vec<_> = new.iter().map(|_| StageState::default()).collect();
        let mut batch = self.batch(Lines::default());
        for (at, successor) in successors.into_iter().enumerate() {
            self.step(at, &mut batch).await;
            let own = std::mem::take(&mut self.stages[at].own);
            if let Some(next) = successor {
                let shadow = self.stages[at].shadow.take();
                let on_trial = chain.stages[next].shadow(self.cohort);
                stages[next].shadow = shadow
                    .filter(|shadow| on_trial.is_some_and(|stage| shadow.is_of(stage.filter())));
                // Another version of the filter may handle the lines on which this one kept failing.
                let stage = chain.stages[next].of(self.cohort);
                if Arc::ptr_eq(&self.stage(at).filter, &stage.filter) {
                    stages[next].breaker = std::mem::take(&mut self.stages[at].breaker);
                }
            }
            if own.is_none() || batch.close.is_some() {
                continue;
            }
            let next =
                successor.map(|next| (chain.stages[next].of(self.cohort), &mut stages[next]));
            let leaving = match next {
                None => own,
                Some((stage, next)) => {
                    let filter = &self.stage(at).filter;
                    if Arc::ptr_eq(filter, &stage.filter) {
                        next.own = own;
                        continue;
                    }
                    if !own.has_state() {
                        continue;
                    }
                    match stage.filter.take_over(filter, own).await {
                        HandedOver::Restored(own) => {
                            next.own = own;
                            continue;
                        }
                        HandedOver::Kept(own) => {
                            let mut kept = Stage::new(Arc::clone(filter), stage.when.clone());
                            kept.resolve_routes(&chain.routes);
                            kept.generation = self.stage(at).generation;
                            let kept = Some(Box::new(kept));
                            (next.own, next.kept) = (own, kept);
                            next.breaker = std::mem::take(&mut self.stages[at].breaker);
                            continue;
                        }
                        HandedOver::Fresh(own) => own,
                    }
                }
            };
            self.flush(at, leaving, &mut batch).await;
        }
        let output = batch.end(&self.chain.routes);
        (self.chain, self.rules, self.stages) = (chain, rules, stages);
        output
    }
}

/// For each of the `old` names, the index of its successor among the `new`: the first of a name
/// succeeds the first, the second succeeds the second. `None` if `new` has fewer of that name.
fn successors(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    let successor = |(at, name)| {
        let before = old[..at].iter().filter(|other| *other == name).count();
        let same = new.iter().enumerate().filter(|(_, other)| *other == name);
        same.map(|(index, _)| index).nth(before)
    };
    old.iter().enumerate().map(successor).collect()
}
