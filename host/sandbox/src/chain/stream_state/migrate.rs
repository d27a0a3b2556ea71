//! A stream goes on with another chain.
//!
//! In: a stream at rest, and the chain to follow. Out: the lines that filters held which leave, as
//! they come out of the old chain. A filter that both chains have keeps its instance; one of the
//! same name hands its state over (`stage::handover`), or stays for this stream.
//! Not here: when to move.

use std::sync::Arc;

use super::{Chain, ChainOutput, Stage, StageState, StreamState};
use crate::chain::batch::Batch;
use crate::filter::HandedOver;
use crate::verdict::Rules;
use linemill_framing::Lines;

#[cfg(test)]
mod tests;

impl StreamState {
    /// Goes on with another chain.
    ///
    /// Stages are taken in order: what an earlier one gives back as it leaves goes through the later
    /// ones of the old chain, and is part of their state before that is asked for.
    pub async fn move_to(&mut self, chain: Arc<Chain>, rules: Rules) -> ChainOutput {
        let old: Vec<_> = (0..self.stages.len())
            .map(|at| self.stage(at).filter.base_name())
            .collect();
        let new: Vec<_> = chain
            .stages
            .iter()
            .map(|stage| stage.filter.base_name())
            .collect();
        let heirs = heirs(&old, &new);
        let mut stages: Vec<_> = new.iter().map(|_| StageState::default()).collect();
        let mut batch = Batch::new(Lines::default());
        for (at, heir) in heirs.into_iter().enumerate() {
            self.step(at, &mut batch).await;
            let own = std::mem::take(&mut self.stages[at].own);
            if let Some(heir) = heir {
                let shadow = self.stages[at].shadow.take();
                let tried = chain.stages[heir].shadow(self.cohort);
                stages[heir].shadow =
                    shadow.filter(|shadow| tried.is_some_and(|tried| shadow.is_of(tried.filter())));
            }
            if own.is_none() || batch.close.is_some() {
                continue;
            }
            let heir = heir.map(|heir| (chain.stages[heir].of(self.cohort), &mut stages[heir]));
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
                        HandedOver::Restored(own) => {
                            place.own = own;
                            continue;
                        }
                        HandedOver::Kept(own) => {
                            let mut kept = Stage::new(Arc::clone(filter), stage.when.clone());
                            kept.lead(&chain.routes);
                            let kept = Some(Box::new(kept));
                            (place.own, place.kept) = (own, kept);
                            continue;
                        }
                        HandedOver::Fresh(own) => own,
                    }
                }
            };
            self.flush(at, leaves, &mut batch).await;
        }
        let flow = batch.end(&self.chain.routes);
        (self.chain, self.rules, self.stages) = (chain, rules, stages);
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
