//! Calls of a filter: an instance is taken or started, called, and given back.
//!
//! In: lines of a stream. Out: verdicts or a [`Fault`], after which the instance is gone; at the end
//! of a stream, the lines that the filter held back.
//! Not here: what follows a fault (`supervise`), the calls into the guest (`instance`).

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use super::{Filter, OwnInstance};
use crate::client_network::ClientNetwork;
use crate::engine::slots;
use crate::fault::{Fault, FaultKind};
use crate::instance::{Instance, NotStarted, Start};
use crate::limits::room::Room;
use crate::metrics::RetirementResult;
use crate::origin::Origin;
use crate::plugin::Linked;
use crate::supervise::capsule::State;
use crate::supervise::host_wait::{HostWait, contained};
use crate::supervise::supervisor::{CallContext, Supervised};
use crate::verdict::routed_lines::HeldLines;
use crate::verdict::{Failed, HeldVerdicts, Verdicts, judge, judge_held};
use linemill_budget::Urgency;
use linemill_framing::Lines;

/// By how many bytes an instance may have grown since its start to be kept for the next call.
const GROWN: u64 = 4 << 20;

impl Supervised for Filter {
    type Own = OwnInstance;

    /// Calls an instance. Gives it back to the stream or to the pool, unless the call failed.
    async fn call(
        &self,
        own: &mut OwnInstance,
        input: &mut Lines,
        context: CallContext<'_>,
    ) -> Result<Verdicts, Fault> {
        let CallContext {
            rules,
            route_indices,
            ..
        } = context;
        let mut instance = self.instance(own, context.origin).await?;
        let started = Instant::now();
        let outcome = instance
            .process(&self.engine, self.bounds, input, (rules, context.origin))
            .await;
        self.supervisor
            .accounting()
            .metrics()
            .call_seconds
            .observe(started.elapsed());
        self.supervisor.accounting().metrics().calls.inc();
        if outcome
            .as_ref()
            .is_err_and(|fault| fault.kind == FaultKind::Deadline)
        {
            let overrun = instance.overrun().as_secs_f64();
            self.supervisor
                .accounting()
                .metrics()
                .overrun_seconds
                .observe(overrun);
        }
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(fault) => return Err(self.failed(own, instance, fault, context.origin)),
        };
        instance.failed_by_host = false;
        instance.tick_soon();
        match judge(input, outcome, rules, route_indices, self.on_error()) {
            Ok(verdicts) => {
                self.give_back(own, instance);
                Ok(verdicts)
            }
            Err(broken) => {
                let fault = Fault::new(FaultKind::Outcome, broken.to_string());
                self.lose(&instance, 1, &fault, context.origin);
                Err(fault)
            }
        }
    }

    async fn state(&self, own: &mut OwnInstance) -> Option<State> {
        self.state_for_capsule(own).await
    }

    fn capture(
        &self,
        content: &[u8],
        fault: &Fault,
        before: Option<State>,
        context: CallContext<'_>,
    ) {
        self.write_capsule(content, fault, before, context);
    }
}

impl Filter {
    /// Ends a stream: returns the lines that the filter still holds. There are none if the filter
    /// keeps no state or was never called for this stream.
    pub(crate) async fn finish(&self, own: OwnInstance, context: CallContext<'_>) -> HeldLines {
        let CallContext {
            rules,
            route_indices,
            ..
        } = context;
        let accounting = self.supervisor.accounting();
        let Some(mut instance) = own.0.filter(|instance| instance.keeps_state) else {
            return HeldLines::default();
        };
        let ticked = self.last_tick(&mut instance, context).await;
        let mut held_back = match ticked {
            Some(due) => due,
            None if instance.failed_by_host => return HeldLines::lost(),
            None => return HeldLines::default(),
        };
        let mut wait: Option<HostWait> = None;
        let judged = loop {
            let finishing = async {
                let stream = (rules, context.origin);
                let answer = instance.finish(&self.engine, self.bounds, stream);
                judge_held(&answer.await?, rules, route_indices)
                    .map_err(|broken| Fault::new(FaultKind::Outcome, broken.to_string()))
            };
            let finished = contained(pin!(finishing)).await;
            match finished {
                Err(fault) if fault.kind.is_of_host() => {
                    let wait = wait.get_or_insert_with(HostWait::begin);
                    if !wait.again(accounting, &fault, context.origin).await {
                        held_back.append(HeldLines::lost());
                        return held_back;
                    }
                }
                // The instance did not survive the fault of the host.
                Err(_) if wait.is_some() || instance.failed_by_host => {
                    held_back.append(HeldLines::lost());
                    return held_back;
                }
                judged => break judged,
            }
        };
        let judged = judged.unwrap_or_else(|fault| {
            accounting.failures(fault.kind, 1, &fault.reason, context.origin);
            self.lose(&instance, 0, &fault, context.origin);
            HeldVerdicts::default()
        });
        held_back.append(self.count_held(judged, context));
        held_back
    }

