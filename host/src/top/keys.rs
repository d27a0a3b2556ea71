//! What keys mean.
//!
//! In: an event of the keyboard. Out: a [`Key`], or nothing.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Ends the view.
    Quit,
    /// Stops the process, as Ctrl-Z does.
    Suspend,
    /// Draws the whole screen again.
    Redraw,
    /// The row above, or one line up.
    Up,
    /// The row below, or one line down.
    Down,
    /// Ten rows up.
    PageUp,
    /// Ten rows down.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// The first row of the next table.
    NextTable,
    /// The first row of the table before.
    PreviousTable,
    /// Details of the selected row.
    Open,
    /// Back to where the screen was opened.
    Back,
    /// What is wrong with the host, and its limits.
    Host,
    /// The last generations.
    Generations,
    /// The next sort key.
    Sort,
    /// The other direction.
    Reverse,
    /// Holds what is shown, or goes on.
    Pause,
    /// What keys and columns mean.
    Help,
}

/// What an event of the keyboard asks for.
pub fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return match event.code {
            KeyCode::Char('c') => Some(Key::Quit),
            KeyCode::Char('z') => Some(Key::Suspend),
            KeyCode::Char('l') => Some(Key::Redraw),
            _ => None,
        };
    }
    let key = match event.code {
        KeyCode::Char('q') => Key::Quit,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::First,
        KeyCode::End | KeyCode::Char('G') => Key::Last,
        KeyCode::Tab | KeyCode::Right => Key::NextTable,
        KeyCode::BackTab | KeyCode::Left => Key::PreviousTable,
        KeyCode::Enter => Key::Open,
        KeyCode::Esc | KeyCode::Backspace => Key::Back,
        KeyCode::Char('w') => Key::Host,
        KeyCode::Char('g') => Key::Generations,
        KeyCode::Char('s') => Key::Sort,
        KeyCode::Char('r') => Key::Reverse,
        KeyCode::Char('p' | ' ') => Key::Pause,
        KeyCode::Char('?' | 'h') | KeyCode::F(1) => Key::Help,
        _ => return None,
    };
    Some(key)
}
