//! Write a [linemill] filter in Rust.
//!
//! What comes in: a type that implements [`Filter`], one function on one line. What goes out: a
//! WebAssembly component that linemill runs, many lines in one call. What this crate does not do:
//! read, write or cut lines; the host does that, and a filter can reach nothing else.
//!
//! # A whole filter
//!
//! ```
//! use linemill_sdk::{Error, Filter, Output, export};
//! use serde::Deserialize;
//!
//! /// Puts a word in front of each line, and drops empty lines.
//! pub struct Prefix {
//!     word: String,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! pub struct Settings {
//!     /// What to put in front.
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
//! The crate is built with `crate-type = ["cdylib", "rlib"]`; `linemill build` makes a component
//! of it.
//!
//! # What becomes of a line
//!
//! | the filter | verdict |
//! |---|---|
//! | calls [`Output::emit`] with the line itself | it passes; nothing is copied |
//! | calls [`Output::map`], or `emit` with other bytes | it is replaced |
//! | emits nothing | it is dropped |
//! | emits several lines | it is split |
//! | calls [`Output::fail`] | it failed: the configuration's `on_error` decides |
//! | calls [`Output::close`] as well | the connection closes after its output |
//! | calls [`Output::route`] as well | its output leaves the chain by a route, if that leads somewhere |
//!
//! # State
//!
//! How a stream is cut into calls means nothing, and a filter whose verdict depends on earlier
//! lines must say so: see [`Filter::KEEPS_STATE`]. [`testing`] finds filters that forget.
//!
//! When a chain is changed under a stream, state is lost with its instance unless the filter
//! implements [`Handover`] too and is exported by `export!(Name: Handover)`.
//!
//! # Where the batch went
//!
//! The host hands over many lines as one block, their terminators between them. Lines that pass
//! are never copied one by one, and as long as each line becomes one line of its own length, the
//! block that goes back has the layout of the one that came, so the host sends it on as it is.
//! [`Output`] keeps to that by itself; `map` is the quickest way to change the bytes of a line, and
//! [`byte_fn!`] for a filter that looks at bytes only.
//!
//! [linemill]: https://github.com/linemill/linemill

// `wit-bindgen` names this crate from outside and from within.
#[cfg(target_family = "wasm")]
extern crate self as linemill_sdk;

mod batch;
mod error;
mod filter;
mod handover;
mod output;
mod routes;
mod settings;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use error::Error;
pub use filter::Filter;
pub use handover::Handover;
#[doc(hidden)]
pub use handover::is_tag;
pub use output::{Output, map_bytes};
pub use settings::NoSettings;
