//! Whether a connection to an upstream is known to work.
//!
//! In: when it was made, what was written and acknowledged, and the peer's FIN. Out: how much may be
//! written now, whether the connection is up, and which of its bytes arrived when it ends. Not here:
//! sockets and lines.
//!
//! Something that accepts connections need not read them: a load balancer without a server behind it
//! accepts and closes, at once or after some seconds. So a fresh connection is first watched for a
//! while without writing. If nothing happens, one line is written and waited for. Only if that line is
//! acknowledged and the connection goes on is it *proven*, and the lines after it are written. Lines
//! are kept until the connection has lasted longer, or has taken more than nobody would: then it is
//! *trusted*, and what the peer's system acknowledges counts as delivered.
//!
//! A peer that takes lines and then closes before that may be such a proxy. What it took is in doubt. If it
//! would be lost, the next connection has to last for longer before more than a line is written to it. If
//! it would be sent again, there is nothing to lose by writing, so only the upstream's being up is in doubt.
//!
//! A proxy without a server goes on listening. Where connecting has been refused, or a connection was reset
//! before anything was written to it, whatever ended the last one has gone itself, so the next proves itself as
//! if it were the first.
//!
//! An upstream may also be one that never lasts, and would never be sent more than a line. If lines are sent
//! again, or the last proven connection was trusted for what it took, or connecting has been refused since,
//! the next one after a connection that did not last proves itself in half the time.
//!
//! After the peer's FIN it is not known whether the peer has gone or merely sends no answers. Again one
//! line is written and waited for: a peer that has gone refuses it by a reset. The connection must earn
//! its trust anew: a proxy that has lost its server may go on reading for a while.

use std::time::Duration;

use tokio::time::Instant;

use crate::sinks::queue_reader::{Doubtful, Outstanding};

/// How long a connection must last to be proven. Half of it passes before the first line is written.
const SETTLE: Duration = Duration::from_secs(1);
/// The same for an upstream that may be a proxy without a server.
pub(super) const LONG_SETTLE: Duration = Duration::from_secs(4);
/// The same at least, for an upstream whose connections never last.
const SHORT_SETTLE: Duration = Duration::from_millis(125);
/// A connection that breaks within this time after it was proven says little: it had no time to earn trust.
/// A second one in a row says as much as one that had.
const BRIEF: Duration = Duration::from_millis(500);
/// A connection of this age is trusted. A proxy that tries a server again and again closes earlier:
/// haproxy by default after three seconds.
const TRUST: Duration = Duration::from_secs(5);
/// So is one that has taken this much: about four times what the system of a peer that does not read
/// takes at first.
const TRUSTED_BYTES: usize = 512 * 1024;
/// How long a connection whose peer sent FIN at once is kept without a line to try it with.
const HOLD: Duration = Duration::from_secs(10);

/// What the connections to an upstream have taught so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Experience {
    /// How long the next connection must last for the upstream to be up.
    settle: Duration,
    /// How long it must last to be proven, if little or nothing is lost when it breaks.
    eager: Duration,
    /// Whether the last connection that was proven took more than nobody would.
    reads: bool,
    /// Whether the last connection broke [soon](BRIEF) after it was proven.
    brief: bool,
    /// Whether nothing has listened there since the last connection that was proven: a proxy without a
    /// server would have.
    gone: bool,
    /// Whether the upstream ends its answers and takes lines.
    pub(super) one_way: bool,
}

/// How a connection has proven itself.
#[derive(Debug)]
pub(super) struct Trial {
    opened: Instant,
    /// How long it must last to be up.
    settle: Duration,
    /// How long it must last to be proven.
    proof: Duration,
    phase: Phase,
    /// When it was first proven.
    proven: Option<Instant>,
    trusted: bool,
    /// Since when it has been earning trust.
    since: Instant,
    /// Bytes that had been acknowledged then.
    base: usize,
    /// Bytes that were acknowledged while it was trusted before.
    confirmed: usize,
    /// Whether it has ever been up.
    was_up: bool,
    /// Whether it has ever been trusted.
    was_trusted: bool,
    /// Whether it has ever taken more than nobody would.
    took_much: bool,
    /// Whether the peer sends no answers and takes lines. At first, whether its last connection did so.
    one_way: bool,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is written.
    Quiet,
    /// One line is written.
    Line(Line),
    Proven,
}

