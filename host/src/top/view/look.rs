//! How things stand out: by attributes of text, and by colours where there are any.

use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours. Nothing is shown by colour alone.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether the terminal has colours, and the user wants them.
    pub colours: bool,
}

impl Look {
    /// What is wrong.
    pub(super) fn wrong(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Red)
    }

    /// What is unusual.
    pub(super) fn note(self) -> Style {
        self.coloured(Style::new(), Color::Yellow)
    }

    /// Titles of tables, and headings.
    pub(super) fn title(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Cyan)
    }

    /// Labels, and keys.
    pub(super) fn label(self) -> Style {
        self.coloured(Style::new(), Color::Cyan)
    }

    /// Zeros, so that what flows stands out.
    pub(super) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The selected row.
    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn coloured(self, style: Style, colour: Color) -> Style {
        if self.colours {
            style.fg(colour)
        } else {
            style
        }
    }
}
