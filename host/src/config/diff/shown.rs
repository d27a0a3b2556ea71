//! Values in the lines of a [`super::Diff`].

use std::path::PathBuf;
use std::time::Duration;

use crate::config::settings::{Address, Destination, PluginRef};
use crate::config::units::{SIZE, show_time};
use crate::config::words::Word;

/// A value that a change can show.
pub(super) trait Shown {
    /// As the configuration would write it, shortly.
    fn shown(&self) -> String;
}

/// A size.
#[derive(PartialEq)]
pub(super) struct Bytes(pub(super) usize);

impl Shown for Bytes {
    fn shown(&self) -> String {
        SIZE.show(self.0 as u64)
    }
}

impl<T: Word> Shown for T {
    fn shown(&self) -> String {
        format!("{:?}", self.word())
    }
}

impl Shown for usize {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Duration {
    fn shown(&self) -> String {
        show_time(*self)
    }
}

impl Shown for Option<Duration> {
    fn shown(&self) -> String {
        self.map_or("off".to_owned(), show_time)
    }
}

impl Shown for Vec<String> {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for Vec<PathBuf> {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for Address {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Option<Address> {
    fn shown(&self) -> String {
        self.as_ref().map_or("off".to_owned(), Address::to_string)
    }
}

impl Shown for Destination {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for PluginRef {
    fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}
