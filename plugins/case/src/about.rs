//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::Case;

impl About for Case {
    fn describe() -> Description {
        Description::new("Changes the case of letters.")
            .schema(include_str!("settings.schema.json"))
            .example(
                "Writes ASCII letters in upper case.",
                r#"{ "to": "upper" }"#,
            )
            .example(
                "Writes the letters of every script in lower case.",
                r#"{ "to": "lower", "unicode": true }"#,
            )
    }

    /// A letter of two bytes may become three of them, in the changed line and in the output.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 8 * u64::from(max_line)
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Case>();
    }
}
