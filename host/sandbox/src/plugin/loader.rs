//! From a filter's settings to its compiled plugin: locate, read, admit, compile, link.
//!
//! In: settings of filters and of the host. Out: [`Plugin`]s. Each file is opened once and read whole;
//! the very same bytes are compiled once. Not here: starting instances (`filter`), when to load.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::Engine;
use crate::imports::Grants;
use crate::plugin::admission::Admission;
use crate::plugin::compiler::Compiler;
use crate::plugin::{Plugin, source};
use crate::supervise::capsule::Capsules;
use crate::{Digest, Refusal};
use linemill_config::settings::{FilterSettings, HostSettings};

/// Compiled plugins kept for the next reload.
const KEPT: usize = 32;

/// Loads plugins, and keeps the compiled ones for the next load.
pub struct Loader {
    engine: Arc<Engine>,
    compiler: Compiler,
    /// Where traps of their filters are written down.
    capsules: Option<Capsules>,
    /// Most recently used last.
    compiled: Mutex<Vec<Arc<Plugin>>>,
}

impl Loader {
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
    pub fn capturing(mut self, host: &HostSettings) -> Result<Self, Refusal> {
        if let Some(folder) = &host.capsules {
            let opened = Capsules::open(folder).map_err(|error| {
                let folder = folder.display();
                Refusal::plugin(
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
    ) -> Result<Arc<Plugin>, Refusal> {
        let shown = source::shown(&filter.plugin);
        let (reference, folders, size) = (filter.plugin.clone(), host.plugins.clone(), filter.size);
        let reading = move || source::read(&reference, &folders, size);
        let bytes = tokio::task::spawn_blocking(reading)
            .await
            .map_err(|_| interrupted())??;
        let admitted = Admission::of(filter).admit(bytes);
        let admitted = admitted.map_err(|refusal| refusal.of(&shown))?;
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

fn interrupted() -> Refusal {
    Refusal::plugin("loading was interrupted: the host is stopping", "")
}
