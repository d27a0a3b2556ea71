//! Moving a direction to the generation in force, between two blocks.

use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::Pump;
use crate::connections::end::End;
use crate::connections::metrics::KeptSettings;
use crate::connections::source::Source;
use crate::generation::{Direction, Snapshot};

impl<R: Source, W: AsyncWrite + Unpin> Pump<R, W> {
    /// Moves to the snapshot in force. Lines that filters of the old chain held back go first, to where
    /// the lines of that chain went.
    pub(super) async fn follow(&mut self) -> Result<(), End> {
        let direction = self.direction;
        let is_forward = direction == Direction::Forward;
        let (now, lease) = Snapshot::subscribe(&mut self.snapshot, is_forward);
        self.note_drain(now.drain_until(&self.listener));
        // When the listener has been removed, its last service applies until its connections end.
        let Some(service) = now.generation().services.get(&*self.listener) else {
            return Ok(());
        };
        if is_forward {
            tracing::Span::current().record("generation", now.generation().number);
        }
        if Arc::ptr_eq(service, &self.service) {
            self.lease = lease;
            return Ok(());
        }
        let (chain, rules) = (
            Arc::clone(service.chain(direction)),
            service.rules(self.framings.from),
        );
        let held_back = Box::pin(self.stream_state.move_to(chain, rules)).await;
        // To the sinks of the old chain: the new settings may have no route for them.
        let delivered = self.deliver(held_back).await;
        self.framer.set_settings(service.lines(self.framings.from));
        self.framings.unfit = service.to_unfit;
        let client = self.stream_state.origin().peer;
        self.throttle = service.throttle(direction, client);
        self.pause_if_over_rate();
        self.service = Arc::clone(service);
        // Only now: the old chain and its sinks were in use until here.
        self.lease = lease;
        self.follow_egress();
        delivered
    }

    /// From now on lines go where `service` says, as far as the connection can follow. Answers always go
    /// to the client.
    pub(super) fn follow_egress(&mut self) {
        if self.direction == Direction::Reply {
            return;
        }
        let keeps = self.sink.follow(&self.service.egress)
            || *self.service.ingress != *self.ingress
            || self.service.framings(self.direction).to != self.framings.to
                && self.sink.writes_to_socket();
        match (keeps, &self.kept) {
            (true, None) => self.kept = Some(KeptSettings::counted_in(&self.metrics)),
            (false, _) => self.kept = None,
            (true, Some(_)) => {}
        }
    }

    /// Learns from the snapshot in force when to end, and nothing else.
    pub(super) fn follow_drain(&mut self) {
        let until = {
            let snapshot = self.snapshot.borrow_and_update();
            snapshot.drain_until(&self.listener)
        };
        self.note_drain(until);
    }

    /// Ends no later than `until`.
    pub(super) fn note_drain(&mut self, until: Option<Instant>) {
        match (self.drain_until, until) {
            (None, Some(end)) => {
                let now = Instant::now();
                self.drain_until = until;
                self.drain_half = Some(now + end.saturating_duration_since(now) / 2);
                self.activity.touch();
            }
            (Some(set), Some(until)) => self.drain_until = Some(set.min(until)),
            (_, None) => {}
        }
    }
}
