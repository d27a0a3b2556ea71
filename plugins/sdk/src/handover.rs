//! State that outlives its instance: a filter → tag and bytes → the filter that takes its place.
//!
//! The rules are those of `wit/state.wit`. What breaks them on this side becomes a refusal here,
//! because to the host it would be a trap. Not here: when state is handed over; the host decides.

use crate::{Error, Filter};

/// Bytes of a state.
const MOST: usize = 1 << 20;

/// A [`Filter`] that keeps state and can give it to the instance that takes its place: another
/// version of the component, or the same with other settings, while the stream goes on.
///
/// Without it, a filter whose chain is changed gives back what it holds, and its successor starts
/// afresh. `export!(Count: Handover)` puts it into the component; see
/// [`testing::handed_over`](crate::testing) for its tests.
///
/// ```
/// use linemill_sdk::{Error, Filter, Handover, NoSettings, Output, export, testing};
///
/// /// Puts the number of bytes seen before in front of each line.
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
    /// characters. A change of the format is a change of the tag.
    const TAG: &'static str;

    /// The state, at most 1 MiB, lines that are held back included; what follows from the settings
    /// need not be in it. The filter may go on afterwards, so this changes nothing that can be seen.
    fn save(&self) -> Result<Vec<u8>, Error>;

    /// Takes over a state with this filter's own [`TAG`](Self::TAG), before its first line.
    ///
    /// The bytes are what another component made, so check them. Where they disagree with the
    /// settings, which may be others now, the settings hold. After an error this filter is dropped.
    fn restore(&mut self, state: &[u8]) -> Result<(), Error>;

    /// Takes over a state with another tag: that of an older version, usually. Refuses all of them
    /// by default.
    fn restore_other(&mut self, tag: &str, state: &[u8]) -> Result<(), Error> {
        let _ = state;
        Err(Error::new(format!(
            "the state's format is `{tag}`, and this filter reads `{}`",
            Self::TAG
        )))
    }
}

/// What `save` gives across the boundary.
pub(crate) fn save<F: Handover>(filter: &F) -> Result<Vec<u8>, Error> {
    let state = filter.save()?;
    if state.len() > MOST {
        return Err(Error::new(format!(
            "the state has {} bytes, and at most {MOST} can be handed over",
            state.len()
        )));
    }
    Ok(state)
}

/// Gives `filter` a state, by its tag.
pub(crate) fn restore<F: Handover>(filter: &mut F, tag: &[u8], state: &[u8]) -> Result<(), Error> {
    match std::str::from_utf8(tag) {
        Ok(tag) if tag == F::TAG => filter.restore(state),
        Ok(tag) => filter.restore_other(tag, state),
        Err(_) => Err(Error::new("the tag of the state is not text")),
    }
}

/// Whether `tag` is one; asked by `export!`.
#[doc(hidden)]
pub const fn is_tag(tag: &str) -> bool {
    let (tag, mut at) = (tag.as_bytes(), 0);
    while at < tag.len() {
        if !tag[at].is_ascii_graphic() {
            return false;
        }
        at += 1;
    }
    1 <= at && at <= 64
}
