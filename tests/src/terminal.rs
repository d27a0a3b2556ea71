//! A command on a terminal of its own, and what a user sees there.
//!
//! In: a line of shell, the size of the terminal, keys. Out: the screen as text, made of the bytes that were
//! written; whether it is the second screen, and whether the cursor is shown.
//! The terminal is that of `script`, of util-linux. It knows only what `linemill` and the shell write.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::process::Signal;

use crate::{Program, available, command, eventually, family};

/// A line of shell on a terminal.
#[derive(Debug)]
pub struct Terminal {
    script: Program,
    size: (usize, usize),
}

/// What a terminal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The rows, without spaces at their ends.
    pub rows: Vec<String>,
    /// Whether this is the second screen, which programs of the whole screen use.
    pub second: bool,
    /// Whether the cursor is shown.
    pub cursor: bool,
    /// Whether anything was ever coloured.
    pub coloured: bool,
}

impl Terminal {
    /// Runs a line of shell in `folder`, in which `$LINEMILL` is the binary under test.
    ///
    /// # Errors
    /// A sentence that says why there is no terminal.
    pub fn run(
        folder: &Path,
        line: &str,
        (columns, rows): (usize, usize),
        env: &[(&str, &str)],
    ) -> Result<Self, String> {
        let path = available("script", "bsdutils")?;
        let binary = command(folder);
        let mut script = Command::new(path);
        let line = format!("stty rows {rows} cols {columns}; {line}");
        script
            .args(["-qefc", &line, "/dev/null"])
            .current_dir(folder)
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .env("LINEMILL", binary.get_program());
        for (name, value) in binary.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.envs(env.iter().copied());
        Ok(Self {
            script: Program::start(&mut script),
            size: (columns, rows),
        })
    }

    /// Sends keys.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        self.script.send(keys.as_bytes());
    }

    /// What is shown now.
    pub fn shown(&self) -> Shown {
        shown(&self.script.output(), self.size)
    }

    /// Waits until what is shown is as wanted; returns it.
    #[track_caller]
    pub fn expect(&self, what: &str, wanted: impl Fn(&Shown) -> bool) -> Shown {
        let mut last = self.shown();
        let looked = std::panic::AssertUnwindSafe(|| {
            eventually(what, || {
                last = self.shown();
                wanted(&last).then_some(())
            });
        });
        let found = std::panic::catch_unwind(looked).is_ok();
        assert!(found, "not seen: {what}; but\n{}", last.text());
        last
    }

    /// Waits until the screen contains `part`.
    #[track_caller]
    pub fn expect_part(&self, part: &str) -> Shown {
        self.expect(part, |shown| shown.text().contains(part))
    }

    /// Sends a signal to the `linemill` on this terminal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.linemill()).ok();
        let id = id.and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), signal).expect("it is ours");
    }

    /// Waits until the `linemill` on this terminal is stopped, and runs no more.
    #[track_caller]
    pub fn expect_stopped(&self) {
        let id = self.linemill();
        eventually("a stopped process", || {
            let text = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
            // `pid (name) state …`; the name may contain anything, including parentheses.
            let (_, rest) = text.rsplit_once(") ")?;
            rest.starts_with('T').then_some(())
        });
    }

    /// The process of the `linemill` on this terminal.
    #[track_caller]
    fn linemill(&self) -> u32 {
        let family = family(self.script.id()).expect("there is /proc");
        let name = |id: &u32| std::fs::read_to_string(format!("/proc/{id}/comm"));
        let mut found = family
            .into_iter()
            .filter(|id| name(id).is_ok_and(|name| name.trim_end() == "linemill"));
        found.next().expect("linemill runs")
    }

    /// Waits for the end of the line of shell.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.script.wait()
    }
}

impl Shown {
    /// The rows in one text.
    pub fn text(&self) -> String {
        self.rows.join("\n")
    }
}

/// What a terminal shows after these bytes.
fn shown(bytes: &str, (columns, rows): (usize, usize)) -> Shown {
    let mut screens = [BTreeMap::new(), BTreeMap::new()];
    let (mut second, mut cursor, mut coloured) = (false, true, false);
    let (mut x, mut y) = (0, 0);
    let mut saved = (0, 0);
    let mut chars = bytes.chars().peekable();
    while let Some(c) = chars.next() {
        let screen: &mut BTreeMap<(usize, usize), char> = &mut screens[usize::from(second)];
        match c {
            '\r' => x = 0,
            '\n' => y += 1,
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                let mut parameters = String::new();
                let end = loop {
                    match chars.next() {
                        Some(c @ '@'..='~') => break c,
                        Some(c) => parameters.push(c),
                        None => break 'm',
                    }
                };
                let numbers: Vec<usize> = parameters
                    .split(';')
                    .map(|number| number.parse().unwrap_or(0))
                    .collect();
                let number = |at: usize| numbers.get(at).copied().unwrap_or(0);
                match (end, &*parameters) {
                    ('H', _) => (y, x) = (number(0).max(1) - 1, number(1).max(1) - 1),
                    ('J', _) => screen.clear(),
                    ('m', _) => coloured |= numbers.iter().any(|code| (30..=38).contains(code)),
                    ('h', "?1049") => {
                        (second, saved) = (true, (x, y));
                        screens[1].clear();
                    }
                    ('l', "?1049") => (second, (x, y)) = (false, saved),
                    ('h', "?25") => cursor = true,
                    ('l', "?25") => cursor = false,
                    _ => (),
                }
            }
            c if c.is_control() => (),
            c => {
                if x == columns {
                    (x, y) = (0, y + 1);
                }
                screen.insert((y, x), c);
                x += 1;
            }
        }
        // The screen scrolls.
        while y >= rows {
            y -= 1;
            let screen = &mut screens[usize::from(second)];
            *screen = std::mem::take(screen)
                .into_iter()
                .filter_map(|((y, x), c)| Some(((y.checked_sub(1)?, x), c)))
                .collect();
        }
    }
    let screen = &screens[usize::from(second)];
    let row = |y| {
        let row: String = (0..columns)
            .map(|x| screen.get(&(y, x)).copied().unwrap_or(' '))
            .collect();
        row.trim_end().to_owned()
    };
    Shown {
        rows: (0..rows).map(row).collect(),
        second,
        cursor,
        coloured,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn bytes_become_a_screen() {
        let first = shown(
            "$ top\r\n\u{1b}[?1049h\u{1b}[?25l\u{1b}[2;3Hab\u{1b}[1;1H\u{1b}[31mc",
            (6, 3),
        );
        assert_eq!(first.rows, ["c", "  ab", ""]);
        assert!(first.second && !first.cursor && first.coloured);
        let then = "$ top\r\n\u{1b}[?1049h\u{1b}[?25lx\u{1b}[?25h\u{1b}[?1049l1\r\n2\r\n3";
        let then = shown(then, (6, 3));
        assert_eq!(
            then.rows,
            ["1", "2", "3"],
            "what was first has scrolled away"
        );
        assert!(!then.second && then.cursor && !then.coloured);
    }
}
