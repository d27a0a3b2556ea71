//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::{Dedup, MAX_WINDOW};

impl About for Dedup {
    fn describe() -> Description {
        Description::new("Drops a line that repeats one of the last different lines.")
            .schema(include_str!("settings.schema.json"))
            .example(
                "Compares with the last 100 different lines.",
                r#"{ "window": 100 }"#,
            )
            .example(
                "Ignores times, and drops repeats for 30 seconds.",
                r#"{ "ignore": ["\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?"], "within": "30s" }"#,
            )
            .example(
                "Says how often a line was repeated, as syslog does.",
                r#"{ "count_line": "last message repeated {count} times" }"#,
            )
            .example(
                "Passes one line for each request.",
                r#"{ "key": "request=(\\w+)" }"#,
            )
    }

    /// The largest window takes up to 180 bytes per line.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 180 * MAX_WINDOW + thinning::MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::Dedup;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Dedup>();
    }
}
