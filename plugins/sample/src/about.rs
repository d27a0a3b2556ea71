//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::Sample;

impl About for Sample {
    fn describe() -> Description {
        Description::new("Passes one line in N.")
            .schema(include_str!("settings.schema.json"))
            .example("Passes one line in a hundred.", r#"{ "one_in": 100 }"#)
            .example(
                "Chooses by the content of a line, without state.",
                r#"{ "one_in": 100, "by": "content" }"#,
            )
            .example(
                "Passes all lines of one request in a hundred.",
                r#"{ "one_in": 100, "field": "request.id" }"#,
            )
    }

    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + thinning::MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Sample>();
    }
}
