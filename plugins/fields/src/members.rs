//! Adds members to a line that is a JSON object.
//!
//! In: a line, and members with their values. Out: the new line. Everything that was there stays byte for byte,
//! unless a value is replaced.
//! Not here: what the values are (`lib`).

use std::ops::Range;

use jsonline::{Problem, Scan};
use linemill_sdk::Output;

/// A member to add.
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    /// The name as JSON, with a colon.
    pub(crate) key: Vec<u8>,
}

/// Where members go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Start,
    #[default]
    End,
}

/// What happens to a member that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Existing {
    #[default]
    Keep,
    Replace,
}

/// What is known about a line. It is kept from line to line for its memory.
#[derive(Default)]
pub(crate) struct Found {
    /// After the opening brace.
    begin: usize,
    /// After the last member; `begin` if there is none.
    end: usize,
    /// The values of members that are to be added, with their numbers.
    values: Vec<(usize, Range<usize>)>,
}

impl Found {
    /// Reads a line.
    ///
    /// # Errors
    /// It is not a JSON object.
    pub(crate) fn read(&mut self, line: &[u8], members: &[Member]) -> Result<(), Problem> {
        self.values.clear();
        let mut scan = Scan::new(line)?;
        scan.expect_object()?;
        let mut open = scan.open();
        (self.begin, self.end) = (scan.at(), scan.at());
        while let Some(name) = scan.name(&mut open)? {
            let decoded = name.decode(line);
            let known = members.iter().position(|member| *member.name == *decoded);
            let value = scan.value()?;
            self.end = value.end;
            if let Some(known) = known {
                self.values.push((known, value));
            }
        }
        scan.end()
    }

    /// Writes the line that was read last, with the members whose values are known. `values` has a JSON text
    /// for each.
    pub(crate) fn write(
        &self,
        line: &[u8],
        members: &[Member],
        values: &[Option<String>],
        (place, existing): (Place, Existing),
        out: &mut Output<'_>,
    ) {
        let exists = |number| self.values.iter().any(|(known, _)| *known == number);
        let added = members.iter().zip(values).enumerate();
        let mut added = added
            .filter_map(|(number, (member, value))| Some((number, member, value.as_ref()?)))
            .filter(|(number, ..)| !exists(*number))
            .peekable();
        let replaced = self.values.iter().filter_map(|(number, range)| {
            let value = values[*number].as_ref()?;
            (existing == Existing::Replace).then_some((range, value))
        });
        let mut replaced = replaced.peekable();
        if added.peek().is_none() && replaced.peek().is_none() {
            return out.emit(line);
        }
        let has_members = self.end > self.begin;
        let mut written = 0;
        if place == Place::Start {
            out.push(&line[..self.begin]);
            written = self.begin;
            while let Some((_, member, value)) = added.next() {
                out.push(&member.key);
                out.push(value);
                if added.peek().is_some() || has_members {
                    out.push(b",");
                }
            }
        }
        for (range, value) in replaced {
            out.push(&line[written..range.start]);
            out.push(value);
            written = range.end;
        }
        out.push(&line[written..self.end]);
        let mut comma = has_members;
        for (_, member, value) in added {
            if comma {
                out.push(b",");
            }
            out.push(&member.key);
            out.push(value);
            comma = true;
        }
        out.emit(&line[self.end..]);
    }
}
