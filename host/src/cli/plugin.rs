//! How verbs without a configuration read and admit a plugin, and ask it to describe itself.
//!
//! In: a path to a file, or the name of a bundled plugin. Out: bytes that were admitted under the
//! default limits of a filter, and what the plugin says about itself.
//! Not here: running filters.

use std::sync::Arc;

use linemill_config::settings::{FilterSettings, Grant, Limits, PluginRef};
use linemill_config::{Files, Keyword as _, Problem};
use linemill_framing::LineSettings;
use linemill_sandbox::Refusal;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::imports::{Grants, RequiredImports};
use linemill_sandbox::plugin::admission::{Admission, Admitted};
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::plugin::{Description, Plugin, component_info, source};

/// Most memory of an instance that describes a plugin, bytes.
const MAX_MEMORY: usize = 256 << 20;

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

/// What a plugin says about itself.
pub(super) struct Said {
    pub(super) about: Arc<Description>,
    /// The memory that it says it needs for the default `max_line`.
    pub(super) memory: Option<u64>,
}

/// Asks the plugin that an argument names to describe itself; `None` if it does not. Also returns what its
/// filter must be granted, which it gets here.
pub(super) async fn describe(argument: &str) -> Result<(Option<Said>, Grants), Problem> {
    let named = |refusal: Refusal| refusal.problem.of(argument);
    let admitted = admit(argument, Grants::NONE)?;
    let engine = Engine::new().map_err(|error| Problem::new(format!("{error:#}"), ""))?;
    let compiler = Compiler::of_user();
    let component = compiler.component(&engine, &admitted).map_err(named)?;
    let required = RequiredImports::of(&component_info(&engine, &component).imports);
    let plugin = Plugin::of_component(&engine, &component, &admitted, required.grants);
    let plugin = plugin.map_err(named)?;
    let said = ask(&engine, &plugin, argument).await.map_err(named)?;
    Ok((said, required.grants))
}

/// Asks a plugin to describe itself; `None` if it does not.
pub(super) async fn ask(
    engine: &Engine,
    plugin: &Plugin,
    argument: &str,
) -> Result<Option<Said>, Refusal> {
    let settings = FilterSettings {
        memory: MAX_MEMORY,
        ..FilterSettings::new("plugin", PluginRef::from_arg(argument))
    };
    let Some(about) = plugin.describe(engine, &settings).await?.cloned() else {
        return Ok(None);
    };
    let max_line = LineSettings::default().max_line;
    let memory = plugin.ask_memory(engine, &settings, max_line).await?;
    Ok(Some(Said { about, memory }))
}

/// The grant that an option names.
///
/// # Errors
/// If there is none of that name; says which there are.
pub(super) fn grant(word: &str) -> Result<Grant, String> {
    let mut words = Grant::KEYWORDS.iter();
    let known = words.find(|(known, _)| *known == word);
    known.map(|(_, grant)| *grant).ok_or_else(|| {
        let words: Vec<_> = Grant::KEYWORDS.iter().map(|(word, _)| *word).collect();
        format!("the grants are {}", words.join(", "))
    })
}

/// An error with a hint below it.
pub(super) fn hinted(problem: &str, hint: &str) -> anyhow::Error {
    Problem::new(problem, hint).into()
}
