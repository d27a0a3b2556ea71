//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::Json;

impl About for Json {
    fn describe() -> Description {
        Description::new(
            "Picks, removes, renames and sets the fields of lines that are JSON objects, and selects lines by \
             their values.",
        )
        .schema(include_str!("settings.schema.json"))
        // The host ignores this if nothing is kept back.
        .on_error(OnError::Drop)
        .example("Leaves out who it was.", r#"{ "remove": ["user"] }"#)
        .example(
            "Keeps two fields, one of them by another name.",
            r#"{ "pick": ["time", "level"], "rename": { "level": "severity" } }"#,
        )
        .example(
            "Leaves out a field of every element of an array, and adds a constant.",
            r#"{ "remove": ["users[*].mail"], "set": { "source": "shop" } }"#,
        )
        .example(
            "Keeps the lines of failed requests.",
            r#"{ "where": [{ "field": "http.status", "min": 500 }] }"#,
        )
    }

    /// A line can have a change of 12 bytes for every second byte, in a list that has grown by doubling; and
    /// the expressions of conditions take memory.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 16 * u64::from(max_line) + pattern::MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Json>();
    }
}
