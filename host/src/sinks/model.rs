//! The model check of the release of sinks: [`publish`] and [`lifetime`] run on a scheduler that tries
//! many orders of steps, instead of on threads and tokio.
//!
//! Generations are published whose lines go to changing destinations, while connections follow them and
//! put lines into the sinks. What must hold in every order: every line is written, and once; a
//! destination has one writer at a time; every sink ends once the last generation that names it is
//! released, and the sinks of the generation in force do not end.

mod runtime {
    pub(super) use shuttle::sync::{Mutex, MutexGuard};
    pub(super) use shuttle_tokio::sync::watch;
}
#[path = "lifetime.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the same text over another runtime is the point"
)]
mod lifetime;
#[path = "../generation/publish.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the same text over another runtime is the point"
)]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "the model does not use all of it"
)]
mod publish;

use std::collections::HashMap;
use std::sync::Arc;

use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::{future, thread};
use shuttle_tokio::sync::Notify;

use lifetime::Lifetime;
use publish::InForce;
use runtime::watch;

/// The destination of each generation: one is restored, one kept, one removed.
const TO: [char; 4] = ['a', 'b', 'b', 'a'];
const LAST: usize = TO.len() - 1;

struct Generation {
    number: usize,
    sink: Hold,
}

#[derive(Clone)]
struct Snapshot(InForce<Generation>);

/// A sink: what waits for it, and what has been written to its destination.
struct Sink {
    lifetime: Lifetime,
    waiting: Mutex<Vec<usize>>,
    changed: Notify,
}

struct Hold(Arc<Sink>);

impl Drop for Hold {
    fn drop(&mut self) {
        if self.0.lifetime.drop_hold() {
            self.0.changed.notify_one();
        }
    }
}

impl Hold {
    fn put(&self, line: usize) {
        // A writer that had ended would leave the line behind.
        self.0.waiting.lock().expect("no panic").push(line);
        self.0.changed.notify_one();
    }
}

/// The sinks by destination, and the threads of all writers.
#[derive(Default)]
struct Registry {
    sinks: HashMap<char, Arc<Sink>>,
    writers: Vec<thread::JoinHandle<()>>,
    written: Arc<Mutex<Vec<usize>>>,
    /// Writers at work, by destination.
    at_work: HashMap<char, Arc<AtomicUsize>>,
}

impl Registry {
    fn open(&mut self, to: char) -> Hold {
        if let Some(sink) = self.sinks.get(&to)
            && sink.lifetime.take()
        {
            return Hold(Arc::clone(sink));
        }
        let sink = Arc::new(Sink {
            lifetime: Lifetime::default(),
            waiting: Mutex::default(),
            changed: Notify::new(),
        });
        self.sinks.insert(to, Arc::clone(&sink));
        let (written, at_work) = (
            Arc::clone(&self.written),
            Arc::clone(self.at_work.entry(to).or_default()),
        );
        let writer = Arc::clone(&sink);
        self.writers.push(thread::spawn(move || {
            future::block_on(write(writer, written, at_work));
        }));
        Hold(sink)
    }
}

/// Does as the writers of sinks do: takes what waits, and ends when nobody can add to it.
async fn write(sink: Arc<Sink>, written: Arc<Mutex<Vec<usize>>>, at_work: Arc<AtomicUsize>) {
    loop {
        let lines = std::mem::take(&mut *sink.waiting.lock().expect("no panic"));
        if !lines.is_empty() {
            let others = at_work.fetch_add(1, Ordering::SeqCst);
            assert_eq!(others, 0, "two writers at one destination");
            written.lock().expect("no panic").extend(lines);
            at_work.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let is_empty = || sink.waiting.lock().expect("no panic").is_empty();
        if sink.lifetime.end_if_unused(is_empty) {
            return;
        }
        sink.changed.notified().await;
    }
}

/// Does as a connection does: puts a line into the sink of each generation that it sees.
async fn follow(mut snapshot: watch::Receiver<Snapshot>, name: usize) -> Vec<usize> {
    let mut lines = Vec::new();
    loop {
        let (now, lease) = publish::subscribe(&mut snapshot, |snapshot| &snapshot.0, true);
        let generation = Arc::clone(&now.0.value);
        drop(now);
        let line = 100 * name + generation.number;
        generation.sink.put(line);
        lines.push(line);
        if generation.number == LAST {
            return lines;
        }
        drop((generation, lease));
        snapshot.changed().await.expect("the publisher is there");
    }
}

fn all_lines_arrive(connections: usize) {
    let mut registry = Registry::default();
    let first = Generation {
        number: 0,
        sink: registry.open(TO[0]),
    };
    let (sender, receiver) = watch::channel(Snapshot(InForce::new(Arc::new(first))));
    let connections: Vec<_> = (1..=connections)
        .map(|name| {
            let receiver = receiver.clone();
            thread::spawn(move || future::block_on(follow(receiver, name)))
        })
        .collect();
    drop(receiver);
    for (number, to) in TO.into_iter().enumerate().skip(1) {
        let sink = registry.open(to);
        let next = Arc::new(Generation { number, sink });
        drop(publish::publish(&sender, |snapshot| &mut snapshot.0, next));
    }
    let mut put: Vec<usize> = connections
        .into_iter()
        .flat_map(|connection| connection.join().expect("a connection ends"))
        .collect();
    let last = &registry.sinks[&TO[LAST]].lifetime;
    assert!(!last.end_if_unused(|| true), "a sink in force has ended");
    // The last generation goes with the publisher.
    drop(sender);
    for writer in registry.writers {
        writer.join().expect("a writer ends");
    }
    let mut written = std::mem::take(&mut *registry.written.lock().expect("no panic"));
    put.sort_unstable();
    written.sort_unstable();
    assert_eq!(written, put);
}

#[test]
fn many_orders_of_one_connection() {
    shuttle::check_random(|| all_lines_arrive(1), 2_000);
}

#[test]
fn many_orders_of_two_connections() {
    shuttle::check_random(|| all_lines_arrive(2), 2_000);
}

#[test]
fn orders_with_few_changes_of_turn() {
    shuttle::check_pct(|| all_lines_arrive(2), 2_000, 3);
}
