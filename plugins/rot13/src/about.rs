//! What the filter says about itself.

use linemill_sdk::{About, Description, NO_SETTINGS};

use crate::Rot13;

impl About for Rot13 {
    fn describe() -> Description {
        Description::new("Rotates each ASCII letter by thirteen places.").schema(NO_SETTINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::Rot13;

    #[test]
    fn the_description_is_that_of_the_filter() {
        linemill_sdk::testing::described::<Rot13>();
    }
}
