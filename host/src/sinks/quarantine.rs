//! Opening the sink for lines that a filter failed.
//!
//! In: a filter's `quarantine`. Out: a [`Quarantine`], which the filter offers such lines to, and which
//! holds the sink. The sink is shared with others of the same destination.

use super::batch::Batch;
use super::open::quarantine_problem;
use super::registry::{Key, SinkRegistry};
use super::upstream::ConnectOptions;
use linemill_config::Problem;
use linemill_config::settings::{FilterSettings, ListenerSettings};
use linemill_framing::Framing;
use linemill_sandbox::supervise::quarantine::Quarantine;

impl SinkRegistry {
    /// Gives the files of the quarantines in force the modes that their filters ask for.
    pub fn settle_quarantines<'a>(&self, filters: impl Iterator<Item = &'a FilterSettings>) {
        for filter in filters {
            if let Some(to) = &filter.quarantine {
                self.set_file_mode(&Key::of_quarantine(to), filter.file_mode);
            }
        }
    }

    /// Opens the `quarantine` of `filter`; `None` when it has none.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn quarantine(&self, filter: &FilterSettings) -> Result<Option<Quarantine>, Problem> {
        let Some(to) = &filter.quarantine else {
            return Ok(None);
        };
        // A filter has no keys of its own for these.
        let defaults = ListenerSettings::default();
        let (options, buffer) = (ConnectOptions::of(&defaults, None), defaults.buffer);
        let sink = self
            .open_with(Key::of_quarantine(to), &options, buffer, filter.file_mode)
            .map_err(|error| quarantine_problem(filter, to, &error))?;
        let offer = move |bytes| {
            sink.offer(&Batch {
                bytes,
                lines: 1,
                framing: Framing::Lf,
            })
        };
        Ok(Some(Quarantine::new(to.to_string(), Box::new(offer))))
    }
}
