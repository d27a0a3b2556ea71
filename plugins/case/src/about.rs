//! What the filter says about itself.

use linemill_sdk::{About, Description};

use crate::Case;

impl About for Case {
    fn describe() -> Description {
        Description::new("Changes the case of ASCII letters.")
            .schema(include_str!("settings.schema.json"))
            .example("Writes all letters in upper case.", r#"{ "to": "upper" }"#)
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Case>();
    }
}
