//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::Grep;

impl About for Grep {
    fn describe() -> Description {
        Description::new("Keeps or drops lines by pattern, or sends them by a route.")
            .schema(include_str!("settings.schema.json"))
            // The host ignores this if there is a route: then no line is dropped.
            .on_error(OnError::Drop)
            .example(
                "Keeps errors and warnings that are not about health checks.",
                r#"{ "keep": ["ERROR", "^WARN"], "drop": ["/healthz"] }"#,
            )
            .example(
                "Sends errors by the route `errors`.",
                r#"{ "keep": ["ERROR"], "route": "errors" }"#,
            )
            .example(
                "Drops lines with one of many plain texts. The list may also be a file.",
                r#"{ "drop_list": "10.0.0.17\n10.0.0.23\n", "literal": true }"#,
            )
    }

    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + PATTERNS
    }
}

/// The memory of patterns: measured with 100,000 texts of 24 bytes each while they are read. Automata take less.
const PATTERNS: u64 = 12 << 20;

#[cfg(test)]
mod tests {
    use super::Grep;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Grep>();
    }
}
