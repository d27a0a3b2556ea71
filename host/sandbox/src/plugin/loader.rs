//! The loader takes a filter's settings to its compiled plugin: locate, read, admit, compile, link, describe.
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

/// Bytes of compiled plugins that no filter uses and that are kept for the next reload: as many as this,
/// or a sixteenth of the host's memory if that is less. Those in use do not count.
const KEPT: u64 = 64 << 20;

/// Loads plugins, and keeps the compiled ones for the next load.
pub struct Loader {
    engine: Arc<Engine>,
    compiler: Compiler,
    /// Where filters write trap capsules.
    capsules: CapsulesInForce,
    /// Those in use, and at most [`KEPT`] bytes of others, the most recently used last.
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
    /// When the plugin cannot be read, is not admitted, cannot be compiled within the limits, cannot be
    /// linked with the filter's grants, or describes itself wrongly.
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
        plugin
            .describe(&self.engine, filter)
            .await
            .map_err(|refusal| refusal.of(&shown))?;
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.push(Arc::clone(&plugin));
        keep_few(&mut compiled, KEPT.min(self.engine.budget().limit() / 16));
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

/// Drops plugins that no filter uses until these have at most `bytes` of machine code: first those that
/// have not been used for the longest time.
fn keep_few(compiled: &mut Vec<Arc<Plugin>>, bytes: u64) {
    let unused = |plugin: &Arc<Plugin>| Arc::strong_count(plugin) == 1;
    let sizes = compiled.iter().filter(|plugin| unused(plugin));
    let mut total: u64 = sizes.map(|plugin| plugin.code_size()).sum();
    compiled.retain(|plugin| {
        let goes = total > bytes && unused(plugin);
        if goes {
            total -= plugin.code_size();
        }
        !goes
    });
}

fn interrupted() -> Refusal {
    Refusal::plugin("loading was interrupted: the host is stopping", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;

    #[test]
    fn plugins_in_use_stay_and_the_oldest_others_go() {
        let engine = Engine::new().expect("an engine");
        let plugin = |name| {
            let bytes = bundled::component(name).expect("bundled");
            Plugin::new(&engine, bytes, Grants::NONE).expect("a plugin")
        };
        let used = plugin("rot13");
        let mut compiled = vec![Arc::clone(&used), plugin("case"), plugin("number")];
        let (last, size) = (compiled[2].digest, compiled[2].code_size());
        assert!(size > 0);
        assert!(engine.budget().usage().used >= 3 * size / 2);
        let left = |compiled: &Vec<Arc<Plugin>>| -> Vec<Digest> {
            compiled.iter().map(|plugin| plugin.digest).collect()
        };
        keep_few(&mut compiled, u64::MAX);
        assert_eq!(compiled.len(), 3);
        keep_few(&mut compiled, size);
        assert_eq!(left(&compiled), [used.digest, last]);
        keep_few(&mut compiled, 0);
        assert_eq!(left(&compiled), [used.digest]);
    }
}
