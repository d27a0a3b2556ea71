//! The component's side of `wit/batch.wit` and `wit/state.wit`: calls of the host → a filter →
//! outcomes.
//!
//! Vectors are moved, not copied. What goes wrong here is the host's breach of the contract, and
//! traps. Public for the macro only.

use std::cell::RefCell;

use crate::{Filter, Handover, batch, handover, routes, settings};

/// What `wit-bindgen` makes of `wit/`.
#[expect(missing_docs, reason = "generated; the WIT has the documentation")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "filter",
        pub_export_macro: true,
        default_bindings_module: "linemill_sdk::guest::bindings",
        runtime_path: "linemill_sdk::guest::wit_bindgen::rt",
    });
}

/// The same of the optional part, exported beside the other: the two are one component then.
#[expect(missing_docs, reason = "generated; the WIT has the documentation")]
pub mod state_bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "only-state",
        pub_export_macro: true,
        default_bindings_module: "linemill_sdk::guest::state_bindings",
        runtime_path: "linemill_sdk::guest::wit_bindgen::rt",
    });
}

pub use bindings::exports::linemill::filter::batch::{
    Guest, Held, Lines, Outcome, Reason, Started,
};
pub use state_bindings::exports::linemill::filter::state::{Guest as StateGuest, Saved};
pub use wit_bindgen;

use bindings::exports::linemill::filter::batch::{Failure, Routed, Traits};

/// The contract this crate was written for.
const ABI: u32 = 1;

/// The one filter of a component, and its routes. No instance is ever entered twice at a time.
pub struct Running<F>(RefCell<Option<(F, Vec<String>)>>);

impl<F: Filter> Running<F> {
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    pub fn start(&self, settings: &[u8], abi: u32) -> Result<Started, Reason> {
        if abi < ABI {
            return Err(format!(
                "this filter needs a host that speaks abi {ABI}, not {abi}: update the host"
            )
            .into_bytes());
        }
        let filter = settings::read(settings)
            .and_then(F::new)
            .map_err(crate::Error::into_bytes)?;
        let traits = if filter.keeps_state() {
            Traits::KEEPS_STATE
        } else {
            Traits::empty()
        };
        let routes = routes::declared(&filter).map_err(crate::Error::into_bytes)?;
        let started = Started {
            traits,
            routes: routes
                .iter()
                .map(|name| name.clone().into_bytes())
                .collect(),
        };
        self.0.replace(Some((filter, routes)));
        Ok(started)
    }

    pub fn process(&self, input: Lines) -> Outcome {
        let input = batch::Lines {
            bytes: input.bytes,
            spans: input.spans,
        };
        let outcome = self.with(|filter, routes| batch::process(filter, routes, input));
        Outcome {
            output: Lines {
                bytes: outcome.output.bytes,
                spans: outcome.output.spans,
            },
            counts: outcome.counts,
            failures: outcome
                .failures
                .into_iter()
                .map(|failure| Failure {
                    line: failure.line,
                    reason: failure.reason,
                })
                .collect(),
            routes: routed(outcome.routes),
            close_after: outcome.close_after,
        }
    }

    pub fn finish(&self) -> Result<Held, Reason> {
        let held = self.with(|filter, routes| batch::finish(filter, routes))?;
        Ok(Held {
            output: Lines {
                bytes: held.output.bytes,
                spans: held.output.spans,
            },
            routes: routed(held.routes),
        })
    }

    fn with<R>(&self, call: impl FnOnce(&mut F, &[String]) -> R) -> R {
        match &mut *self.0.borrow_mut() {
            Some((filter, routes)) => call(filter, routes),
            None => panic!("called before start"),
        }
    }
}

impl<F: Handover> Running<F> {
    pub fn save(&self) -> Result<Saved, Reason> {
        let bytes = self.with(|filter, _| handover::save(filter));
        let saved = |bytes| Saved {
            tag: F::TAG.as_bytes().to_vec(),
            bytes,
        };
        bytes.map(saved).map_err(crate::Error::into_bytes)
    }

    pub fn restore(&self, state: &Saved) -> Result<(), Reason> {
        self.with(|filter, _| handover::restore(filter, &state.tag, &state.bytes))
            .map_err(crate::Error::into_bytes)
    }
}

fn routed(routes: Vec<batch::Routed>) -> Vec<Routed> {
    let moved = |batch::Routed { line, route }| Routed { line, route };
    routes.into_iter().map(moved).collect()
}

/// The exports of the component; part of `export!`.
#[doc(hidden)]
#[macro_export]
macro_rules! export_component {
    ($filter:ty $(: $handover:ident)?) => {
        const _: () = {
            ::std::thread_local! {
                static RUNNING: $crate::guest::Running<$filter> =
                    const { $crate::guest::Running::new() };
            }

            struct Component;

            impl $crate::guest::Guest for Component {
                fn start(
                    settings: ::std::vec::Vec<u8>,
                    abi: u32,
                ) -> ::core::result::Result<$crate::guest::Started, $crate::guest::Reason> {
                    RUNNING.with(|running| running.start(&settings, abi))
                }

                fn process(input: $crate::guest::Lines) -> $crate::guest::Outcome {
                    RUNNING.with(|running| running.process(input))
                }

                fn finish() -> ::core::result::Result<$crate::guest::Held, $crate::guest::Reason> {
                    RUNNING.with(|running| running.finish())
                }
            }

            $crate::guest::bindings::export!(Component with_types_in $crate::guest::bindings);

            $($crate::export_component!(@$handover);)?
        };
    };
    (@Handover) => {
        impl $crate::guest::StateGuest for Component {
            fn save() -> ::core::result::Result<$crate::guest::Saved, $crate::guest::Reason> {
                RUNNING.with(|running| running.save())
            }

            fn restore(
                state: $crate::guest::Saved,
            ) -> ::core::result::Result<(), $crate::guest::Reason> {
                RUNNING.with(|running| running.restore(&state))
            }
        }

        $crate::guest::state_bindings::export!(
            Component with_types_in $crate::guest::state_bindings
        );
    };
}
