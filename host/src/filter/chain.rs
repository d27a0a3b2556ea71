//! Chains: filters in order, and a stream's way through them.
//!
//! In: lines of a stream. Out: the lines that go on, and whether the stream ends there. A
//! [`Passage`] belongs to one stream and holds its instances of filters that keep state; a
//! [`Chain`] is shared. Between two batches a passage can move to another chain.
//! Not here: when to move, sockets, framing.

use std::sync::Arc;

use super::recover;
use super::stage::{Filter, Own};
use super::verdict::{Close, Rules};
use crate::lines::Lines;

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;

/// Filters in order; empty passes lines untouched.
#[derive(Default)]
pub struct Chain {
    stages: Vec<Arc<Filter>>,
}

/// One stream's way through a chain.
pub struct Passage {
    chain: Arc<Chain>,
    rules: Rules,
    /// As many as the chain has stages.
    own: Vec<Own>,
}

/// What comes out of a chain.
#[derive(Debug, Default)]
pub struct Flow {
    /// Lines to write.
    pub lines: Lines,
    /// The connection closes once they are written.
    pub close: Option<Close>,
}

impl Chain {
    /// A chain of these filters.
    pub fn new(stages: Vec<Arc<Filter>>) -> Self {
        Self { stages }
    }

    /// The filters, in order.
    pub fn stages(&self) -> &[Arc<Filter>] {
        &self.stages
    }
}

impl Passage {
    /// The way of a new stream through `chain`. No instance is made before the first line.
    pub fn new(chain: Arc<Chain>, rules: Rules) -> Self {
        let own = chain.stages.iter().map(|_| Own::default()).collect();
        Self { chain, rules, own }
    }

    /// Leads lines through the chain.
    pub async fn process(&mut self, lines: Lines) -> Flow {
        let mut flow = Flow { lines, close: None };
        for stage in 0..self.own.len() {
            self.step(stage, &mut flow).await;
        }
        flow
    }

    /// Ends the stream: leads its last lines through the chain, and after them what filters held.
    pub async fn finish(&mut self, last: Lines) -> Flow {
        self.flush(last, |_| true).await
    }

    /// Goes on with another chain. Filters that both chains share keep their state. What the
    /// others held comes out of the old chain.
    pub async fn move_to(&mut self, chain: Arc<Chain>, rules: Rules) -> Flow {
        let stays =
            |filter: &Arc<Filter>| chain.stages.iter().any(|other| Arc::ptr_eq(filter, other));
        let held = self.flush(Lines::default(), |filter| !stays(filter)).await;
        let mut old: Vec<_> = self.chain.stages.iter().zip(self.own.drain(..)).collect();
        let own = chain.stages.iter().map(|filter| {
            let same = old
                .iter()
                .position(|(other, own)| Arc::ptr_eq(filter, other) && !own.is_none());
            same.map_or_else(Own::default, |at| old.remove(at).1)
        });
        self.own = own.collect();
        self.chain = chain;
        self.rules = rules;
        held
    }

    /// Leads `lines` through the chain, adding behind each stage that `ends` what it held.
    async fn flush(&mut self, lines: Lines, ends: impl Fn(&Arc<Filter>) -> bool) -> Flow {
        let mut flow = Flow { lines, close: None };
        for stage in 0..self.own.len() {
            self.step(stage, &mut flow).await;
            let filter = &self.chain.stages[stage];
            if flow.close.is_none() && !self.own[stage].is_none() && ends(filter) {
                let held = filter
                    .finish(std::mem::take(&mut self.own[stage]), self.rules)
                    .await;
                if !held.is_empty() {
                    flow.lines.terminate(self.rules.framing);
                }
                flow.lines.append(held);
            }
        }
        flow
    }

    /// One stage. A stage that closes ends what earlier stages let through, so the first to do so
    /// in the order of lines decides.
    async fn step(&mut self, stage: usize, flow: &mut Flow) {
        if flow.lines.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut flow.lines);
        let judged = recover::run(
            &self.chain.stages[stage],
            &mut self.own[stage],
            lines,
            self.rules,
        )
        .await;
        flow.lines = judged.lines;
        flow.close = judged.close.or(flow.close);
    }
}