/// A line that is written to see what the peer does.
#[derive(Debug)]
struct Line {
    /// Since when such a line has been looked for.
    since: Instant,
    /// Bytes of it that have not been written. `None` as long as there is no line.
    left: Option<usize>,
    /// Its bytes that have been written.
    bytes: usize,
    /// When its last byte was written.
    written: Option<Instant>,
    /// How long the connection must last after that.
    hold: Duration,
    /// Whether the peer had sent FIN before.
    after_fin: bool,
}

impl Default for Experience {
    fn default() -> Self {
        Self {
            settle: SETTLE,
            eager: SETTLE,
            reads: false,
            brief: false,
            gone: false,
            one_way: false,
        }
    }
}

impl Experience {
    /// Learns from a connection that has ended.
    pub(super) fn learn(&mut self, now: Instant, trial: &Trial) {
        self.one_way = trial.one_way;
        let lasted = now - trial.opened;
        if lasted >= TRUST {
            self.eager = SETTLE;
        } else if !trial.was_trusted && (SHORT_SETTLE..trial.proof + BRIEF).contains(&lasted) {
            self.eager = (trial.proof.min(SETTLE) / 2).max(SHORT_SETTLE);
        }
        if trial.proven.is_some() {
            (self.reads, self.gone) = (trial.took_much, false);
        }
        if trial.was_trusted {
            (self.settle, self.brief) = (SETTLE, false);
        } else if let Some(proven) = trial.proven {
            let was_brief = std::mem::replace(&mut self.brief, now - proven < BRIEF);
            if was_brief || !self.brief {
                self.settle = LONG_SETTLE;
            }
        } else if trial.was_up && lasted < TRUST {
            // There was no line to try it with.
            (self.settle, self.reads) = (LONG_SETTLE, false);
        }
    }

    /// Learns that nothing listens there: whatever ended the last connection has gone.
    pub(super) fn refused(&mut self) {
        (self.settle, self.brief, self.gone) = (SETTLE, false, true);
    }
}

impl Trial {
    /// A connection `opened` then, of whose upstream this is known. `doubtful` happens to lines if it
    /// breaks.
    pub(super) fn new(opened: Instant, experience: Experience, doubtful: Doubtful) -> Self {
        let Experience { settle, eager, .. } = experience;
        Self {
            opened,
            settle,
            proof: match doubtful {
                Doubtful::Lost if !experience.reads && !experience.gone => settle,
                Doubtful::Lost | Doubtful::Resent => eager,
            },
            phase: Phase::Quiet,
            proven: None,
            trusted: false,
            since: opened,
            base: 0,
            confirmed: 0,
            was_up: false,
            was_trusted: false,
            took_much: false,
            one_way: experience.one_way,
        }
    }

    /// Looks at the clock, and at how much has been acknowledged: so many bytes, and whether `all`.
    /// Returns whether it makes sense to go on.
    pub(super) fn look(&mut self, now: Instant, acknowledged: usize, all: bool) -> bool {
        let age = now - self.opened;
        match &self.phase {
            Phase::Quiet if age >= self.quiet() => {
                self.phase = Phase::Line(Line::new(now, self.proof / 2, false));
            }
            Phase::Line(line) => match line.written {
                Some(at) if all && now - at >= line.hold && age >= self.proof => {
                    self.one_way = line.after_fin;
                    self.phase = Phase::Proven;
                    self.proven.get_or_insert(now);
                }
                None if self.is_doubted() && line.left.is_none() && now - line.since >= HOLD => {
                    return false;
                }
                _ => {}
            },
            Phase::Quiet | Phase::Proven => {}
        }
        let took_much = acknowledged - self.base >= TRUSTED_BYTES;
        self.took_much |= took_much && self.is_proven();
        self.trusted |= (took_much || now - self.since >= TRUST) && self.is_proven();
        self.was_trusted |= self.trusted;
        self.was_up |= self.is_up(now);
        true
    }

    /// Notes that the peer has sent FIN, after so many bytes had been acknowledged. `idle`: nothing has
    /// been written that is not, and nothing waits. `line`: what is missing of a line that has been
    /// written in part. Returns whether it makes sense to go on.
    pub(super) fn fin(
        &mut self,
        now: Instant,
        acknowledged: usize,
        idle: bool,
        line: Option<usize>,
    ) -> bool {
        if self.is_proven() && idle {
            // It went on for a while, so this is its end. The next line goes to a new connection.
            return false;
        }
        // As expected, if its last connection was like that.
        if !(self.one_way && self.is_fresh()) {
            let mut tried = Line::new(now, SETTLE, true);
            tried.left = line;
            self.phase = Phase::Line(tried);
            if std::mem::take(&mut self.trusted) {
                self.confirmed = acknowledged;
            }
            (self.since, self.base) = (now, acknowledged);
        }
        true
    }

