//! The terminal while a view has it: raw, on its second screen, without a cursor.
//!
//! In: whether standard input and output are terminals. Out: a [`Screen`] to draw on. However it ends, by a
//! key, a signal, an error or a panic, the terminal is as it was before.

use std::io::{self, IsTerminal as _, Stdout, stdin, stdout};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use crate::cli::plugin::hinted;

/// Columns and rows of a terminal that does not say how many it has.
const USUAL: (u16, u16) = (80, 24);

/// Whether the terminal is taken. A panic of any thread gives it back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that shows a view.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    _taken: Taken,
}

/// Gives the terminal back when it is dropped.
struct Taken;

/// Fails if there is no terminal for a view.
pub(super) fn check() -> anyhow::Result<()> {
    let hint = "use --once for one page, or --json for documents";
    for (is_terminal, what) in [
        (stdout().is_terminal(), "standard output is not a terminal"),
        (stdin().is_terminal(), "standard input is not a terminal"),
    ] {
        if !is_terminal {
            return Err(hinted(what, hint));
        }
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(hinted("this terminal cannot show a view: TERM=dumb", hint));
    }
    Ok(())
}

/// The columns of the terminal at standard output; `None` if it does not say.
pub(super) fn columns() -> Option<u16> {
    let (columns, _) = size().ok()?;
    (columns > 0).then_some(columns)
}

impl Screen {
    pub(super) fn take() -> io::Result<Self> {
        give_back_at_panics();
        let taken = Taken::take()?;
        Ok(Self {
            terminal: terminal()?,
            _taken: taken,
        })
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }

    /// Draws everything again the next time. `Terminal::clear` would ask the terminal where its cursor is,
    /// and the answer would be taken for keys.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        execute!(stdout(), Clear(ClearType::All))?;
        self.terminal = terminal()?;
        Ok(())
    }

    /// Gives the terminal back while `stop` stops the process, and takes it again after that.
    pub(super) fn without(&mut self, stop: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        give_back();
        stop()?;
        // The guard that there is goes on to hold it.
        enter()?;
        self.clear()
    }
}

impl Taken {
    fn take() -> io::Result<Self> {
        let taken = Self;
        enter()?;
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// The terminal, of its own size if it has one: some serial lines have not.
fn terminal() -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    let backend = CrosstermBackend::new(stdout());
    if size().is_ok_and(|(columns, rows)| columns > 0 && rows > 0) {
        return Terminal::new(backend);
    }
    let viewport = Viewport::Fixed(Rect::new(0, 0, USUAL.0, USUAL.1));
    Terminal::with_options(backend, TerminalOptions { viewport })
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, Hide)
}

fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Whatever fails here, the terminal has gone.
        let _ = execute!(stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// The report of a panic would be lost with the second screen.
fn give_back_at_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            report(info);
        }));
    });
}
