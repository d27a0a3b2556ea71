//! From the name of a plugin to a compiled component.
//!
//! In: filters' settings. Out: [`Plugin`]s; each file is opened once, read whole, compared with its
//! pinned digest and compiled, unless the very same bytes have been before.
//! Not here: instances, when to load.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use linemill_config::settings::{FilterSettings, HostSettings, PluginRef};
use linemill_sandbox::bundled;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::imports::Grants;
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::plugin::complexity::Complexity;
use linemill_sandbox::plugin::{Digest, NotAPlugin, Plugin};
use linemill_sandbox::supervise::capsule::Capsules;

/// Compiled plugins kept for the next reload.
const KEPT: usize = 32;

/// Loads plugins.
pub struct Plugins {
    engine: Arc<Engine>,
    compiler: Compiler,
    /// Where traps of their filters are written down.
    capsules: Option<Capsules>,
    /// Most recently used last.
    compiled: Mutex<Vec<Arc<Plugin>>>,
}

/// Why a plugin could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct LoadError {
    /// Label for metrics.
    pub kind: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

impl Plugins {
    /// A loader without any plugin yet, which compiles in this process and keeps nothing on disk.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self::with(engine, Compiler::default())
    }

    /// A loader by [`Compiler::of_user`].
    pub fn of_user(engine: Arc<Engine>) -> Self {
        Self::with(engine, Compiler::of_user())
    }

    fn with(engine: Arc<Engine>, compiler: Compiler) -> Self {
        Self {
            engine,
            compiler,
            capsules: None,
            compiled: Mutex::default(),
        }
    }

    /// The same with the folder that `host` names for traps of their filters, if it names one.
    ///
    /// # Errors
    /// When the folder is not there and cannot be made.
    pub fn capturing(mut self, host: &HostSettings) -> Result<Self, LoadError> {
        if let Some(folder) = &host.capsules {
            let opened = Capsules::open(folder).map_err(|error| {
                let folder = folder.display();
                LoadError::new(
                    format!("key `capsules` of `[host]`: cannot make the folder {folder}: {error}"),
                    "name a folder that you may write to",
                )
            });
            self.capsules = Some(opened?);
        }
        Ok(self)
    }

    /// Where traps are written down.
    pub fn capsules(&self) -> Option<&Capsules> {
        self.capsules.as_ref()
    }

    /// The engine plugins are compiled for.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Loads the plugin of a filter, as `host` has it. Compiling happens off the threads that serve connections.
    ///
    /// # Errors
    /// When there is no such plugin, or it is not what the settings say.
    pub async fn load(
        &self,
        filter: &FilterSettings,
        host: &HostSettings,
    ) -> Result<Arc<Plugin>, LoadError> {
        let (reference, folders, limit) =
            (filter.plugin.clone(), host.plugins.clone(), filter.size);
        let reading = move || read(&reference, &folders, limit);
        let bytes = tokio::task::spawn_blocking(reading)
            .await
            .map_err(|_| interrupted())??;
        let digest = Digest::of(&bytes);
        if let Some(pinned) = filter.sha256.map(Digest)
            && pinned != digest
        {
            return Err(LoadError::new(
                format!(
                    "plugin {}: its SHA-256 is {digest}, not the pinned {pinned}",
                    shown(&filter.plugin)
                ),
                "put the pinned file back, or, if this one is right, its digest into `sha256`",
            )
            .of_kind("sha256"));
        }
        let wrong = |NotAPlugin {
                         kind,
                         problem,
                         hint,
                     }| {
            let problem = format!("plugin {}: {problem}", shown(&filter.plugin));
            LoadError::new(problem, hint).of_kind(kind)
        };
        if let Some(refusal) = Complexity::of(&bytes).refusal(&filter.limits) {
            return Err(wrong(refusal));
        }
        let grants = Grants::of(&filter.grant);
        let known = self.known(digest, grants);
        if let Some(known) = known.as_ref().filter(|known| known.grants == grants) {
            return Ok(Arc::clone(known));
        }
        let engine = Arc::clone(&self.engine);
        let compiler = Compiler {
            limits: host.compile,
            ..self.compiler.clone()
        };
        let compiling = move || match known {
            Some(known) => known.granted(&engine, grants),
            None => Plugin::made(&engine, &bytes, digest, grants, &compiler),
        };
        let compiled = tokio::task::spawn_blocking(compiling).await;
        let plugin = compiled.map_err(|_| interrupted())?.map_err(wrong)?;
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() == KEPT {
            compiled.remove(0);
        }
        compiled.push(Arc::clone(&plugin));
        Ok(plugin)
    }

    /// A plugin of this digest: with these grants, or else with others, to be linked anew.
    fn known(&self, digest: Digest, grants: Grants) -> Option<Arc<Plugin>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |whole: bool| {
            compiled
                .iter()
                .position(|plugin| plugin.digest == digest && (!whole || plugin.grants == grants))
        };
        let at = find(true).or_else(|| find(false))?;
        let plugin = compiled.remove(at);
        compiled.push(Arc::clone(&plugin));
        Some(plugin)
    }
}