    /// Notes that `count` bytes have been written, after which `left` bytes of their line are missing.
    pub(super) fn wrote(&mut self, now: Instant, count: usize, left: usize) {
        if let Phase::Line(line) = &mut self.phase {
            line.bytes += count;
            line.left = Some(left);
            line.written = (left == 0).then_some(now);
        }
    }

    /// How many bytes may be written now, and in any case no more than a line. `None`: any number.
    pub(super) fn allowance(&self) -> Option<usize> {
        match &self.phase {
            Phase::Quiet => Some(0),
            Phase::Line(line) => Some(line.left.unwrap_or(usize::MAX)),
            Phase::Proven => None,
        }
    }

    /// When to [look](Self::look) again at the latest.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        let times = [
            Some(self.opened + self.quiet()),
            Some(self.opened + self.proof),
            Some(self.opened + self.settle),
            Some(self.since + TRUST),
            match &self.phase {
                Phase::Line(line) => Some(match line.written {
                    Some(at) => at + line.hold,
                    None => line.since + HOLD,
                }),
                Phase::Quiet | Phase::Proven => None,
            },
        ];
        times.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// How long nothing is written.
    fn quiet(&self) -> Duration {
        (self.proof / 2).min(SETTLE)
    }

    /// Nothing has been written yet.
    fn is_fresh(&self) -> bool {
        match &self.phase {
            Phase::Quiet => true,
            Phase::Line(line) => line.left.is_none() && !line.after_fin,
            Phase::Proven => false,
        }
    }

    /// Whether lines may be written without waiting for each.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.phase, Phase::Proven)
    }

    /// Whether it has ever been up.
    pub(super) fn was_up(&self, now: Instant) -> bool {
        self.was_up || self.is_up(now)
    }

    /// Whether it is up, as far as that can be known: one without a line to try it with is, too.
    pub(super) fn is_up(&self, now: Instant) -> bool {
        let has_settled = now - self.opened >= self.settle;
        (self.is_proven() && (has_settled || self.trusted)) || (self.is_fresh() && has_settled)
    }

    /// Whether the peer may have gone.
    pub(super) fn is_doubted(&self) -> bool {
        matches!(&self.phase, Phase::Line(line) if line.after_fin)
    }

    /// Whether it has waited for a line to try the peer with, after its FIN, as long as a connection takes
    /// to settle.
    pub(super) fn lacks_line(&self, now: Instant) -> bool {
        let Phase::Line(line) = &self.phase else {
            return false;
        };
        line.after_fin && line.left.is_none() && now - line.since >= SETTLE
    }

    /// Whether what the peer's system acknowledges counts as delivered.
    pub(super) fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whether the connection was proven at some time, so that more than one line was written to it.
    pub(super) fn was_proven(&self) -> bool {
        self.proven.is_some()
    }

    /// Whether the peer sends no answers and takes lines.
    #[cfg(test)]
    pub(super) fn is_one_way(&self) -> bool {
        self.one_way
    }

    /// What is outstanding of `all` bytes in flight, the last of `written`, when the connection has
    /// ended, and the system says that `known` is. `gone`: whatever took the rest has read it, and has ended.
    pub(super) fn judge(
        &self,
        known: Outstanding,
        all: usize,
        written: usize,
        gone: bool,
    ) -> Outstanding {
        let mut judged = known;
        if !self.trusted && !gone {
            judged.unacknowledged = all.min(written - self.confirmed);
        }
        if let Phase::Line(line) = &self.phase
            && line.after_fin
        {
            // A peer that had gone did not take the line. One that reads acknowledges what it reads.
            if known.unacknowledged >= line.bytes {
                judged.unsent = judged.unsent.max(line.bytes);
            }
            judged.unacknowledged = judged.unacknowledged.max(line.bytes);
        }
        judged
    }
}

impl Line {
    fn new(since: Instant, hold: Duration, after_fin: bool) -> Self {
        Self {
            since,
            left: None,
            bytes: 0,
            written: None,
            hold,
            after_fin,
        }
    }
}

#[cfg(test)]
mod tests;
