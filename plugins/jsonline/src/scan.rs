//! Reads a line from left to right and checks the grammar of RFC 8259 on the way.
//!
//! In: a line. Out: where its names and values are. Nothing is decoded or copied. Nesting may have any
//! depth: it takes one bit per level, and no recursion.
//! Not here: what strings mean (`string`), and which members matter.

use std::ops::Range;

use crate::problem::What;
use crate::{Kind, Problem, string};

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
///     values.push((&line[name.start..name.end], &line[value]));
/// }
/// scan.end()?;
/// assert_eq!(values, [(&b"\"a\""[..], &b"[1, 2]"[..]), (b"\"b\"", b"\"x\"")]);
/// # Ok::<(), jsonline::Problem>(())
/// ```
#[derive(Debug)]
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
}

// === impl Scan ===

impl<'a> Scan<'a> {
    /// A scan at the value of `line`. White space and a byte order mark before it are skipped.
    ///
    /// # Errors
    /// The line is not UTF-8, or has no value.
    #[inline]
    pub fn new(line: &'a [u8]) -> Result<Self, Problem> {
        if !line.is_ascii()
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
        self.name_and_colon().map(Some)
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
        match self.line.get(start) {
            Some(b'"') => self.string()?,
            Some(b'{' | b'[') => self.nested()?,
            _ => self.plain()?,
        }
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
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.line.get(self.at) {
            self.at += 1;
        }
    }

    /// Reads a name and the colon after it, up to the value.
    #[inline]
    fn name_and_colon(&mut self) -> Result<Name, Problem> {
        let start = self.at;
        if self.line.get(start) != Some(&b'"') {
            return Err(self.problem(What::Name));
        }
        self.string()?;
        let end = self.at;
        self.blanks();
        let colon = self.at;
        if self.line.get(colon) != Some(&b':') {
            return Err(self.problem(What::Colon));
        }
        self.at += 1;
        self.blanks();
        Ok(Name { start, end, colon })
    }

    /// Reads the string whose opening quote is here.
    #[inline]
    fn string(&mut self) -> Result<(), Problem> {
        self.at = string::end(self.line, self.at + 1)?;
        Ok(())
    }

    /// Reads a number, `true`, `false` or `null`.
    #[inline]
    fn plain(&mut self) -> Result<(), Problem> {
        match self.line.get(self.at) {
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.problem(What::Value)),
        }
    }

    #[inline]
    fn word(&mut self, word: &'static str) -> Result<(), Problem> {
        if !self.line[self.at..].starts_with(word.as_bytes()) {
            return Err(self.problem(What::Word(word)));
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), Problem> {
        if self.line[self.at] == b'-' {
            self.at += 1;
        }
        if self.line.get(self.at) == Some(&b'0') {
            self.at += 1;
            if self.line.get(self.at).is_some_and(u8::is_ascii_digit) {
                self.at -= 1;
                return Err(self.problem(What::LeadingZero));
            }
        } else {
            self.digits()?;
        }
        if self.line.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.line.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.line.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Problem> {
        let start = self.at;
        while self.line.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.problem(What::Digit));
        }
        Ok(())
    }

    /// Reads the object or array that begins here, with all that is in it.
    fn nested(&mut self) -> Result<(), Problem> {
        let mut levels = Levels::default();
        loop {
            // A value begins here.
            match self.line.get(self.at) {
                Some(b'"') => self.string()?,
                Some(b'{') => {
                    self.at += 1;
                    self.blanks();
                    match self.line.get(self.at) {
                        Some(b'}') => self.at += 1,
                        Some(b'"') => {
                            levels.push(true);
                            self.name_and_colon()?;
                            continue;
                        }
                        _ => return Err(self.problem(What::NameOrBrace)),
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.blanks();
                    if self.line.get(self.at) == Some(&b']') {
                        self.at += 1;
                    } else {
                        levels.push(false);
                        continue;
                    }
                }
                _ => self.plain()?,
            }
            // A value has ended, and possibly what it is in.
            loop {
                let Some(in_object) = levels.top() else {
                    return Ok(());
                };
                self.blanks();
                match self.line.get(self.at) {
                    Some(b',') => {
                        self.at += 1;
                        self.blanks();
                        if in_object {
                            self.name_and_colon()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ if in_object => return Err(self.problem(What::CommaOrBrace)),
                    _ => return Err(self.problem(What::CommaOrBracket)),
                }
                self.at += 1;
                levels.pop();
            }
        }
    }

    #[cold]
    fn problem(&self, what: What) -> Problem {
        Problem::new(what, self.line, self.at)
    }
}

/// The objects and arrays around a place: a bit for each, set for an object.
#[derive(Default)]
struct Levels {
    /// The innermost of them, up to 64; the lowest bit is the innermost.
    bits: u64,
    /// All others, 64 at a time.
    outer: Vec<u64>,
    /// How many there are in all.
    depth: usize,
}

impl Levels {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Whether the innermost is an object; `None` if there is none.
    #[inline]
    fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }
}
