//! Reads a line once and notes what changes in it.
//!
//! In: a line, and the rules for its values. Out: the changes, or why there can be none.
//! Not here: the rules themselves (`rules`), and the grammar (`jsonline`).
//!
//! An object or array whose own members or elements change is written without white space between them.
//! Everything else stays byte for byte.

use jsonline::{Kind, Problem, Scan, Tree};

use crate::edits::{Edits, With};
use crate::parts::Parts;
use crate::rules::{COMMA, Required, Rule, Rules};

/// What is remembered while a line is read. It is kept from line to line for its memory.
#[derive(Default)]
pub(crate) struct Rewriter {
    pub(crate) edits: Edits,
    /// For each rename: whether the current object has a member that got the new name, and one that already
    /// had it.
    renames: Vec<(bool, bool)>,
    /// For each place that must exist: whether the current object or array has it.
    seen: Vec<bool>,
    /// Why the line fails though it is JSON.
    failure: Option<String>,
}

/// Why there is no new line.
pub(crate) enum Failure {
    /// It is not a JSON object.
    Json(Problem),
    /// A rule cannot be followed.
    Rule(String),
}

/// One pass over a line.
struct Pass<'a> {
    line: &'a [u8],
    scan: Scan<'a>,
    rules: &'a Rules,
    to: &'a mut Rewriter,
}

// === impl Rewriter ===

impl Rewriter {
    /// Notes the changes of `line` in `edits`.
    #[inline]
    pub(crate) fn read(&mut self, line: &[u8], rules: &Rules) -> Result<(), Failure> {
        self.edits.clear();
        self.renames.resize(rules.renames.len(), (false, false));
        self.seen.resize(rules.required, false);
        self.failure = None;
        let scan = Scan::new(line).map_err(Failure::Json)?;
        let pass = Pass {
            line,
            scan,
            rules,
            to: self,
        };
        pass.line().map_err(Failure::Json)?;
        match self.failure.take() {
            Some(failure) => Err(Failure::Rule(failure)),
            None => Ok(()),
        }
    }

    #[cold]
    fn fail(&mut self, reason: impl FnOnce() -> String) {
        if self.failure.is_none() {
            self.failure = Some(reason());
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Json(problem)
    }
}

// === impl Pass ===

impl Pass<'_> {
    #[inline]
    fn line(mut self) -> Result<(), Problem> {
        self.scan.expect_object()?;
        if !self.rules.tree.reaches_into(Kind::Object) {
            self.scan.value()?;
            return self.scan.end();
        }
        self.object(&self.rules.tree, 0)?;
        self.scan.end()
    }

    /// Reads a value for which there are rules. Returns whether it is kept: false if only parts of it are
    /// picked, and it has none of them.
    fn value(&mut self, tree: &Tree<Rule>, depth: u8) -> Result<bool, Problem> {
        let kind = self.scan.kind()?;
        self.check_places(&tree.data, kind);
        if !tree.reaches_into(kind) {
            self.scan.value()?;
            return Ok(!tree.data.others_removed);
        }
        let parts = if kind == Kind::Object {
            self.object(tree, depth)?
        } else {
            self.array(tree, depth)?
        };
        Ok(parts.kept > 0 || !tree.data.others_removed)
    }

    /// Reads the object that begins here.
    #[inline]
    fn object(&mut self, tree: &Tree<Rule>, depth: u8) -> Result<Parts, Problem> {
        let rule = &tree.data;
        for &rename in &rule.renames {
            self.to.renames[rename] = (false, false);
        }
        for required in &rule.required {
            self.to.seen[required.number] = false;
        }
        let first = self.to.edits.len();
        // A copy, which stays in registers.
        let mut scan = self.scan;
        let mut open = scan.open();
        let mut parts = Parts::new(scan.at(), depth);
        while let Some(name) = scan.name(&mut open)? {
            let start = scan.at();
            let child = tree.member(&name.decode(self.line));
            let child = child.map(|child| &tree.children()[child].1);
            if child.map_or(rule.others_removed, |child| child.data.removed) {
                parts.remove(&mut self.to.edits, scan.value()?.end);
                continue;
            }
            let before = (self.to.edits.len(), parts);
            parts.keep(self.line, &mut self.to.edits, name.start);
            if let Some((_, new)) = child.and_then(|child| child.data.rename) {
                self.to.edits.push(name.start, name.end, With::Text(new));
                parts.changed = true;
            }
            parts.blanks_at_colon(&mut self.to.edits, name.end, name.colon, start);
            let Some(child) = child else {
                parts.end = scan.value()?.end;
                continue;
            };
            if child.data.only_kept {
                self.note(&child.data);
                parts.end = scan.value()?.end;
                continue;
            }
            self.scan = scan;
            let kept = self.member_value(child, depth)?;
            scan = self.scan;
            if kept {
                self.note(&child.data);
                parts.end = scan.at();
            } else {
                self.to.edits.truncate(before.0);
                parts = before.1;
                parts.remove(&mut self.to.edits, scan.at());
            }
        }
        self.scan = scan;
        let close = scan.at() - 1;
        parts.close(&mut self.to.edits, close);
        if !rule.required.is_empty() {
            self.add_missing(&rule.required, &mut parts, close);
        }
        for &rename in &rule.renames {
            if self.to.renames[rename] == (true, true) {
                let name = &self.rules.renames[rename];
                self.to
                    .fail(|| format!("rename: the object already has a field {name}"));
            }
        }
        parts.settle(&mut self.to.edits, first);
        Ok(parts)
    }

