//! The trait that a filter implements, and the macros that implement and export it.
//!
//! Not here: what a filter does with a line ([`Output`]), and handing state over
//! ([`Handover`](crate::Handover)).

use serde::de::DeserializeOwned;

use crate::{Block, Error, Hits, Others, Output};

/// A filter: its settings, and what it does with a line.
pub trait Filter: Sized {
    /// The `settings` table of the filter's configuration; [`NoSettings`](crate::NoSettings) if the
    /// filter takes none.
    ///
    /// Put `#[serde(deny_unknown_fields)]` on it. Unknown keys are refused in any case, but with
    /// this attribute the error also lists the known keys. With `#[serde(default)]` and an
    /// implementation of `Default`, every key is optional.
    type Settings: DeserializeOwned;

    /// Whether the verdict on a line depends on earlier lines, or the filter holds lines back.
    ///
    /// If true, each stream gets its own instance, which sees all lines of that stream in order,
    /// and [`finish`](Self::finish) is called at the stream's end. If false, one instance may serve
    /// many streams, and many instances may serve one stream.
    const KEEPS_STATE: bool = false;

    /// Creates a filter. An error is shown to the author of the configuration: see
    /// [`Error::setting`].
    fn new(settings: Self::Settings) -> Result<Self, Error>;

    /// Called before the lines of each call. All lines of a call are of the same stream, so this is where to
    /// forget what was asked about the stream and the time; a call can have a hundred thousand lines, and a
    /// host limits how often it can be asked.
    ///
    /// ```
    /// use linemill_sdk::testing::{self, Stream, json};
    /// use linemill_sdk::{Error, Filter, NoSettings, Output, stream};
    ///
    /// /// Prefixes lines with the name of the listener.
    /// struct Tag(String);
    ///
    /// impl Filter for Tag {
    ///     type Settings = NoSettings;
    ///
    ///     fn new(_: NoSettings) -> Result<Self, Error> {
    ///         Ok(Self(String::new()))
    ///     }
    ///
    ///     fn begin(&mut self) {
    ///         self.0 = stream::listener().unwrap_or_default();
    ///     }
    ///
    ///     fn line(&mut self, line: &[u8], out: &mut Output) {
    ///         write!(out, "{} ", self.0);
    ///         out.emit(line);
    ///     }
    /// }
    ///
    /// let stream = Stream { listener: Some("logs".into()), ..Stream::default() };
    /// let tagged = testing::with_stream(stream, || testing::lines::<Tag>(json!({}), ["a"]));
    /// assert_eq!(tagged, ["logs a"]);
    /// ```
    fn begin(&mut self) {}

