//! Which listeners are added or removed, and which keys of a listener differ.

use super::Diff;
use super::Effect::Live;
use crate::key::TableSettings as _;
use crate::problem::place::Place;
use crate::settings::ListenerSettings;

impl Diff {
    pub(super) fn listeners(&mut self, old: &[ListenerSettings], new: &[ListenerSettings]) {
        let of_name = |listeners: &[ListenerSettings], name: &str| {
            listeners.iter().position(|one| one.name == name)
        };
        for one in old.iter().filter(|one| of_name(new, &one.name).is_none()) {
            self.note(
                &format!("listener {}", one.name),
                "removed",
                Live,
                &Place::default(),
            );
        }
        for one in new {
            let subject = format!("listener {}", one.name);
            match of_name(old, &one.name) {
                Some(at) => self.listener(&subject, &old[at], one),
                None => self.note(&subject, "added", Live, &one.bind_place),
            }
        }
    }

    fn listener(&mut self, subject: &str, old: &ListenerSettings, new: &ListenerSettings) {
        self.keys(subject, old.changes(new), |key| new.places.of(key));
    }
}
