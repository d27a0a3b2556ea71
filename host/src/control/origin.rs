//! The origin of the settings: a configuration file, and options of the command line.
//!
//! In: the path of a file, and options. Out: validated [`Settings`]. Not here: when to read them.

use std::path::{Path, PathBuf};

use linemill_config::settings::{Address, Settings};
use linemill_config::{Files, Problems};
use linemill_sandbox::bundled;

/// A configuration file and the options that override it; read again at every reload.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The configuration file; `None` means ROT13 on 127.0.0.1:40713.
    pub config: Option<PathBuf>,
    /// Replaces the address of the only listener.
    pub listen: Option<Address>,
    /// Replaces the chain of the only listener.
    pub chain: Option<Vec<String>>,
}

impl Origin {
    /// Reads and checks the settings, from some of the `files` of a load. Blocks on the file system.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self, files: &Files) -> Result<Settings, Problems> {
        self.load_by(|path, bundled| linemill_config::load(path, bundled, files))
    }

    /// As [`Self::load`], for a command that reads the settings once: the configuration may be a pipe.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn load_once(&self) -> Result<Settings, Problems> {
        self.load_by(linemill_config::load_once)
    }

    fn load_by(
        &self,
        load: impl Fn(&Path, &[&str]) -> Result<Settings, Problems>,
    ) -> Result<Settings, Problems> {
        let settings = match &self.config {
            Some(path) => {
                let settings = load(path, &bundled::names())?;
                settings.require_listener(path)?;
                settings
            }
            None => Settings::builtin(),
        };
        self.override_in(settings)
    }

    /// Overrides `settings` by the options of the command line.
    ///
    /// # Errors
    /// An option does not fit the settings, such as `--listen` with two listeners.
    pub fn override_in(&self, mut settings: Settings) -> Result<Settings, Problems> {
        let bundled = bundled::names();
        if let Some(listen) = &self.listen {
            settings.listen_on(listen.clone())?;
        }
        if let Some(chain) = &self.chain {
            settings.use_chain(chain, &bundled)?;
        }
        Ok(settings)
    }
}
