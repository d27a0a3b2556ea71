//! How fast listeners and filters work: means over the last seconds.
//!
//! In: what each has counted, once a second. Out: rates. Counting itself costs nothing more for it.
//! Not here: outputs, which know their own rates (`sinks::throughput`).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::sinks::throughput::WINDOW;

/// How often counts are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Counts of one subject; what each is, its subject knows.
pub type Counts = [u64; 4];
/// Means of the same counts per second.
pub type Rates = [f64; 4];

/// What works at a rate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The listener of this name.
    Listener(String),
    /// The filter of this name.
    Filter(String),
}

/// What listeners and filters have counted in the last seconds. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Sampler(Arc<Mutex<HashMap<Subject, Samples>>>);

/// Counts, the oldest first; none is older than [`WINDOW`] by more than one look.
type Samples = VecDeque<(Instant, Counts)>;

/// The task that looks at counts. Dropping it ends the task.
#[derive(Debug)]
pub struct Sampling(JoinHandle<()>);

impl Sampler {
    /// Starts to look at the counts that `source` returns.
    pub fn start(
        &self,
        source: impl Fn() -> HashMap<Subject, Counts> + Send + 'static,
    ) -> Sampling {
        let sampler = self.clone();
        Sampling(tokio::spawn(async move {
            let mut ticks = interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                sampler.note(source());
            }
        }))
    }

    /// The means over the last seconds, for a subject that has counted `now`; zeros until there are two
    /// looks.
    pub fn rates(&self, subject: &Subject, now: Counts) -> Rates {
        let samples = self.lock();
        let oldest = samples.get(subject).and_then(VecDeque::front);
        let Some((at, before)) = oldest else {
            return Rates::default();
        };
        let time = at.elapsed().max(LOOK / 2).as_secs_f64();
        std::array::from_fn(|one| now[one].saturating_sub(before[one]) as f64 / time)
    }

    /// Notes what each subject has counted. Others are forgotten.
    fn note(&self, counts: HashMap<Subject, Counts>) {
        let now = Instant::now();
        let mut samples = self.lock();
        let mut next = HashMap::with_capacity(counts.len());
        for (subject, counts) in counts {
            let mut of = samples.remove(&subject).unwrap_or_default();
            // Counts that went back are those of another subject of the same name.
            let went_back = |(_, last): &(Instant, Counts)| {
                last.iter().zip(&counts).any(|(last, now)| now < last)
            };
            if of.back().is_some_and(went_back) {
                of.clear();
            }
            of.push_back((now, counts));
            while of.front().is_some_and(|(at, _)| now - *at > WINDOW) {
                of.pop_front();
            }
            next.insert(subject, of);
        }
        *samples = next;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, Samples>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject::Filter(name.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn rates_are_means_over_the_window() {
        let sampler = Sampler::default();
        let rate = |now: u64| sampler.rates(&subject("a"), [now, 0, 0, 0])[0];
        assert_eq!(rate(7), 0.0);
        // 100 a second for 30 seconds, then nothing.
        for second in 0..30 {
            sampler.note(HashMap::from([(subject("a"), [100 * second, 0, 0, 0])]));
            tokio::time::advance(LOOK).await;
        }
        let found = rate(3000);
        assert!((99.0..=101.0).contains(&found), "{found}");
        for _ in 0..=WINDOW.as_secs() {
            sampler.note(HashMap::from([(subject("a"), [3000, 0, 0, 0])]));
            tokio::time::advance(LOOK).await;
        }
        assert_eq!(rate(3000), 0.0);
        assert_eq!(sampler.lock()[&subject("a")].len(), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_is_forgotten_and_what_begins_anew_too() {
        let sampler = Sampler::default();
        sampler.note(HashMap::from([
            (subject("a"), [500; 4]),
            (subject("b"), [0; 4]),
        ]));
        tokio::time::advance(LOOK).await;
        sampler.note(HashMap::from([(subject("a"), [10; 4])]));
        assert_eq!(sampler.lock().len(), 1);
        tokio::time::advance(LOOK).await;
        assert_eq!(sampler.rates(&subject("a"), [20; 4]), [10.0; 4]);
    }
}
