//! Handing the state of a filter to the instance that replaces it.
//!
//! In: a filter with state. Out: a tag and bytes, from which another instance restores the state.
//! `wit/state.wit` defines the rules. A filter that breaks them gets an error here, because the
//! host would treat it as a trap. Not here: when state is handed over; the host decides that.

use crate::{Error, Filter};

/// The largest state that can be handed over, in bytes.
const MAX_STATE: usize = 1 << 20;

/// A [`Filter`] that keeps state and can hand it to the instance that replaces it while the stream
/// is live. That instance may be another version of the component, or the same version with other
/// settings.
///
/// A filter without this trait emits the lines it holds when its chain is changed, and its
/// successor starts afresh. Export the trait with `export!(Count: Handover)`, and test it with
/// [`testing::handed_over`](crate::testing).
///
/// ```
/// use linemill_sdk::{Error, Filter, Handover, NoSettings, Output, export, testing};
///
/// /// Prefixes each line with the number of bytes in all earlier lines.
/// pub struct Count(u64);
///
/// impl Filter for Count {
///     type Settings = NoSettings;
///     const KEEPS_STATE: bool = true;
///
///     fn new(_: NoSettings) -> Result<Self, Error> {
///         Ok(Self(0))
///     }
///
///     fn line(&mut self, line: &[u8], out: &mut Output) {
///         out.push(self.0.to_string());
///         out.push(" ");
///         out.emit(line);
///         self.0 += line.len() as u64;
///     }
/// }
///
/// impl Handover for Count {
///     const TAG: &'static str = "count/1";
///
///     fn save(&self) -> Result<Vec<u8>, Error> {
///         Ok(self.0.to_string().into_bytes())
///     }
///
///     fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
///         self.0 = std::str::from_utf8(state)?.parse()?;
///         Ok(())
///     }
/// }
///
/// export!(Count: Handover);
///
/// let none = testing::json!({});
/// let after = testing::handed_over::<Count>(none.clone(), ["abc"], none, ["d", "e"]);
/// assert_eq!(after, ["3 d", "4 e"]);
/// ```
pub trait Handover: Filter {
    /// The name and version of the state's format, such as `count/1`: 1 to 64 visible ASCII
    /// characters. If the format changes, the tag must change too.
    const TAG: &'static str;

    /// Returns the state, at most 1 MiB. It includes lines that are held back, but need not include
    /// what follows from the settings. The filter may be used afterwards, so its behaviour must not
    /// change.
    fn save(&self) -> Result<Vec<u8>, Error>;

    /// Takes over a state with this filter's own [`TAG`](Self::TAG). Called before the first line.
    ///
    /// Check the bytes, because another component wrote them. The settings may have changed: if
    /// they disagree with the state, the settings win. After an error this filter is dropped.
    fn restore(&mut self, state: &[u8]) -> Result<(), Error>;

    /// Takes over a state with another tag, usually that of an older version. The default refuses
    /// every state.
    fn restore_other(&mut self, tag: &str, state: &[u8]) -> Result<(), Error> {
        let _ = state;
        Err(Error::new(format!(
            "the state has the format `{tag}`, but this filter reads only `{}`",
            Self::TAG
        )))
    }
}

/// Saves the state of `filter`, or explains why the host would not accept it.
pub(crate) fn save<F: Handover>(filter: &F) -> Result<Vec<u8>, Error> {
    let state = filter.save()?;
    if state.len() > MAX_STATE {
        return Err(Error::new(format!(
            "the state has {} bytes; at most {MAX_STATE} can be handed over",
            state.len()
        )));
    }
    Ok(state)
}

/// Restores a state in `filter`, depending on the state's tag.
pub(crate) fn restore<F: Handover>(filter: &mut F, tag: &[u8], state: &[u8]) -> Result<(), Error> {
    match std::str::from_utf8(tag) {
        Ok(tag) if tag == F::TAG => filter.restore(state),
        Ok(tag) => filter.restore_other(tag, state),
        Err(_) => Err(Error::new("the tag of the state is not valid UTF-8")),
    }
}

/// Whether `tag` is a valid [`Handover::TAG`]. `export!` checks this at compile time.
#[doc(hidden)]
pub const fn is_tag(tag: &str) -> bool {
    let (bytes, mut index) = (tag.as_bytes(), 0);
    while index < bytes.len() {
        if !bytes[index].is_ascii_graphic() {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty() && bytes.len() <= 64
}
