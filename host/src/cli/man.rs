//! `linemill man` and `linemill completions`: the command line, described for other programs.
//!
//! In: the declaration of the command line. Out: manual pages, and completions for shells.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::Cli;
use super::output::say;

/// The program.
const NAME: &str = "linemill";

/// Write the manual pages
///
/// Writes `linemill.1`, and a page for each verb, such as `linemill-serve.1`, into a folder, which is created
/// if it does not exist. `man -l FILE` shows a page. Packages install them in /usr/share/man/man1.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill man /usr/local/share/man/man1")]
pub(super) struct Pages {
    /// Folder for the pages
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Print completions for a shell
///
/// Packages install them as /usr/share/bash-completion/completions/linemill,
/// /usr/share/zsh/site-functions/_linemill or /usr/share/fish/vendor_completions.d/linemill.fish.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill completions bash > ~/.local/share/bash-completion/completions/linemill")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Pages {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let folder = &self.folder;
        let wrong = || format!("cannot write to {}", folder.display());
        fs::create_dir_all(folder).with_context(wrong)?;
        clap_mangen::generate_to(Cli::command(), folder).with_context(wrong)?;
        say!("the manual pages are in {}", folder.display());
        Ok(())
    }
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut text = Vec::new();
        generate(self.shell, &mut without_hidden(), NAME, &mut text);
        super::output::say_text(&String::from_utf8(text)?);
        Ok(())
    }
}

/// What completions offer: the command line without hidden verbs.
fn without_hidden() -> Command {
    let command = Cli::command();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    Command::new(NAME)
        .disable_help_subcommand(true)
        .args(command.get_arguments().cloned())
        .subcommands(verbs.cloned())
}
