//! Captures a trap: collects the contents of a trap capsule.
//!
//! In: a line, its fault, and the state that the instance had. Out: a capsule, if a folder for
//! capsules is configured and the rate limit allows it. Without a folder, no instance is asked for
//! its state.
//! Not here: writing the file (`supervise::capsule`).

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{Filter, OwnInstance};
use crate::fault::{Fault, FaultKind};
use crate::instance::NotSaved;
use crate::supervise::capsule::{Capsule, State};
use crate::supervise::supervisor::CallContext;
use linemill_config::Keyword as _;
use linemill_config::settings::PluginRef;

impl Filter {
    /// The state of a stream's instance; `None` if no folder for capsules is configured.
    pub(super) async fn state_for_capsule(&self, own: &mut OwnInstance) -> Option<State> {
        self.supervisor.accounting().capsules()?;
        if !self.keeps_state {
            return Some(State::Stateless);
        }
        let Some(mut instance) = own.0.take() else {
            return Some(State::Fresh);
        };
        let saved = instance.save(&self.engine, self.bounds).await;
        let state = match saved {
            Ok(saved) => State::Saved {
                tag: String::from_utf8_lossy(&saved.tag).into_owned(),
                base64: BASE64_STANDARD.encode(&saved.bytes),
            },
            Err(NotSaved::Refused(why)) => State::Unknown { why },
            // The instance died at `save`, so the line is called with a new one.
            Err(NotSaved::Fault(_)) => return Some(State::Fresh),
        };
        own.0 = Some(instance);
        Some(state)
    }

    /// Writes a capsule for the fault of the line `content`. `before` is the state before the line,
    /// if it was saved.
    pub(super) fn write_capsule(
        &self,
        content: &[u8],
        fault: &Fault,
        before: Option<State>,
        context: CallContext<'_>,
    ) {
        let Some(capsules) = self.supervisor.accounting().capsules() else {
            return;
        };
        if fault.kind == FaultKind::Refused || !capsules.may_write() {
            return;
        }
        let unknown = || {
            if self.keeps_state {
                State::Unknown {
                    why: "the instance trapped before its state was saved".to_owned(),
                }
            } else {
                State::Stateless
            }
        };
        let settings = &self.settings;
        capsules.write(Capsule {
            capsule: 1,
            grant: settings
                .grant
                .iter()
                .map(|grant| grant.keyword().to_owned())
                .collect(),
            time: Capsule::now(),
            filter: settings.name.clone(),
            plugin: match &settings.plugin {
                PluginRef::Name(name) => name.clone(),
                PluginRef::Path(path) => path.display().to_string(),
            },
            sha256: self.digest().to_string(),
            settings: settings.settings.clone(),
            memory: settings.memory,
            deadline_ms: u64::try_from(settings.deadline.as_millis()).unwrap_or(u64::MAX),
            limits: settings.limits,
            stack: self.engine.stack(),
            framing: context.rules.framing.keyword().to_owned(),
            max_output: context.rules.max_output,
            listener: context.origin.listener.as_deref().map(str::to_owned),
            connection: context.origin.peer.map(|peer| peer.to_string()),
            kind: fault.kind.label().to_owned(),
            reason: fault.reason.clone(),
            backtrace: fault.backtrace.clone(),
            line: String::from_utf8_lossy(content).into_owned(),
            base64: BASE64_STANDARD.encode(content),
            state: before.unwrap_or_else(unknown),
        });
    }
}
