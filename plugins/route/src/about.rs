//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::Route;

impl About for Route {
    fn describe() -> Description {
        Description::new("Sends lines by routes: by a field of JSON, by severity, or by pattern.")
            .schema(include_str!("settings.schema.json"))
            .example(
                "Sends errors and logins by routes of their own.",
                r#"{ "rules": [
                    { "route": "errors", "field": "level", "in": ["error", "fatal"] },
                    { "route": "auth", "pattern": "sshd" }
                ] }"#,
            )
            .example(
                "Sends lines by the value of a field.",
                r#"{ "rules": [{ "field": "level", "routes": { "error": "errors", "warn": "warnings" } }] }"#,
            )
            .example(
                "Sends urgent syslog messages by a route.",
                r#"{ "rules": [{ "route": "urgent", "severity": "<=err" }] }"#,
            )
    }

    /// A value that has been found takes 12 bytes, in a list that has grown by doubling; an expression takes
    /// memory for its automaton.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 16 * u64::from(max_line) + pattern::MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Route>();
    }
}
