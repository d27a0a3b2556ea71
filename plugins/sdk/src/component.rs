//! The exports of a component, as `wit/batch.wit`, `wit/state.wit` and `wit/about.wit` define them.
//!
//! In: calls of the host. Out: what the filter returns for them. Vectors are moved, not copied. Not
//! here: running a filter on a block of lines (`batch`). A host that breaks the contract causes a
//! trap. The module is public only for the macro `export!`.

use std::cell::RefCell;

use crate::{About, Filter, Handover, Package, Timer, batch, handover, routes, settings};

use import_bindings::linemill::filter::last_words;

/// The bindings that `wit-bindgen` generates from the world `filter`.
#[expect(missing_docs, reason = "generated; documented in the WIT")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "filter",
        pub_export_macro: true,
        default_bindings_module: "linemill_sdk::component::bindings",
        runtime_path: "linemill_sdk::component::wit_bindgen::rt",
    });
}

/// The bindings for the optional interface `state`. A crate that exports both ends up as a single
/// component.
#[expect(missing_docs, reason = "generated; documented in the WIT")]
pub mod state_bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "only-state",
        pub_export_macro: true,
        default_bindings_module: "linemill_sdk::component::state_bindings",
        runtime_path: "linemill_sdk::component::wit_bindgen::rt",
    });
}

/// The bindings for the optional interface `about`.
#[expect(missing_docs, reason = "generated; documented in the WIT")]
pub mod about_bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "only-about",
        pub_export_macro: true,
        default_bindings_module: "linemill_sdk::component::about_bindings",
        runtime_path: "linemill_sdk::component::wit_bindgen::rt",
    });
}

/// The bindings for everything that a filter may import. A component imports only what it calls.
#[expect(missing_docs, reason = "generated; documented in the WIT")]
pub mod import_bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "only-imports",
        default_bindings_module: "linemill_sdk::component::import_bindings",
        runtime_path: "linemill_sdk::component::wit_bindgen::rt",
    });
}

/// The bindings for the optional interface `timer`.
#[expect(missing_docs, reason = "generated; documented in the WIT")]
pub mod timer_bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "only-timer",
        pub_export_macro: true,
        default_bindings_module: "linemill_sdk::component::timer_bindings",
        runtime_path: "linemill_sdk::component::wit_bindgen::rt",
    });
}

pub use about_bindings::exports::linemill::filter::about::{Description, Guest as AboutGuest};
pub use bindings::exports::linemill::filter::batch::{
    Guest, Held, Lines, Outcome, Reason, Started,
};
pub use state_bindings::exports::linemill::filter::state::{Guest as StateGuest, Saved};
pub use timer_bindings::exports::linemill::filter::timer::{Due, Guest as TimerGuest, Ticked};
pub use wit_bindgen;

use about_bindings::exports::linemill::filter::about::{Example, Need, OnError};
use bindings::exports::linemill::filter::batch::{Failure, Routed, Traits};

/// The number of the contract that this crate implements: `abi` of `start` in `wit/batch.wit`.
const ABI: u32 = 1;

/// The one filter of a component instance, with its routes; `None` before `start`.
///
/// The host never re-enters an instance, so a borrow never conflicts with another.
pub struct Component<F>(RefCell<Option<(F, Vec<String>)>>);

