//! What the filter says about itself.

use linemill_sdk::{About, Description, OnError};

use crate::Json;

impl About for Json {
    fn describe() -> Description {
        Description::new("Picks, removes and renames the fields of lines that are JSON objects.")
            .schema(include_str!("settings.schema.json"))
            // The host ignores this if nothing is picked or removed: then nothing is kept back.
            .on_error(OnError::Drop)
            .example("Leaves out who it was.", r#"{ "remove": ["user"] }"#)
            .example(
                "Keeps two fields, one of them by another name.",
                r#"{ "pick": ["time", "level"], "rename": { "level": "severity" } }"#,
            )
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Json>();
    }
}
