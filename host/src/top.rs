//! `linemill top`: the live view of a running host.
//!
//! In: what the host answers at `/status`, keys, and the time. Out: rows of text in a frame of ratatui, or as
//! a page. It uses the words and numbers of `linemill status` (`status::text`).
//!
//! [`model`] holds what is shown: the last answer, what is wrong in it, order, selection, pause. [`view`]
//! draws it. Not here: the terminal, the clock and asking the host (`cli::top`).

mod history;
pub mod keys;
pub mod model;
pub mod sort;
pub mod view;
mod wrong;

#[cfg(test)]
mod tests;

/// What a row, a screen or a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The host as a whole.
    Host,
    /// The listener of this name.
    Listener(String),
    /// The filter of this name.
    Filter(String),
    /// The output to this destination.
    Output(String),
}