    /// The lines that a filter held back. Those that the stream does not allow are counted.
    pub(super) fn count_held(&self, judged: HeldVerdicts, context: CallContext<'_>) -> HeldLines {
        let accounting = self.supervisor.accounting();
        let HeldVerdicts { mut held, failed } = judged;
        for (failed, content) in failed {
            let Failed { kind, reason, .. } = &failed;
            let reason = format!("a line that the filter held back: {reason}");
            accounting.failures(*kind, 1, &reason, context.origin);
            accounting.quarantine(context.origin, *kind, &reason, &content);
            if context.observed {
                held.failed.push((failed, content));
            }
        }
        held
    }

    /// The stream's own instance, an idle one from the pool, or a new one.
    async fn instance(
        &self,
        own: &mut OwnInstance,
        origin: &Origin,
    ) -> Result<Box<Instance>, Fault> {
        if own.0.as_deref().is_some_and(|own| self.is_due(own)) {
            // Boxed, since this future is large and rarely needed.
            Box::pin(self.retire(own)).await;
        }
        if let Some(own) = own.0.take() {
            return Ok(own);
        }
        if !self.exclusive
            && let Some(pooled) = self.pool.take()
        {
            return Ok(pooled);
        }
        let client = origin.client().filter(|_| self.exclusive);
        let room = own.1.take().map(|room| *room);
        // Boxed, since this future is large and rarely needed.
        let starting = Box::pin(self.start_one(room, client));
        match starting.await {
            // An instance that serves somebody else will be free in a moment.
            Err(fault) if fault.kind == FaultKind::Host && !self.exclusive => {
                let returned = Box::pin(self.pool.returned()).await;
                returned.ok_or(fault)
            }
            started => started.map(Box::new),
        }
    }

    /// Starts an instance: in a slot if the filter has failed before and a slot is free. `room` is what
    /// has been reserved for it, and `client` the network of the client that it is for.
    pub(super) async fn start_one(
        &self,
        room: Option<Room>,
        client: Option<ClientNetwork>,
    ) -> Result<Instance, Fault> {
        let _turn = self.engine.starts().turn(client).await;
        let in_slot = match self.in_slots().await {
            Some(linked) => self.start_of(linked, None).await,
            None => Err(NotStarted::NoSlot),
        };
        let started = match in_slot {
            Err(NotStarted::NoSlot) => self.start_of(&self.plugin.linked, room).await,
            started => started,
        };
        match started.map_err(|not_started| not_started.into_fault().at_start())? {
            (instance, routes) if routes == self.routes => Ok(instance),
            _ => Err(Fault::new(
                FaultKind::Outcome,
                "it declares different routes than before with the same settings",
            )
            .at_start()),
        }
    }

    /// The plugin linked for the engine with slots, if the filter has failed before and the plugin
    /// fits into a slot.
    async fn in_slots(&self) -> Option<&Linked> {
        if !self.supervisor.has_seen_faults() || self.bounds.limits.tables > slots::ELEMENTS {
            return None;
        }
        if !self.plugin.knows_slots() {
            let (engine, plugin) = (Arc::clone(&self.engine), Arc::clone(&self.plugin));
            let making = tokio::task::spawn_blocking(move || plugin.in_slots(&engine).is_some());
            // If this fails, instances are started outside slots, as before the fault.
            drop(making.await);
        }
        self.plugin.in_slots(&self.engine)
    }

    async fn start_of(
        &self,
        plugin: &Linked,
        room: Option<Room>,
    ) -> Result<(Instance, Vec<String>), NotStarted> {
        let take = || Room::take(self.engine.budget(), self.cost, Urgency::More);
        let start = Start {
            bounds: self.bounds,
            time: self.start_time,
            settings: &self.json,
            import_context: &self.import_context,
            gauge: self.supervisor.accounting().metrics().instances.clone(),
            room: room.map_or_else(take, Ok)?,
        };
        Instance::start(&self.engine, plugin, start).await
    }

    /// The fault of a call of `instance`, which is dropped. But if the host could not make the call, the
    /// stream keeps its own instance: its state may be unharmed, and the call will be made again.
    fn failed(
        &self,
        own: &mut OwnInstance,
        mut instance: Box<Instance>,
        fault: Fault,
        origin: &Origin,
    ) -> Fault {
        if fault.kind.is_of_host() {
            instance.failed_by_host = true;
            if self.exclusive {
                own.0 = Some(instance);
            }
            fault
        } else if instance.failed_by_host {
            Fault {
                kind: FaultKind::Host,
                ..fault
            }
        } else {
            self.lose(&instance, 1, &fault, origin);
            fault
        }
    }

    /// Counts the state of an instance that a fault has ended, if it had any before its last `calls`.
    pub(super) fn lose(&self, instance: &Instance, calls: u64, fault: &Fault, origin: &Origin) {
        if instance.keeps_state && (instance.restored || instance.calls > calls) {
            self.supervisor.accounting().state_lost(fault, origin);
        }
    }

    fn give_back(&self, own: &mut OwnInstance, instance: Box<Instance>) {
        if self.exclusive {
            own.0 = Some(instance);
        } else if self.is_due(&instance) {
            self.count(RetirementResult::Replaced);
        } else if instance.held() <= self.cost.bytes + GROWN {
            self.pool.put(instance);
        }
        // Otherwise a long line has made it grow, and memory of a guest never shrinks: the next instance is
        // small again.
    }
}
