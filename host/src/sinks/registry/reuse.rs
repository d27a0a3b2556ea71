//! Which running sink a generation being built uses for a destination.
//!
//! In: the keys of the sinks that run, and of those that the new generation will have. Out: the sink for
//! each key, if one runs already. A list of upstreams that a reload changes stays one sink, so that its
//! connection stays open and its lines keep their order: the sink goes on with the new list once the
//! generation is in force. Not here: starting sinks (`super`).

use super::{Key, Open};
use crate::sinks::shared_sink::SharedSink;
use crate::sinks::upstream::UpstreamList;

impl Open {
    /// The running sink for `key`, and a hold on it: the same, or one whose list differs and that no
    /// other destination of the new generation can claim.
    pub(super) fn reuse(&mut self, key: &Key) -> Option<SharedSink> {
        let is_same = |index: &usize| {
            let entry = &self.shared[*index];
            entry.next.as_ref().unwrap_or(&entry.key) == key
        };
        let mut same = (0..self.shared.len()).filter(is_same);
        if let Some(sink) = same.find_map(|index| self.shared[index].sink.hold()) {
            return Some(sink);
        }
        let is_free = |index: &usize| {
            let entry = &self.shared[*index];
            entry.next.is_none() && !self.expected.contains(&entry.key)
        };
        let mut free: Vec<_> = (0..self.shared.len())
            .filter(is_free)
            .filter(|index| self.shared[*index].key.in_common(key) > 0)
            .collect();
        // Those with the most upstreams in common first.
        free.sort_by_key(|index| std::cmp::Reverse(self.shared[*index].key.in_common(key)));
        let (index, sink) = free
            .into_iter()
            .find_map(|index| Some((index, self.shared[index].sink.hold()?)))?;
        self.shared[index].next = Some(key.clone());
        Some(sink)
    }

    /// Puts the lists of the generation that is in force now into effect.
    pub(super) fn change_lists(&mut self) {
        for entry in &mut self.shared {
            let Some(key) = entry.next.take() else {
                continue;
            };
            let before = entry.sink.upstreams();
            let options = before.as_ref().and_then(UpstreamList::options);
            let list =
                options.and_then(|options| UpstreamList::new(&key.to, &options, before.as_ref()));
            if let (Some(list), Some(sink)) = (list, entry.sink.hold()) {
                sink.set_upstreams(list);
            }
            entry.key = key;
        }
    }
}

impl Key {
    /// How many upstreams two sinks have in common, if one can go on as the other.
    fn in_common(&self, other: &Self) -> usize {
        let certificates = self.tls.as_ref().zip(other.tls.as_ref());
        if self.framing != other.framing || certificates.is_some_and(|(one, two)| one != two) {
            return 0;
        }
        let upstreams = self.to.upstreams().iter();
        upstreams
            .filter(|one| other.to.upstreams().contains(one))
            .count()
    }
}
