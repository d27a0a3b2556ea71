//! The path of a value in a JSON document, as settings write it.
//!
//! In: a JSON Pointer (RFC 6901) such as `/user/tags/0`, or a dotted path such as `user.tags[0]`. Out: its
//! steps, or what is wrong with it. Not here: following it (`finder`).

use std::fmt::{self, Display, Formatter};

/// The most steps of a path.
pub const MAX_STEPS: usize = 32;

/// Where a value is in a document: at least one step from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
    /// As it was written.
    text: String,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A member of an object.
    Name(String),
    /// An element of an array, counted from 0. An object has none.
    Index(usize),
    /// A number without brackets, such as in `tags.0`: of an array the element, of an object the member of
    /// this name.
    NameOrIndex(String, usize),
    /// Every element of an array.
    Each,
}

// === impl Path ===

impl Path {
    /// Reads a path. One that begins with `/` is a JSON Pointer; any other is dotted.
    ///
    /// # Errors
    /// What is wrong, for the author of the settings.
    ///
    /// ```
    /// use jsonline::{Path, Step};
    ///
    /// let name = |name: &str| Step::Name(name.to_owned());
    /// assert_eq!(Path::parse("user.id")?.steps(), [name("user"), name("id")]);
    /// assert_eq!(Path::parse("/user/id")?.steps(), [name("user"), name("id")]);
    /// assert_eq!(Path::parse("/user.id")?.steps(), [name("user.id")]);
    /// assert_eq!(Path::parse("tags[3]")?.steps(), [name("tags"), Step::Index(3)]);
    /// assert_eq!(Path::parse("tags[*]")?.steps(), [name("tags"), Step::Each]);
    /// assert_eq!(Path::parse("a~1b")?, Path::parse("a~1b")?);
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let steps = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(pointer_step).collect(),
            None => dotted(text),
        };
        let steps: Vec<Step> = steps.map_err(|problem| format!("`{text}` {problem}"))?;
        if steps.len() > MAX_STEPS {
            return Err(format!("`{text}` has more than {MAX_STEPS} steps"));
        }
        Ok(Self {
            steps,
            text: text.to_owned(),
        })
    }

    /// Its steps from the top: 1 to [`MAX_STEPS`].
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A step of a JSON Pointer.
fn pointer_step(token: &str) -> Result<Step, String> {
    let mut name = String::with_capacity(token.len());
    let mut parts = token.split('~');
    name.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (sign, rest) = if let Some(rest) = part.strip_prefix('0') {
            ('~', rest)
        } else if let Some(rest) = part.strip_prefix('1') {
            ('/', rest)
        } else {
            return Err(
                "has a `~` that stands for nothing; write `~0` for `~` and `~1` for `/`".into(),
            );
        };
        name.push(sign);
        name.push_str(rest);
    }
    Ok(named(name))
}

/// The steps of a dotted path.
fn dotted(text: &str) -> Result<Vec<Step>, String> {
    if text.is_empty() {
        return Err("names no field; the field with the empty name is `/`".into());
    }
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (name, brackets) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        // `[0].a` begins in an array, which a line can be.
        if !name.is_empty() {
            steps.push(named(name.to_owned()));
        } else if brackets.is_empty() || !steps.is_empty() {
            return Err(
                "has an empty name between dots; a name with dots is written as `/a.b`".into(),
            );
        }
        steps.extend(indices(brackets)?);
    }
    Ok(steps)
}

/// The indices in `[1][*]`.
fn indices(brackets: &str) -> Result<Vec<Step>, String> {
    let wrong = || {
        "has brackets without a number or `*`; a name with brackets is written as `/a[b]`"
            .to_owned()
    };
    let mut steps = Vec::new();
    let mut rest = brackets;
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
        let (index, after) = inner.split_once(']').ok_or_else(wrong)?;
        steps.push(match index {
            "*" => Step::Each,
            _ => match number(index) {
                Some(index) => Step::Index(index),
                None if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) => {
                    return Err(wrong());
                }
                None => return Err(not_an_index(index)),
            },
        });
        rest = after;
    }
    Ok(steps)
}

/// What is wrong with these digits in brackets.
fn not_an_index(digits: &str) -> String {
    match digits.trim_start_matches('0') {
        plain if plain.len() == digits.len() => {
            format!(
                "has the index {digits}, which is too large; the greatest is {}",
                u32::MAX
            )
        }
        "" => format!("has the index {digits}; write 0 without further zeros"),
        plain => format!("has the index {digits}; write {plain}, without zeros before it"),
    }
}

fn named(name: String) -> Step {
    match number(&name) {
        Some(index) => Step::NameOrIndex(name, index),
        None => Step::Name(name),
    }
}

/// A number without sign and leading zeros, as RFC 6901 has it.
fn number(text: &str) -> Option<usize> {
    let plain = text == "0" || !text.starts_with('0');
    let number = text.parse::<u32>().ok()?;
    (plain && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(number as usize)
}
