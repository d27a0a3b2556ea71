//! The origin of the settings: a configuration file, and options of the command line.
//!
//! In: the path of a file, and options. Out: validated [`Settings`]. Not here: when to read them.

use std::path::{Path, PathBuf};

use linemill_config::settings::{Address, Grant, Settings};
use linemill_config::{ChainArgs, Files, Problems};
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
    /// What filters that only `chain` defines may import.
    pub grant: Vec<Grant>,
}

impl Origin {
    /// Reads and checks the settings, from some of the `files` of a load. Blocks on the file system.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self, files: &Files) -> Result<Settings, Problems> {
        let load = |path: &Path, bundled: &[&str]| linemill_config::load(path, bundled, files);
        self.load_by(load, files)
    }

    /// As [`Self::load`], for a command that reads the settings once: the configuration may be a pipe.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn load_once(&self) -> Result<Settings, Problems> {
        self.load_by(linemill_config::load_once, &Files::default())
    }

    fn load_by(
        &self,
        load: impl Fn(&Path, &[&str]) -> Result<Settings, Problems>,
        files: &Files,
    ) -> Result<Settings, Problems> {
        let settings = match &self.config {
            Some(path) => {
                let settings = load(path, &bundled::names())?;
                settings.require_listener(path)?;
                settings
            }
            None => Settings::builtin(),
        };
        self.override_in(settings, files)
    }

    /// Overrides `settings` by the options of the command line, and reads the `files` that these name.
    ///
    /// # Errors
    /// An option does not fit the settings, such as `--listen` with two listeners.
    pub fn override_in(&self, mut settings: Settings, files: &Files) -> Result<Settings, Problems> {
        let bundled = bundled::names();
        if let Some(listen) = &self.listen {
            settings.listen_on(listen.clone())?;
        }
        if let Some(chain) = &self.chain {
            let args = ChainArgs {
                filters: chain,
                grant: &self.grant,
            };
            settings.use_chain(args, &bundled, files)?;
        }
        Ok(settings)
    }
}
