//! Where settings come from: a file, and what the command line puts on top of it.

use std::path::PathBuf;

use linemill_config::report::Reports;
use linemill_config::settings::{Address, Settings};
use linemill_sandbox::bundled;

/// Where settings come from; loaded again at every reload.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The configuration file; without one, ROT13 on 127.0.0.1:40713.
    pub config: Option<PathBuf>,
    /// Replaces the address of the only listener.
    pub listen: Option<Address>,
    /// Replaces the chain of the only listener.
    pub chain: Option<Vec<String>>,
}

impl Origin {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn load(&self) -> Result<Settings, Reports> {
        let bundled = bundled::names();
        let settings = match &self.config {
            Some(path) => {
                let settings = linemill_config::load(path, &bundled)?;
                settings.require_listener(path)?;
                settings
            }
            None => Settings::builtin(),
        };
        self.put_on(settings)
    }

    /// Puts what the command line said on top of `settings`.
    ///
    /// # Errors
    /// What does not go together.
    pub fn put_on(&self, mut settings: Settings) -> Result<Settings, Reports> {
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
