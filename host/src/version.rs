//! The version of linemill, and the commit that it was built from.
//!
//! In: what cargo says, and the environment variable `LINEMILL_REVISION` of the build, which
//! `cargo xtask build --release` sets. Out: constants.

use std::sync::LazyLock;

/// The version of linemill.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that this was built from; `unknown` if the build did not say.
pub const REVISION: &str = match option_env!("LINEMILL_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Both, as `linemill --version` shows them.
pub fn long() -> &'static str {
    static LONG: LazyLock<String> = LazyLock::new(|| match REVISION {
        "unknown" => VERSION.to_owned(),
        revision => format!("{VERSION} ({revision})"),
    });
    &LONG
}
