//! Write a [linemill] filter in Rust.
//!
//! What comes in: a type that implements [`Filter`] with a function that handles one line. What
//! goes out: a WebAssembly component that linemill calls with many lines at once. What this crate
//! does not do: read, write or split streams. The host does that, and a filter cannot reach
//! anything else.
//!
//! # A complete filter
//!
//! ```
//! use linemill_sdk::{Error, Filter, Output, export};
//! use serde::Deserialize;
//!
//! /// Prefixes each line with a word, and drops empty lines.
//! pub struct Prefix {
//!     word: String,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! pub struct Settings {
//!     /// The prefix.
//!     word: String,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { word: "> ".to_owned() }
//!     }
//! }
//!
//! impl Filter for Prefix {
//!     type Settings = Settings;
//!
//!     fn new(settings: Settings) -> Result<Self, Error> {
//!         if settings.word.is_empty() {
//!             return Err(Error::setting("word", "must not be empty"));
//!         }
//!         Ok(Self { word: settings.word })
//!     }
//!
//!     fn line(&mut self, line: &[u8], out: &mut Output) {
//!         if !line.is_empty() {
//!             out.push(&self.word);
//!             out.emit(line);
//!         }
//!     }
//! }
//!
//! export!(Prefix);
//!
//! // In `#[cfg(test)] mod tests`: no WebAssembly is needed to test a filter.
//! use linemill_sdk::testing::{self, json};
//! assert_eq!(testing::lines::<Prefix>(json!({}), ["a", "", "b"]), ["> a", "> b"]);
//! assert_eq!(testing::lines::<Prefix>(json!({ "word": "#" }), ["a"]), ["#a"]);
//! assert_eq!(
//!     testing::refusal::<Prefix>(json!({ "word": "" })),
//!     "`word`: must not be empty",
//! );
//! ```
//!
//! The crate must have `crate-type = ["cdylib", "rlib"]`; `linemill build` turns it into a
//! component.
//!
//! # Verdicts
//!
//! What the filter does with a line decides the verdict on it:
//!
//! | the filter | verdict |
//! |---|---|
//! | calls [`Output::emit`] with the line itself | it passes; nothing is copied |
//! | calls [`Output::map`], or `emit` with other bytes | it is replaced |
//! | emits nothing | it is dropped |
//! | emits several lines | it is split |
//! | calls [`Output::fail`] | it failed: the configuration's `on_error` decides |
//! | also calls [`Output::close`] | the connection closes after its output |
//! | also calls [`Output::route`] | its output leaves the chain by a route, if the configuration says where the route leads |
//!
//! # State
//!
//! How a stream is cut into calls has no meaning. A filter whose verdict depends on earlier lines
//! must declare it: see [`Filter::KEEPS_STATE`]. The functions of [`testing`] detect filters that
//! do not.
//!
//! When a chain is changed while a stream is live, state is lost with its instance, unless the
//! filter also implements [`Handover`] and is exported by `export!(Name: Handover)`.
//!
//! # Time
//!
//! A filter that keeps state can also be called when no line comes, if it implements [`Timer`] and is exported
//! by `export!(Name: Timer)`, or by `export!(Name: Handover, Timer)`.
//!
//! # Times and sizes
//!
//! Settings such as `flush = "500ms"` and `max_bytes = "64KiB"` have the types [`units::Time`] and
//! [`units::Size`]. They read what the rest of a configuration reads.
//!
//! # Description
//!
//! A filter that implements [`About`] and is exported by `export!(Name: About)` tells the host what it
//! does, which settings it takes and what should happen to lines that fail.
//!
//! # What a filter can ask
//!
//! A filter sees nothing but lines, unless its configuration grants more. The module [`stream`] says whose
//! lines they are, [`clock`] what time it is, [`store`] keeps values that all instances share, and [`metrics`]
//! counts. What a filter does not call, it does not import.
//!
//! When a filter panics, the message of the panic becomes the reason in the host's log, in records of
//! quarantined lines and in trap capsules.
//!
//! # Batches
//!
//! The host passes many lines as one block, with their terminators between them. The SDK calls the
//! filter for each line, so authors do not see the block. Lines that pass are never copied one by
//! one. As long as each line becomes one line of the same length, the output block has the same
//! layout as the input block, and the host forwards it as it is. [`Output`] takes care of that. Use
//! `map` as the fastest way to change the bytes of a line, and [`byte_fn!`] if the filter only
//! looks at single bytes.
//!
//! # Screens
//!
//! A filter that changes few of its lines can look at the whole block first: see [`Filter::screen`]. Lines
//! that it does not find there pass, or are dropped, without a call of [`Filter::line`] and without a copy.
//!
//! [linemill]: https://github.com/linemill/linemill

// The code that `wit-bindgen` generates inside this crate refers to it by its external name.
#[cfg(target_family = "wasm")]
extern crate self as linemill_sdk;

mod about;
mod batch;
pub mod clock;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod component;
mod error;
mod filter;
mod handover;
pub mod metrics;
mod output;
mod routes;
mod screen;
mod settings;
pub mod store;
pub mod stream;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod timer;
pub mod units;

#[doc(hidden)]
pub use about::Package;
pub use about::{About, Description, NO_SETTINGS, OnError, plain_memory};
pub use error::Error;
pub use filter::Filter;
pub use handover::Handover;
#[doc(hidden)]
pub use handover::is_tag;
pub use output::{Output, map_bytes};
pub use screen::{Block, Hits, Others};
pub use settings::{LineText, NoSettings};
pub use timer::Timer;
