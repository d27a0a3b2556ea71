//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::{Join, MAX_BYTES};

impl About for Join {
    fn describe() -> Description {
        Description::new(
            "Joins lines that belong together, such as those of a stack trace, into one line.",
        )
        .schema(include_str!("settings.schema.json"))
        // The line that fails is the one after an event that is too long. It is held back, so it must not pass too.
        .on_error(OnError::Drop)
        .example(
            "Joins lines that begin with white space to the line before them.",
            r#"{ "continue": "^\\s" }"#,
        )
        .example(
            "Begins an event at each line with a date.",
            r#"{ "start": "^\\d{4}-\\d{2}-\\d{2}" }"#,
        )
        .example(
            "Joins lines that end with a backslash to the next line.",
            r#"{ "end": "(?:^|[^\\\\])$", "separator": "" }"#,
        )
        .example(
            "Joins the stack traces of Java, with a blank between lines.",
            r#"{ "preset": "java", "separator": " " }"#,
        )
    }

    /// There are up to three patterns. The longest event exists four times when it is emitted.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 3 * pattern::SMALL_MEMORY + 4 * MAX_BYTES.0
    }
}

#[cfg(test)]
mod tests {
    use super::Join;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Join>();
    }
}
