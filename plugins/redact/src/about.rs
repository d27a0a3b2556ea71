//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::Redact;

impl About for Redact {
    fn describe() -> Description {
        Description::new("Masks personal data and secrets.")
            .schema(include_str!("settings.schema.json"))
            .on_error(OnError::Drop)
            .example("Masks what logs usually contain.", r#"{}"#)
            .example("Masks email addresses, IPv4 addresses and badge numbers.", r#"{ "patterns": ["email", "ipv4"], "custom": { "badge": "B-[0-9]{4}" }, "mask": "<{name}>" }"#)
    }

    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + pattern::MEMORY
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
