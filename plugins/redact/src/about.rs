//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::Redact;

impl About for Redact {
    fn describe() -> Description {
        Description::new("Masks personal data and secrets.")
            .schema(include_str!("settings.schema.json"))
            .on_error(OnError::Drop)
            .example("Masks what logs usually contain.", r#"{}"#)
            .example(
                "Masks email addresses, IPv4 addresses and badge numbers.",
                r#"{ "patterns": ["email", "ipv4"], "custom": { "badge": "B-[0-9]{4}" }, "mask": "<{name}>" }"#,
            )
            .example(
                "Replaces addresses with hashes, shows the last four digits of cards, and drops lines with private keys.",
                r#"{ "actions": { "email": "hash", "ipv4": "hash", "card": "keep_last4", "secret": "drop" }, "salt": "9f2c4b7d1e8a6035" }"#,
            )
            .example(
                "Masks the name in `user ann logged in`, and leaves the value of `csrf_token` and the local address.",
                r#"{ "custom": { "user": "user (\\w+) logged in" }, "exclude": ["csrf_token", "127\\.0\\.0\\.1"] }"#,
            )
            .example(
                "Changes nothing, and sends lines with secrets by the route `found`.",
                r#"{ "action": "report", "route": "found" }"#,
            )
    }

    /// In the worst line, every seventh byte begins a secret. While expressions are compiled, they take twice as much
    /// as later, but no line is read.
    fn memory(max_line: u32) -> u64 {
        let compiling = pattern::MEMORY + pattern::CAPTURES_MEMORY;
        let reading = compiling / 2 + 20 * u64::from(max_line);
        plain_memory(max_line) + compiling.max(reading)
    }
}

#[cfg(test)]
mod tests {
    use super::Redact;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Redact>();
    }
}
