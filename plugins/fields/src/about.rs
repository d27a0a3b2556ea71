//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::Fields;

impl About for Fields {
    fn describe() -> Description {
        Description::new(
            "Adds the time, the client and constants to lines, as JSON fields or as a prefix.",
        )
        .schema(include_str!("settings.schema.json"))
        .needs("clock", "To write the time.")
        .needs("stream", "To write the listener, the client and its names.")
        .example(
            "Adds the time and the client's address to JSON lines.",
            r#"{ "add": { "time": "{time}", "client": "{peer_ip}" } }"#,
        )
        .example(
            "Writes the time and the client before each line.",
            r#"{ "prefix": "{time} {peer} " }"#,
        )
    }

    /// A line can have a field that is to be added for every fifth byte. Each takes 12 bytes, in a list that
    /// has grown by doubling.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + 8 * u64::from(max_line)
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Fields>();
    }
}
