//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::{MAX_RESULT, Replace};

impl About for Replace {
    fn describe() -> Description {
        Description::new("Replaces what matches a pattern in each line.")
            .schema(include_str!("settings.schema.json"))
            // A line that fails still contains what was to be replaced.
            .on_error(OnError::Drop)
            .example(
                "Swaps two words.",
                r#"{ "pattern": "(\\w+) (\\w+)", "with": "$2 $1" }"#,
            )
            .example(
                "Replaces home directories, then removes a blank at the end.",
                r#"{ "rules": [
                    { "pattern": "/home/(?<user>[^/]+)", "with": "~$user" },
                    { "pattern": " $", "with": "", "all": false }
                ] }"#,
            )
    }

    /// The changed line is built in two buffers. The patterns exist twice, once for the screen.
    fn memory(max_line: u32) -> u64 {
        let result = (MAX_RESULT as u64).max(4 * u64::from(max_line));
        plain_memory(max_line) + pattern::CAPTURES_MEMORY + pattern::MEMORY + 2 * result
    }
}

#[cfg(test)]
mod tests {
    use super::Replace;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Replace>();
    }
}
