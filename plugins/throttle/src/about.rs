//! What the filter says about itself.

use linemill_sdk::{About, Description, plain_memory};

use crate::Throttle;

impl About for Throttle {
    fn describe() -> Description {
        Description::new("Limits how many lines pass in a time, by key, over all connections.")
            .schema(include_str!("settings.schema.json"))
            .needs("store", "counts the lines of a key over all connections")
            .needs("stream", "knows the client's address, for `peer`")
            .example(
                "Passes 100 lines per second from each client.",
                r#"{ "rate": "100/s", "peer": true }"#,
            )
            .example(
                "Passes 10 lines per minute for each user.",
                r#"{ "rate": "10/m", "key": "user=(\\w+)" }"#,
            )
            .example(
                "Sends lines beyond 1000 per second by the route `excess`.",
                r#"{ "rate": "1000/s", "route": "excess" }"#,
            )
    }

    fn memory(max_line: u32) -> u64 {
        plain_memory(max_line) + thinning::MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Throttle>();
    }
}
