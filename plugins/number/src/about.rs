//! What the filter says about itself.

use linemill_sdk::{About, Description};

use crate::Number;

impl About for Number {
    fn describe() -> Description {
        Description::new("Numbers the lines of each connection.")
            .schema(include_str!("settings.schema.json"))
            .example(
                "Numbers of at least three digits, from 99.",
                r#"{ "start": 99, "width": 3, "separator": ": " }"#,
            )
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Number>();
    }
}