    /// Judges one line, given without its terminator. It may be any bytes, UTF-8 or not.
    ///
    /// To refuse a line, call [`Output::fail`]. A panic would end the instance and discard the
    /// verdicts on all lines of the same call.
    fn line(&mut self, line: &[u8], out: &mut Output<'_>);

    /// Changes all bytes of a call in place and returns true. This is for a filter that changes
    /// each byte independently of the others, and it is the fastest kind of filter because no line
    /// is looked at. The default returns false; then [`line`](Self::line) is called for each line.
    ///
    /// `bytes` contains lines with their terminators between them. The terminators may be changed,
    /// but if they stay as they are, the host need not restore them. Both functions must produce
    /// the same lines. Use [`map_bytes`](crate::map_bytes) to get vector instructions.
    fn bytes(&mut self, bytes: &mut [u8]) -> bool {
        let _ = bytes;
        false
    }

    /// Looks at all lines of a call at once, marks those that need more than a look, and says what happens
    /// to the others. For a filter that leaves most lines as they are, or drops them, this is several times
    /// as fast as [`line`](Self::line), which is then called only for the lines that were marked by
    /// [`Hits::judge`]. The default says [`Others::Judge`]: `line` judges each line.
    ///
    /// **A screen may mark too many lines, but never too few.** The output must be the same as if `line`
    /// judged each line, and so must what the filter counts and remembers. Two things are easy to miss. The
    /// framing may be any, so lines may contain LF, and a text may be found that begins in one line and ends
    /// in another; see [`Hits`] for what that marks. And an empty line has no byte that could be found.
    ///
    /// All functions of [`testing`](crate::testing) run filters with and without their screen, and
    /// [`testing::screened`](crate::testing) looks for lines that it misses.
    ///
    /// ```
    /// use linemill_sdk::testing::{self, Verdict, json};
    /// use linemill_sdk::{Block, Error, Filter, Hits, NoSettings, Others, Output};
    ///
    /// /// Masks digits.
    /// struct Digits;
    ///
    /// impl Filter for Digits {
    ///     type Settings = NoSettings;
    ///
    ///     fn new(_: NoSettings) -> Result<Self, Error> {
    ///         Ok(Self)
    ///     }
    ///
    ///     fn line(&mut self, line: &[u8], out: &mut Output) {
    ///         out.map(line, |byte| if byte.is_ascii_digit() { b'#' } else { byte });
    ///     }
    ///
    ///     fn screen(&mut self, block: &Block, hits: &mut Hits) -> Others {
    ///         let mut at = 0;
    ///         while let Some(found) = block.bytes()[at..].iter().position(u8::is_ascii_digit) {
    ///             at = hits.judge(at + found); // where the next line starts
    ///         }
    ///         Others::Pass
    ///     }
    /// }
    ///
    /// assert_eq!(testing::lines::<Digits>(json!({}), ["a", "b 12", ""]), ["a", "b ##", ""]);
    /// ```
    fn screen(&mut self, block: &Block<'_>, hits: &mut Hits<'_>) -> Others {
        let _ = (block, hits);
        Others::Judge
    }

    /// Whether [`screen`](Self::screen) is also called on instances that keep state. If so, the lines that
    /// it does not leave to [`line`](Self::line) must not matter to the state.
    const SCREENS_STATE: bool = false;

    /// Emits the lines that are still held back, at the end of the stream. Called only if the
    /// filter keeps state and no other instance has taken it over: see
    /// [`Handover`](crate::Handover).
    fn finish(&mut self, out: &mut Output<'_>) {
        let _ = out;
    }

    /// The routes that [`Output::route`] may name; none by default. Called once, right after
    /// [`new`](Self::new).
    ///
    /// At most 64 routes. A name consists of 1 to 64 ASCII letters, digits, `-` and `_`, must be
    /// unique and must not be `rest`. Otherwise the filter does not start.
    fn routes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether this instance keeps state. Override it if the settings decide that; the default is
    /// [`KEEPS_STATE`](Self::KEEPS_STATE).
    fn keeps_state(&self) -> bool {
        Self::KEEPS_STATE
    }
}

/// Declares a filter that calls a function for each line. It has no settings and keeps no state.
///
/// `filter_fn!(pub Upper = upper)` declares the type `Upper`, which calls
/// `upper(line: &[u8], out: &mut Output)`.
///
/// ```
/// use linemill_sdk::{Output, export, filter_fn, testing};
///
/// filter_fn!(pub Upper = upper);
/// export!(Upper);
///
/// fn upper(line: &[u8], out: &mut Output) {
///     out.map(line, |byte| byte.to_ascii_uppercase());
/// }
///
/// assert_eq!(testing::lines::<Upper>(testing::json!({}), ["a", "b"]), ["A", "B"]);
/// ```
#[macro_export]
macro_rules! filter_fn {
    ($visibility:vis $name:ident = $function:path) => {
        #[doc = concat!("The filter that calls `", stringify!($function), "`.")]
        $visibility struct $name;

        impl $crate::Filter for $name {
            type Settings = $crate::NoSettings;

            fn new(_: $crate::NoSettings) -> ::core::result::Result<Self, $crate::Error> {
                ::core::result::Result::Ok(Self)
            }

            #[inline]
            fn line(&mut self, line: &[u8], out: &mut $crate::Output<'_>) {
                $function(line, out);
            }
        }
    };
}

/// Declares a filter that calls a function for each byte.
///
/// `byte_fn!(pub Upper = upper)` declares the type `Upper`, which replaces each byte of a line with
/// the result of `upper(byte: u8) -> u8`. This is the fastest kind of filter.
///
/// ```
/// use linemill_sdk::{byte_fn, export, testing};
///
/// byte_fn!(pub Upper = upper);
/// export!(Upper);
///
/// fn upper(byte: u8) -> u8 {
///     byte.to_ascii_uppercase()
/// }
///
/// assert_eq!(testing::lines::<Upper>(testing::json!({}), ["a", "b"]), ["A", "B"]);
/// ```
#[macro_export]
macro_rules! byte_fn {
    ($visibility:vis $name:ident = $function:path) => {
        #[doc = concat!("The filter that calls `", stringify!($function), "`.")]
        $visibility struct $name;

        impl $crate::Filter for $name {
            type Settings = $crate::NoSettings;

            fn new(_: $crate::NoSettings) -> ::core::result::Result<Self, $crate::Error> {
                ::core::result::Result::Ok(Self)
            }

            fn line(&mut self, line: &[u8], out: &mut $crate::Output<'_>) {
                out.map(line, $function);
            }

            fn bytes(&mut self, bytes: &mut [u8]) -> bool {
                $crate::map_bytes(bytes, $function);
                true
            }
        }
    };
}

/// Exports a [`Filter`] from the component. Call it once per crate, at the crate's root.
///
/// Name the other traits that it implements behind a colon: `export!(Name: Handover, About)`. See
/// [`Handover`](crate::Handover), [`Timer`](crate::Timer) and [`About`](crate::About).
///
/// In a native build, such as for `cargo test`, nothing is exported; the macro only checks the
/// filter's type.
#[macro_export]
macro_rules! export {
    ($filter:ty $(: $($export:ident),+)?) => {
        #[cfg(target_family = "wasm")]
        $crate::export_component!($filter $(: $($export),+)?);
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_a_filter<F: $crate::Filter>() {}
            is_a_filter::<$filter>();
        };
        $($($crate::export_checked!($export $filter);)+)?
    };
}

/// What each optional trait requires. Part of `export!`.
#[doc(hidden)]
#[macro_export]
macro_rules! export_checked {
    (Handover $filter:ty) => {
        const _: () = assert!(
            $crate::is_tag(<$filter as $crate::Handover>::TAG),
            "`Handover::TAG` must be 1 to 64 visible ASCII characters, such as `name/1`"
        );
    };
    (Timer $filter:ty) => {
        const _: () = {
            const fn has_a_timer<F: $crate::Timer>() {}
            has_a_timer::<$filter>();
        };
    };
    (About $filter:ty) => {
        impl $crate::Package for $filter {
            const NAME: &'static str = ::core::env!("CARGO_PKG_NAME");
            const VERSION: &'static str = ::core::env!("CARGO_PKG_VERSION");
            const LICENSE: &'static str = ::core::env!("CARGO_PKG_LICENSE");
        }
    };
}
