//! Reads a line from left to right, as far into objects and arrays as the caller likes.
//!
//! In: a line. Out: where its names and values are. All of it is checked on the way, and nothing is decoded or
//! copied.
//! Not here: the grammar (`grammar`), what strings mean (`string`), and which members matter.

use std::borrow::Cow;
use std::ops::Range;

use crate::problem::What;
use crate::{Kind, Problem, decode, grammar, lanes};

/// What some writers put before text in UTF-8. RFC 8259 lets readers skip it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A place in a line that is JSON as far as it has been read.
///
/// ```
/// use jsonline::{Kind, Scan};
///
/// let line = br#"{"a": [1, 2], "b": "x"}"#;
/// let mut scan = Scan::new(line)?;
/// assert_eq!(scan.kind()?, Kind::Object);
/// let mut values = Vec::new();
/// let mut members = scan.open();
/// while let Some(name) = scan.name(&mut members)? {
///     let value = scan.value()?;
///     values.push((name.decode(line), &line[value]));
/// }
/// scan.end()?;
/// assert_eq!(values, [(b"a"[..].into(), &b"[1, 2]"[..]), (b"b"[..].into(), b"\"x\"")]);
/// # Ok::<(), jsonline::Problem>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    line: &'a [u8],
    at: usize,
}

/// An object or array that is being read.
#[derive(Debug)]
pub struct Open {
    /// No name or element has been read yet.
    first: bool,
}

/// The name of a member. The scan is at its value then.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// Where its quotes begin.
    pub start: usize,
    /// Where its quotes end (exclusive).
    pub end: usize,
    /// Where the colon is.
    pub colon: usize,
    /// It has escapes.
    escaped: bool,
}

impl Name {
    /// The decoded name.
    #[inline]
    pub fn decode<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        if self.escaped {
            decode(&line[self.start..self.end])
        } else {
            Cow::Borrowed(&line[self.start + 1..self.end - 1])
        }
    }
}

// === impl Scan ===

impl<'a> Scan<'a> {
    /// A scan at the value of `line`. White space and a byte order mark before it are skipped.
    ///
    /// # Errors
    /// The line is not UTF-8, or has no value.
    #[inline]
    pub fn new(line: &'a [u8]) -> Result<Self, Problem> {
        if !lanes::is_ascii(line)
            && let Err(error) = std::str::from_utf8(line)
        {
            return Err(Problem::new(What::NotUtf8, line, error.valid_up_to()));
        }
        let at = if line.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let mut scan = Self { line, at };
        scan.blanks();
        if scan.at == line.len() {
            return Err(Problem::new(What::Empty, line, scan.at));
        }
        Ok(scan)
    }

    /// The index of the next byte.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// What kind of value begins here, by its first byte.
    ///
    /// # Errors
    /// None begins here.
    #[inline]
    pub fn kind(&self) -> Result<Kind, Problem> {
        match self.line.get(self.at) {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.problem(What::Value)),
        }
    }

    /// Checks that an object begins here.
    ///
    /// # Errors
    /// Something else begins here.
    #[inline]
    pub fn expect_object(&self) -> Result<(), Problem> {
        match self.kind()? {
            Kind::Object => Ok(()),
            other => Err(self.problem(What::Object(other))),
        }
    }

    /// Opens the object or array that begins here. Its parts are read by [`name`](Self::name), or by
    /// [`element`](Self::element).
    #[inline]
    pub fn open(&mut self) -> Open {
        self.at += 1;
        Open { first: true }
    }

    /// Reads the next name of an object and moves to its value, which the caller must read. `None` at the
    /// object's end, which is read too.
    ///
    /// # Errors
    /// There is neither a name nor the end of the object.
    #[inline]
    pub fn name(&mut self, open: &mut Open) -> Result<Option<Name>, Problem> {
        self.blanks();
        if open.first {
            open.first = false;
            match self.line.get(self.at) {
                Some(b'"') => {}
                Some(b'}') => {
                    self.at += 1;
                    return Ok(None);
                }
                _ => return Err(self.problem(What::NameOrBrace)),
            }
        } else {
            match self.line.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(None);
                }
                _ => return Err(self.problem(What::CommaOrBrace)),
            }
            self.blanks();
        }
        let start = self.at;
        let name = grammar::name(self.line, start)?;
        self.at = name.value;
        Ok(Some(Name {
            start,
            end: name.end,
            colon: name.colon,
            escaped: name.escaped,
        }))
    }

    /// Moves to the next element of an array, which the caller must read. False at the array's end, which
    /// is read.
    ///
    /// # Errors
    /// There is neither a comma nor the end of the array.
    #[inline]
    pub fn element(&mut self, open: &mut Open) -> Result<bool, Problem> {
        self.blanks();
        match self.line.get(self.at) {
            Some(b']') => {
                self.at += 1;
                return Ok(false);
            }
            _ if open.first => open.first = false,
            Some(b',') => {
                self.at += 1;
                self.blanks();
            }
            _ => return Err(self.problem(What::CommaOrBracket)),
        }
        self.kind().map(|_| true)
    }

    /// Reads the value that begins here, and returns where it is.
    ///
    /// # Errors
    /// It is not valid.
    #[inline]
    pub fn value(&mut self) -> Result<Range<usize>, Problem> {
        let start = self.at;
        self.at = grammar::value(self.line, start)?;
        Ok(start..self.at)
    }

    /// Checks that nothing but white space follows.
    ///
    /// # Errors
    /// Something follows.
    #[inline]
    pub fn end(mut self) -> Result<(), Problem> {
        self.blanks();
        if self.at == self.line.len() {
            Ok(())
        } else {
            Err(self.problem(What::End))
        }
    }

    #[inline]
    fn blanks(&mut self) {
        self.at = grammar::blanks(self.line, self.at);
    }

    #[cold]
    fn problem(&self, what: What) -> Problem {
        Problem::new(what, self.line, self.at)
    }
}
