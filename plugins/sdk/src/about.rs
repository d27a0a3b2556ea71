//! What a filter says about itself: a description for people, and for checks of configurations.
//!
//! In: what the author states. Out: the description that the host asks a component for. `wit/about.wit`
//! defines the rules; [`testing::described`](crate::testing) checks them.
//! Not here: checking settings against the schema. The host does that.

use crate::Filter;

/// A [`Filter`] that describes itself. Export it with `export!(Name: About)`.
///
/// The host shows the description (`linemill help NAME`, `linemill inspect NAME`), checks settings against
/// the schema before the filter starts, and points at the line of the configuration that is wrong. Name,
/// version and licence come from the crate's `Cargo.toml`.
///
/// ```
/// use linemill_sdk::{About, Description, Error, Filter, OnError, Output, export, testing};
/// use serde::Deserialize;
///
/// /// Drops lines that are not longer than a given length.
/// pub struct Longer(usize);
///
/// #[derive(Deserialize)]
/// pub struct Settings {
///     than: usize,
/// }
///
/// impl Filter for Longer {
///     type Settings = Settings;
///
///     fn new(settings: Settings) -> Result<Self, Error> {
///         Ok(Self(settings.than))
///     }
///
///     fn line(&mut self, line: &[u8], out: &mut Output) {
///         if line.len() > self.0 {
///             out.emit(line);
///         }
///     }
/// }
///
/// impl About for Longer {
///     fn describe() -> Description {
///         Description::new("Drops short lines.")
///             .schema(
///                 r#"{
///                     "type": "object",
///                     "properties": {
///                         "than": {
///                             "type": "integer",
///                             "minimum": 0,
///                             "description": "Lines that are not longer than this are dropped."
///                         }
///                     },
///                     "required": ["than"],
///                     "additionalProperties": false
///                 }"#,
///             )
///             .on_error(OnError::Drop)
///             .example("Drops lines of up to 80 bytes.", r#"{ "than": 80 }"#)
///     }
/// }
///
/// export!(Longer: About);
///
/// testing::described::<Longer>();
/// ```
pub trait About: Filter {
    /// Describes the filter.
    fn describe() -> Description;

    /// How many bytes of linear memory an instance needs if no line is longer than `max_line` bytes: an
    /// estimate that is not too low. The default is [`plain_memory`].
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line)
    }
}

/// How many bytes of linear memory an instance needs that keeps no more than a line: those of the stack and
/// the data of a component, and of four blocks of lines, with the longest line in each.
pub fn plain_memory(max_line: u32) -> u64 {
    (2 << 20) + 4 * (u64::from(max_line) + BLOCK)
}

/// About as many bytes as a host passes at once if lines are short.
const BLOCK: u64 = 256 << 10;

/// What a filter says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub(crate) name: Option<&'static str>,
    pub(crate) summary: &'static str,
    pub(crate) schema: &'static str,
    pub(crate) on_error: Option<OnError>,
    pub(crate) needs: Vec<(&'static str, &'static str)>,
    pub(crate) examples: Vec<(&'static str, &'static str)>,
}

/// What should happen to a line that fails, if the configuration does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It continues unchanged.
    Pass,
    /// It is dropped. Choose this if a line must not get past the filter unseen.
    Drop,
    /// The connection is closed.
    Close,
}

/// The crate of a filter. `export!` implements it.
#[doc(hidden)]
pub trait Package {
    const NAME: &'static str;
    const VERSION: &'static str;
    const LICENSE: &'static str;
}

// === impl Description ===

impl Description {
    /// A description with a summary: what the filter does to lines, in a sentence.
    pub fn new(summary: &'static str) -> Self {
        Self {
            name: None,
            summary,
            schema: "",
            on_error: None,
            needs: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// The filter's name, if it is not that of its crate.
    #[must_use]
    pub fn name(self, name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// The JSON Schema of the filter's settings (draft 2020-12). `include_str!` is a good way to have it in
    /// a file of its own. For a filter without settings: [`NO_SETTINGS`].
    #[must_use]
    pub fn schema(self, schema: &'static str) -> Self {
        Self { schema, ..self }
    }

    /// What should happen to lines that fail.
    #[must_use]
    pub fn on_error(self, on_error: OnError) -> Self {
        Self {
            on_error: Some(on_error),
            ..self
        }
    }

    /// A grant that the filter needs, such as `stream`, and what for, in a sentence.
    #[must_use]
    pub fn needs(mut self, grant: &'static str, why: &'static str) -> Self {
        self.needs.push((grant, why));
        self
    }

    /// An example of settings, a JSON object, and what it does, in a sentence. Begin with the simplest.
    #[must_use]
    pub fn example(mut self, summary: &'static str, settings: &'static str) -> Self {
        self.examples.push((summary, settings));
        self
    }
}

/// The schema of a filter that takes no settings.
pub const NO_SETTINGS: &str = r#"{ "type": "object", "additionalProperties": false }"#;
