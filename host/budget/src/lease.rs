//! A hold on memory.

use std::sync::Arc;

use crate::budget::{Budget, NoRoom, Urgency};
use crate::holder::Holder;

/// Memory that somebody holds. Dropping it gives the memory back.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<Budget>,
    /// What [`Budget`] counts as held by this lease.
    bytes: u64,
    holder: Holder,
}

impl Lease {
    /// A lease of nothing yet.
    pub(crate) fn empty(budget: Arc<Budget>, holder: Holder) -> Self {
        Self {
            budget,
            bytes: 0,
            holder,
        }
    }

    /// Bytes held.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The budget that it is a part of.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Holds `bytes` from now on, if there is room for what that is more than before.
    ///
    /// # Errors
    /// When there is no room; nothing has changed then.
    pub fn try_hold(&mut self, bytes: u64, urgency: Urgency) -> Result<(), NoRoom> {
        if bytes > self.bytes {
            self.budget
                .try_take(self.holder, bytes - self.bytes, urgency)?;
            self.bytes = bytes;
        } else {
            self.hold(bytes);
        }
        Ok(())
    }

    /// As [`Self::try_hold`], but does not count a refusal: for those who ask again and again.
    pub fn fits(&mut self, bytes: u64, urgency: Urgency) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let fits = more == 0 || self.budget.take_if_fits(self.holder, more, urgency);
        if fits {
            self.bytes += more;
        }
        fits
    }

    /// Counts that somebody has to wait.
    pub fn count_refusal(&self) {
        self.budget.count_refusal(self.holder);
    }

    /// Holds `bytes` from now on, whether or not there is room: for memory that is in use already.
    #[inline]
    pub fn hold(&mut self, bytes: u64) {
        if bytes == self.bytes {
            return;
        }
        if bytes > self.bytes {
            self.budget.take(self.holder, bytes - self.bytes);
        } else {
            self.budget.give_back(self.holder, self.bytes - bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.hold(0);
    }
}