    /// Reads the array that begins here.
    fn array(&mut self, tree: &Tree<Rule>, depth: u8) -> Result<Parts, Problem> {
        let rule = &tree.data;
        for required in &rule.required {
            self.to.seen[required.number] = false;
        }
        let first = self.to.edits.len();
        let mut open = self.scan.open();
        let mut parts = Parts::new(self.scan.at(), depth);
        let mut index = 0;
        while self.scan.element(&mut open)? {
            let start = self.scan.at();
            let child = tree.element(index).map(|child| &tree.children()[child].1);
            index += 1;
            let before = (self.to.edits.len(), parts);
            parts.keep(self.line, &mut self.to.edits, start);
            let kept = match child {
                Some(child) if child.data.removed => {
                    self.scan.value()?;
                    false
                }
                Some(child) => {
                    let kept = self.member_value(child, depth)?;
                    self.note(&child.data);
                    kept
                }
                None => {
                    self.scan.value()?;
                    !rule.others_removed
                }
            };
            if kept {
                parts.end = self.scan.at();
            } else {
                self.to.edits.truncate(before.0);
                parts = before.1;
                parts.remove(&mut self.to.edits, self.scan.at());
            }
        }
        parts.close(&mut self.to.edits, self.scan.at() - 1);
        for required in &rule.required {
            if required.in_array && !required.each && !self.to.seen[required.number] {
                let path = &required.path;
                self.to.fail(|| {
                    format!("set: there is no `{path}`; the array has the length {index}")
                });
            }
        }
        parts.settle(&mut self.to.edits, first);
        Ok(parts)
    }

    /// Reads the value of a member or element that has a rule and is not removed.
    fn member_value(&mut self, child: &Tree<Rule>, depth: u8) -> Result<bool, Problem> {
        match child.data.set {
            Some(text) => {
                let value = self.scan.value()?;
                self.to.edits.push(value.start, value.end, With::Text(text));
                Ok(true)
            }
            None => self.value(child, depth + 1),
        }
    }

    /// Notes that the current object or array has the place of `rule`.
    #[inline]
    fn note(&mut self, rule: &Rule) {
        if let Some((rename, _)) = rule.rename {
            self.to.renames[rename].0 = true;
        }
        if let Some(rename) = rule.new_name_of {
            self.to.renames[rename].1 = true;
        }
        if let Some(required) = rule.required_as {
            self.to.seen[required] = true;
        }
    }

    /// Adds what must exist and does not to an object that closes at `close`.
    fn add_missing(&mut self, required: &[Required], parts: &mut Parts, close: usize) {
        for required in required.iter().filter(|required| required.in_object) {
            if self.to.seen[required.number] {
                continue;
            }
            let Some(text) = required.member else {
                let path = &required.path;
                self.to.fail(|| format!("set: there is no `{path}`"));
                continue;
            };
            if parts.kept > 0 {
                self.to.edits.push(close, close, With::Text(COMMA));
            }
            self.to.edits.push(close, close, With::Text(text));
            if let Some(rename) = required.rename {
                self.to.renames[rename].0 = true;
            }
            parts.kept += 1;
            parts.changed = true;
        }
    }

    /// Fails the line if something must exist in a value that cannot have it.
    fn check_places(&mut self, rule: &Rule, kind: Kind) {
        for required in &rule.required {
            let fits = match kind {
                Kind::Object => required.in_object,
                Kind::Array => required.in_array,
                _ => false,
            };
            if !fits {
                let path = &required.path;
                self.to
                    .fail(|| format!("set: cannot set `{path}` in {kind}"));
            }
        }
    }
}
