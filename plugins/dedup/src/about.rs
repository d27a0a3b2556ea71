//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::Dedup;
use crate::MAX_WINDOW;

impl About for Dedup {
    fn describe() -> Description {
        Description::new("Drops a line that is equal to one of the last different lines.")
            .schema(include_str!("settings.schema.json"))
            .example(
                "Compares with the last 100 different lines.",
                r#"{ "window": 100 }"#,
            )
    }

    /// The largest window takes up to 220 bytes per line.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 220 * MAX_WINDOW as u64
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