/// Reads a plugin's bytes: a path, or a name found in `folders` or among the bundled.
///
/// # Errors
/// When there is none, or the file is not a regular one of at most `limit` bytes.
pub fn read(reference: &PluginRef, folders: &[PathBuf], limit: u64) -> Result<Vec<u8>, LoadError> {
    if let Some(path) = file_of(reference, folders) {
        return read_file(&path, limit);
    }
    match reference {
        PluginRef::Path(path) => read_file(path, limit),
        PluginRef::Name(name) => bundled::component(name).map(<[u8]>::to_vec).ok_or_else(|| {
            let looked: Vec<_> = folders
                .iter()
                .map(|folder| folder.join(format!("{name}.wasm")).display().to_string())
                .collect();
            let looked = if looked.is_empty() {
                String::new()
            } else {
                format!("; looked for {}", looked.join(", "))
            };
            LoadError::new(
                format!("there is no plugin `{name}`{looked}"),
                format!(
                    "bundled are {}; for a file, write its path: \"./{name}.wasm\"",
                    bundled::names().join(", ")
                ),
            )
        }),
    }
}

/// The file a plugin is read from; `None` when it is a bundled one, or none at all.
pub fn file_of(reference: &PluginRef, folders: &[PathBuf]) -> Option<PathBuf> {
    match reference {
        PluginRef::Path(path) => Some(path.clone()),
        PluginRef::Name(name) => folders
            .iter()
            .map(|folder| folder.join(format!("{name}.wasm")))
            .find(|path| path.exists()),
    }
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        LoadError::new(
            format!("plugin {shown}: {error}"),
            "check the path, and that this user may read it",
        )
    };
    // Before opening: opening a FIFO would wait for somebody to write to it.
    let kind = fs::metadata(path).map_err(failed)?;
    if !kind.is_file() {
        let what = if kind.is_dir() {
            "a folder"
        } else {
            "not a regular file"
        };
        return Err(LoadError::new(
            format!("plugin {shown} is {what}"),
            "name the .wasm file itself",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(LoadError::new(
            format!("plugin {shown} is larger than {limit} bytes"),
            "if it is meant to be, raise the filter's `size`",
        )
        .of_kind("size"));
    }
    Ok(bytes)
}

fn shown(reference: &PluginRef) -> String {
    match reference {
        PluginRef::Name(name) => format!("`{name}`"),
        PluginRef::Path(path) => path.display().to_string(),
    }
}

fn interrupted() -> LoadError {
    LoadError::new("loading was interrupted: the host is stopping", "")
}

// === impl LoadError ===

impl LoadError {
    fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind: "plugin",
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }
}
