//! The loader takes a filter's settings to its compiled plugin: locate, read, admit, compile, link.
//!
//! In: settings of filters and of the host. Out: [`Plugin`]s. Each load opens the file once and reads
//! it whole. Equal bytes are compiled once, as long as the loader remembers them.
//! Not here: starting instances (`filter`), and when to load.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::Engine;
use crate::imports::Grants;
use crate::plugin::admission::Admission;
use crate::plugin::compiler::Compiler;
use crate::plugin::{Plugin, source};
use crate::supervise::capsule::{Capsules, CapsulesInForce};
use crate::{Digest, Refusal};
use linemill_config::Files;
use linemill_config::settings::{FilterSettings, HostSettings};

/// How many compiled plugins are kept for the next reload.
const KEPT: usize = 32;

/// Loads plugins, and keeps the compiled ones for the next load.
pub struct Loader {
    engine: Arc<Engine>,
    compiler: Compiler,
    /// Where filters write trap capsules.
    capsules: CapsulesInForce,
    /// At most [`KEPT`] plugins, the most recently used last.
    compiled: Mutex<Vec<Arc<Plugin>>>,
}

/// Opens the folder for trap capsules that `host` names, if it names one.
///
/// # Errors
/// When the folder cannot be created, or others may write to it.
pub fn open_capsules(host: &HostSettings) -> Result<Option<Capsules>, Refusal> {
    let open = |folder: &PathBuf| {
        let own = folder.clone();
        let opened = Files::default().ask(folder, move || Capsules::open(&own));
        let opened = opened.unwrap_or_else(|no_answer| Err(io::Error::other(no_answer)));
        opened.map_err(|error| {
            let folder = folder.display();
            Refusal::plugin(
                format!("key `capsules` of `[host]`: cannot use the folder {folder}: {error}"),
                "name a folder that linemill's user may write to, and nobody else",
            )
        })
    };
    host.capsules.as_ref().map(open).transpose()
}

impl Loader {
    /// A loader that compiles in this process and keeps nothing on disk.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self::with(engine, Compiler::default())
    }

    /// A loader with the compiler of [`Compiler::of_user`].
    pub fn of_user(engine: Arc<Engine>) -> Self {
        Self::with(engine, Compiler::of_user())
    }

    fn with(engine: Arc<Engine>, compiler: Compiler) -> Self {
        Self {
            engine,
            compiler,
            capsules: CapsulesInForce::default(),
            compiled: Mutex::default(),
        }
    }

    /// A loader whose filters write trap capsules to the folder that `host` names, if it names one.
    ///
    /// # Errors
    /// When the folder does not exist and cannot be created.
    pub fn capturing(self, host: &HostSettings) -> Result<Self, Refusal> {
        self.capsules.set(open_capsules(host)?);
        Ok(self)
    }

    /// The folder to which filters write trap capsules.
    pub fn capsules(&self) -> &CapsulesInForce {
        &self.capsules
    }

    /// The engine that plugins are compiled for.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Loads the plugin of a filter, with the plugin folders and compile limits of `host`. Reads it as
    /// one of the `files` of this load. Reads and
    /// compiles on tokio's blocking threads, so that connections are served meanwhile.
    ///
    /// # Errors
    /// When the plugin cannot be read, is not admitted, cannot be compiled within the limits, or
    /// cannot be linked with the filter's grants.
    pub async fn load(
        &self,
        filter: &FilterSettings,
        host: &HostSettings,
        files: &Files,
    ) -> Result<Arc<Plugin>, Refusal> {
        let shown = source::shown(&filter.plugin);
        let (reference, folders, size) = (filter.plugin.clone(), host.plugins.clone(), filter.size);
        let files = files.clone();
        let reading = move || source::read(&reference, &folders, size, &files);
        let bytes = tokio::task::spawn_blocking(reading)
            .await
            .map_err(|_| interrupted())??;
        let admitted = Admission::of(filter)
            .admit(bytes)
            .map_err(|refusal| refusal.of(&shown))?;
        let known = self.known(admitted.digest(), admitted.grants());
        if let Some(known) = &known
            && known.grants == admitted.grants()
        {
            return Ok(Arc::clone(known));
        }
        let engine = Arc::clone(&self.engine);
        let compiler = Compiler {
            limits: host.compile,
            ..self.compiler.clone()
        };
        let compiling = move || match known {
            Some(known) => known.granted(&engine, admitted.grants()),
            None => Plugin::compile(&engine, &admitted, &compiler),
        };
        let plugin = tokio::task::spawn_blocking(compiling)
            .await
            .map_err(|_| interrupted())?
            .map_err(|refusal| refusal.of(&shown))?;
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() == KEPT {
            compiled.remove(0);
        }
        compiled.push(Arc::clone(&plugin));
        Ok(plugin)
    }

    /// A remembered plugin of this digest, preferably with these grants. One with other grants must
    /// be linked again.
    fn known(&self, digest: Digest, grants: Grants) -> Option<Arc<Plugin>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |exact: bool| {
            compiled
                .iter()
                .position(|plugin| plugin.digest == digest && (!exact || plugin.grants == grants))
        };
        let at = find(true).or_else(|| find(false))?;
        let plugin = compiled.remove(at);
        compiled.push(Arc::clone(&plugin));
        Some(plugin)
    }
}

fn interrupted() -> Refusal {
    Refusal::plugin("loading was interrupted: the host is stopping", "")
}
