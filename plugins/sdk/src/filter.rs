//! What an author writes: the trait, and the two macros around it.

use serde::de::DeserializeOwned;

use crate::{Error, Output};

/// A filter: what it needs to know, and what it makes of a line.
pub trait Filter: Sized {
    /// The `settings` table of the filter's configuration; [`NoSettings`](crate::NoSettings) when
    /// it takes none.
    ///
    /// Put `#[serde(deny_unknown_fields)]` on it: a key that nothing reads is refused in any case,
    /// but only so does the refusal list the keys there are. With `#[serde(default)]` and a
    /// `Default`, every key is optional.
    type Settings: DeserializeOwned;

    /// Whether the verdict on a line depends on lines before it, or lines are held back.
    ///
    /// If so, each stream gets an instance of its own, which sees all its lines in order, and
    /// [`finish`](Self::finish) is called at its end. If not, the lines of many streams go through
    /// one instance, and those of one stream through many.
    const KEEPS_STATE: bool = false;

    /// Makes a filter. An error is shown to whoever wrote the configuration: see
    /// [`Error::setting`].
    fn new(settings: Self::Settings) -> Result<Self, Error>;

    /// Judges one line, given without its terminator. It is any bytes at all, UTF-8 or not.
    ///
    /// A panic ends the instance, and with it the verdicts on all lines of the same call, so
    /// [`Output::fail`] is the way to refuse a line.
    fn line(&mut self, line: &[u8], out: &mut Output<'_>);

    /// Changes all bytes of a call in place, if the filter is a function of each byte alone: the
    /// quickest way there is, since no line is looked at. Returns whether it did; if not, as by
    /// default, [`line`](Self::line) is called for each.
    ///
    /// `bytes` are lines with their terminators between them. What becomes of those does not
    /// matter, but the host need not put them back when they stay as they are. Both functions must
    /// give the same lines. [`map_bytes`](crate::map_bytes) makes good use of the processor.
    fn bytes(&mut self, bytes: &mut [u8]) -> bool {
        let _ = bytes;
        false
    }

    /// Gives back what is still held, at the end of the stream. Only called when the filter keeps
    /// state, and not when [`Handover`](crate::Handover) gave it to another instance.
    fn finish(&mut self, out: &mut Output<'_>) {
        let _ = out;
    }

    /// The routes that [`Output::route`] may name; none by default. Asked for once, right after
    /// [`new`](Self::new).
    ///
    /// A name has 1 to 64 ASCII letters, digits, `-` and `_`, and is not `rest`; there are at most
    /// 64. The filter does not start if it is otherwise.
    fn routes(&self) -> Vec<String> {
        Vec::new()
    }

    /// [`KEEPS_STATE`](Self::KEEPS_STATE), for a filter whose settings decide it.
    fn keeps_state(&self) -> bool {
        Self::KEEPS_STATE
    }
}

/// Makes a filter of a function: one that has no settings and keeps no state.
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
        #[doc = concat!("The filter made of `", stringify!($function), "`.")]
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

/// Makes a filter of a function of a byte.
///
/// `byte_fn!(pub Upper = upper)` declares the type `Upper`, in whose lines each byte has become
/// `upper(byte: u8) -> u8`. It is the quickest kind of filter.
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
        #[doc = concat!("The filter made of `", stringify!($function), "`.")]
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

/// Makes a [`Filter`] the component's own: once in a crate, at its root.
///
/// `export!(Name: Handover)` is for one that implements [`Handover`](crate::Handover) too.
///
/// In a build for the machine at hand, such as `cargo test`, it does nothing.
#[macro_export]
macro_rules! export {
    ($filter:ty) => {
        #[cfg(target_family = "wasm")]
        $crate::export_component!($filter);
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_a_filter<F: $crate::Filter>() {}
            is_a_filter::<$filter>();
        };
    };
    ($filter:ty: Handover) => {
        #[cfg(target_family = "wasm")]
        $crate::export_component!($filter: Handover);
        const _: () = assert!(
            $crate::is_tag(<$filter as $crate::Handover>::TAG),
            "`Handover::TAG` must be 1 to 64 visible ASCII characters, such as `name/1`"
        );
    };
}
