//! How verbs without a configuration read and admit a plugin.
//!
//! In: a path to a file, or the name of a bundled plugin. Out: bytes that were admitted under the
//! default limits of a filter. Not here: compiling them.

use linemill_config::settings::{Limits, PluginRef};
use linemill_config::{Files, Problem};
use linemill_sandbox::imports::Grants;
use linemill_sandbox::plugin::admission::{Admission, Admitted};
use linemill_sandbox::plugin::source;

/// Largest plugin accepted by verbs without a configuration, bytes.
const MAX_SIZE: u64 = 64 << 20;

/// The plugin that an argument names, with these grants.
pub(super) fn admit(argument: &str, grants: Grants) -> Result<Admitted, Problem> {
    let limits = Limits::default();
    let admission = Admission {
        sha256: None,
        limits: &limits,
        grants,
    };
    let bytes = source::read(
        &PluginRef::from_arg(argument),
        &[],
        MAX_SIZE,
        &Files::default(),
    );
    let bytes = bytes.map_err(|refusal| refusal.problem)?;
    admission
        .admit(bytes)
        .map_err(|refusal| refusal.problem.of(argument))
}

/// An error with a hint below it.
pub(super) fn hinted(problem: &str, hint: &str) -> anyhow::Error {
    Problem::new(problem, hint).into()
}
