//! Values in the lines of a [`super::Diff`].

use std::path::PathBuf;
use std::time::Duration;

use crate::keyword::Keyword;
use crate::settings::{Address, Destination, PluginRef, StageSettings, Watermarks};
use crate::units::{SIZE, show_time};
use linemill_framing::Framing;

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

impl<T: Keyword> Shown for T {
    fn shown(&self) -> String {
        format!("{:?}", self.keyword())
    }
}

impl Shown for usize {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for u32 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Option<usize> {
    fn shown(&self) -> String {
        self.map_or("no limit".to_owned(), |most| most.to_string())
    }
}

impl Shown for bool {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Option<Framing> {
    fn shown(&self) -> String {
        self.map_or("as framing".to_owned(), |framing| framing.shown())
    }
}

impl Shown for Watermarks {
    fn shown(&self) -> String {
        let (high, low) = (Bytes(self.high).shown(), Bytes(self.low).shown());
        format!("{{ high = {high:?}, low = {low:?} }}")
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

impl Shown for Vec<StageSettings> {
    fn shown(&self) -> String {
        let stages = self.iter().map(|stage| match &stage.when {
            None => format!("{:?}", stage.filter),
            Some(when) => format!(
                "{{ filter = {:?}, when = {:?} }}",
                stage.filter,
                when.as_str()
            ),
        });
        format!("[{}]", stages.collect::<Vec<_>>().join(", "))
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
