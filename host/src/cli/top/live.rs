//! The view on the terminal: what happens is passed to the model, which is drawn.
//!
//! In: answers of the host, keys, signals, the time. Out: frames, until the user or a signal ends it.

use std::io;
use std::thread;
use std::time::{Duration, SystemTime};

use linemill::control::admin::status::Status;
use linemill::top::keys::{Key, key};
use linemill::top::model::Model;
use linemill::top::view::{Look, draw};
use ratatui::crossterm::event::{self, Event};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::Host;
use super::signals::{Caught, Signals, stop};
use super::terminal::Screen;
use crate::cli::EndedBy;

/// How often the screen is drawn when nothing happens: it says how long ago things were.
const LOOK: Duration = Duration::from_secs(1);

/// Shows a model until the user or a signal ends it.
pub(super) async fn view(
    host: Host,
    mut model: Model,
    every: Duration,
    look: Look,
) -> anyhow::Result<()> {
    let mut signals = Signals::catch()?;
    let mut screen = Screen::take()?;
    let mut events = events();
    let (paused, pause) = watch::channel(false);
    let mut answers = answers(host, every, pause);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        screen.draw(|frame| draw(frame, &mut model, SystemTime::now(), look))?;
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Caught::Stop => screen.without(stop)?,
                Caught::End(signal) => return Err(EndedBy(signal).into()),
            },
            Some(event) = events.recv() => match event? {
                Event::Key(event) => match key(event) {
                    Some(Key::Quit) => return Ok(()),
                    Some(Key::Suspend) => screen.without(stop)?,
                    Some(Key::Redraw) => screen.clear()?,
                    Some(key) => {
                        model.press(key, SystemTime::now());
                        paused.send_replace(model.is_paused());
                    }
                    None => (),
                },
                Event::Resize(..) => screen.clear()?,
                _ => (),
            },
            Some(answer) = answers.recv() => match answer {
                Ok(status) => model.answered(status, SystemTime::now()),
                Err(error) => model.failed(summary(&error), SystemTime::now()),
            },
            _ = looks.tick() => (),
        }
    }
}

/// What the terminal sends, read by a thread: reading waits, and nothing interrupts it.
fn events() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, events) = mpsc::channel(16);
    thread::spawn(move || {
        loop {
            let event = event::read();
            let over = event.is_err();
            if sender.blocking_send(event).is_err() || over {
                return;
            }
        }
    });
    events
}

/// What the host answers, asked at an interval unless the view is paused.
fn answers(
    host: Host,
    every: Duration,
    mut paused: watch::Receiver<bool>,
) -> mpsc::Receiver<anyhow::Result<Status>> {
    let (sender, answers) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first answer is there already.
        ticks.reset();
        loop {
            ticks.tick().await;
            if paused.wait_for(|paused| !paused).await.is_err()
                || sender.send(host.ask().await).await.is_err()
            {
                return;
            }
        }
    });
    answers
}

/// The first line of what an error says, without the hint.
fn summary(error: &anyhow::Error) -> String {
    let problem = error.downcast_ref::<linemill_config::Problem>();
    let text = problem.map_or_else(|| format!("{error:#}"), |problem| problem.what().to_owned());
    text.lines().next().unwrap_or_default().to_owned()
}
