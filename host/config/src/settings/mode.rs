//! Permissions of a file.

use std::fmt;
use std::str::FromStr;

use crate::malformed::Malformed;

/// The mode of a file: who may read, write and, for a socket, connect. Displays as `0660`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(u32);

/// Read, write and execute, for owner, group and others.
const ALL: u32 = 0o777;
/// The owner may write.
const OWNER_WRITES: u32 = 0o200;

impl Mode {
    /// For the owner alone: `0600`.
    pub const PRIVATE: Self = Self(0o600);

    /// The number, as chmod(2) takes it.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl FromStr for Mode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let hint = "write three octal digits after a 0, such as \"0660\": owner, group, others; read is 4, write is 2";
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let mode = u32::from_str_radix(text, 8).ok().filter(|_| octal);
        let wrong = |fault| Err(Malformed { fault, hint });
        match mode {
            Some(mode) if mode > ALL => wrong("sets more than permissions"),
            Some(mode) if mode & OWNER_WRITES == 0 => wrong("keeps the host itself from writing"),
            Some(mode) => Ok(Self(mode)),
            None => wrong("is not a mode"),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        for (text, bits) in [("0660", 0o660), ("600", 0o600), ("0777", 0o777)] {
            let mode: Mode = text.parse().expect(text);
            assert_eq!(mode.bits(), bits);
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        let wrong = [
            ("", "is not a mode"),
            ("66", "is not a mode"),
            ("0o660", "is not a mode"),
            ("0680", "is not a mode"),
            ("+660", "is not a mode"),
            ("rw-rw----", "is not a mode"),
            ("4755", "sets more than permissions"),
            ("0060", "keeps the host itself from writing"),
        ];
        for (text, fault) in wrong {
            assert_eq!(text.parse::<Mode>().expect_err(text).fault, fault, "{text}");
        }
    }
}
