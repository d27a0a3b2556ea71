//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError, plain_memory};

use crate::Parse;

impl About for Parse {
    fn describe() -> Description {
        Description::new("Parses lines of a known format into JSON objects.")
            .schema(include_str!("settings.schema.json"))
            .on_error(OnError::Pass)
            .example(
                "Parses syslog of either format.",
                r#"{ "format": "syslog" }"#,
            )
            .example(
                "Parses an access log, with two fields as numbers, and drops other lines.",
                r#"{ "format": "combined", "numbers": ["status", "size"], "otherwise": "drop" }"#,
            )
            .example(
                "Parses CSV with three columns, separated by semicolons.",
                r#"{ "format": "csv", "columns": ["time", "level", "message"], "delimiter": ";" }"#,
            )
            .example(
                "Parses lines of a form of its own, and keeps the line as it was.",
                r#"{
                    "format": "regex",
                    "pattern": "^\\[(?<level>\\w+)\\] (?<message>.*)$",
                    "keep_original": "original"
                }"#,
            )
    }

    /// In the worst case each byte of a line becomes six, twice if the original is kept. Names and values of
    /// logfmt and structured data take up to 48 bytes for each two of the line.
    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + pattern::CAPTURES_MEMORY + 40 * u64::from(max_line)
    }
}

#[cfg(test)]
mod tests {
    use super::Parse;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Parse>();
    }
}
