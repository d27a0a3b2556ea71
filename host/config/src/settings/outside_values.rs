//! Values from outside a configuration, which reports must not show.

use std::fmt;

/// Values shorter than this are not recognised in a text: they would be found in any.
const LEAST: usize = 4;

/// Values from outside the files of a configuration. Equality ignores them: they are parts of settings,
/// which are compared themselves.
#[derive(Clone, Default)]
pub struct OutsideValues(Vec<OutsideValue>);

/// One of them.
#[derive(Clone)]
struct OutsideValue {
    value: String,
    /// What the file contains instead.
    written: String,
}

impl OutsideValues {
    /// Adds a value, with what the file contains instead.
    pub(crate) fn add(&mut self, value: &str, written: &str) {
        if value.chars().count() >= LEAST {
            let (value, written) = (value.to_owned(), written.to_owned());
            self.0.push(OutsideValue { value, written });
        }
    }

    /// These and `more`.
    pub(crate) fn with(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self.sorted()
    }

    /// Completes the collection: a value that contains another comes before it.
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_by_key(|one| std::cmp::Reverse(one.value.len()));
        self
    }

    /// The text with each of the values replaced by what the file contains instead.
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for OutsideValue { value, written } in &self.0 {
            text = text.replace(value, written);
        }
        text
    }
}

impl PartialEq for OutsideValues {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for OutsideValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.0.iter().map(|one| &one.written);
        f.debug_list().entries(written).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_and_never_shown() {
        let mut values = OutsideValues::default();
        values.add("secret", "${A}");
        values.add("my secret text", "{ file = \"b\" }");
        values.add("abc", "${SHORT}");
        let values = values.sorted();
        let hidden = values.hide("my secret text, secret, abc");
        assert_eq!(hidden, "{ file = \"b\" }, ${A}, abc");
        let shown = format!("{values:?}");
        assert!(
            !shown.contains("secret") && shown.contains("${A}"),
            "{shown}"
        );
    }
}