impl<F: Filter> Component<F> {
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    pub fn start(&self, settings: Vec<u8>, abi: u32) -> Result<Started, Reason> {
        // A trap has no text of its own.
        std::panic::set_hook(Box::new(|panic| {
            last_words::trap(panic.to_string().as_bytes());
        }));
        if abi < ABI {
            return Err(format!(
                "this filter requires abi {ABI}, but the host implements {abi}; update the host"
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
            None => panic!("the host called the filter before `start`"),
        }
    }
}

impl<F: Handover> Component<F> {
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

impl<F: Timer> Component<F> {
    pub fn tick(&self, now: u64) -> Result<Ticked, Reason> {
        let (held, next) = self.with(|filter, routes| batch::tick(filter, routes, now))?;
        let bytes = &held.output.bytes;
        let route = held.routes.first().map(|routed| routed.route);
        let lines = held.output.spans.chunks_exact(2).map(|span| Due {
            content: bytes[span[0] as usize..span[1] as usize].to_vec(),
            route,
        });
        Ok(Ticked {
            lines: lines.collect(),
            next,
        })
    }
}

/// The description of a filter, for the host.
pub fn described<F: About + Package>() -> Description {
    let crate::Description {
        name,
        summary,
        schema,
        on_error,
        needs,
        examples,
    } = F::describe();
    let need = |(grant, why): (&str, &str)| Need {
        grant: grant.to_owned(),
        why: why.to_owned(),
    };
    let example = |(summary, settings): (&str, &str)| Example {
        summary: summary.to_owned(),
        settings: settings.to_owned(),
    };
    Description {
        name: name.unwrap_or(F::NAME).to_owned(),
        version: F::VERSION.to_owned(),
        summary: summary.to_owned(),
        license: F::LICENSE.to_owned(),
        settings_schema: schema.to_owned(),
        on_error: on_error.map(|on_error| match on_error {
            crate::OnError::Pass => OnError::Pass,
            crate::OnError::Drop => OnError::Drop,
            crate::OnError::Close => OnError::Close,
        }),
        needs: needs.into_iter().map(need).collect(),
        examples: examples.into_iter().map(example).collect(),
    }
}

fn routed(routes: Vec<batch::Routed>) -> Vec<Routed> {
    let moved = |batch::Routed { line, route }| Routed { line, route };
    routes.into_iter().map(moved).collect()
}

/// Implements the exports of the component. Part of `export!`.
#[doc(hidden)]
#[macro_export]
macro_rules! export_component {
    ($filter:ty $(: $($export:ident),+)?) => {
        const _: () = {
            ::std::thread_local! {
                static FILTER: $crate::component::Component<$filter> =
                    const { $crate::component::Component::new() };
            }

            struct Exports;

            impl $crate::component::Guest for Exports {
                fn start(
                    settings: ::std::vec::Vec<u8>,
                    abi: u32,
                ) -> ::core::result::Result<$crate::component::Started, $crate::component::Reason> {
                    FILTER.with(|filter| filter.start(settings, abi))
                }

                fn process(input: $crate::component::Lines) -> $crate::component::Outcome {
                    FILTER.with(|filter| filter.process(input))
                }

                fn finish() -> ::core::result::Result<$crate::component::Held, $crate::component::Reason> {
                    FILTER.with(|filter| filter.finish())
                }
            }

            $crate::component::bindings::export!(Exports with_types_in $crate::component::bindings);

            $($($crate::export_component!(@$export $filter);)+)?
        };
    };
    (@About $filter:ty) => {
        impl $crate::component::AboutGuest for Exports {
            fn describe() -> $crate::component::Description {
                $crate::component::described::<$filter>()
            }

            fn memory(max_line: u32) -> u64 {
                <$filter as $crate::About>::memory(max_line)
            }
        }

        $crate::component::about_bindings::export!(
            Exports with_types_in $crate::component::about_bindings
        );
    };
    (@Timer $filter:ty) => {
        impl $crate::component::TimerGuest for Exports {
            fn tick(
                now: u64,
            ) -> ::core::result::Result<$crate::component::Ticked, $crate::component::Reason> {
                FILTER.with(|filter| filter.tick(now))
            }
        }

        $crate::component::timer_bindings::export!(
            Exports with_types_in $crate::component::timer_bindings
        );
    };
    (@Handover $filter:ty) => {
        impl $crate::component::StateGuest for Exports {
            fn save() -> ::core::result::Result<$crate::component::Saved, $crate::component::Reason> {
                FILTER.with(|filter| filter.save())
            }

            fn restore(
                state: $crate::component::Saved,
            ) -> ::core::result::Result<(), $crate::component::Reason> {
                FILTER.with(|filter| filter.restore(&state))
            }
        }

        $crate::component::state_bindings::export!(
            Exports with_types_in $crate::component::state_bindings
        );
    };
}
