//! The command line.
//!
//! In: the arguments after `cargo xtask`. Out: a [`Task`], or what is wrong with them. Pure.

use std::ffi::OsString;

use crate::fuzz::Fuzz;

/// The text of `cargo xtask help`.
pub(crate) const USAGE: &str = "\
Usage: cargo xtask TASK

  serve [--dev] [-- ARGS]   Build plugins and host, and run `linemill serve ARGS`: ROT13 on
                            127.0.0.1:40713. Optimised, unless --dev is given
  test [-- ARGS]            Build everything and run all tests; ARGS go to the host's test programs
  ci                        Run all checks that a change must pass: dependencies, links, formatting,
                            clippy, docs, `count` and `test`
  build [--release]         Build the plugins and the host
  plugins                   Build the plugins into components: target/plugins/NAME.wasm
  book                      Build all documentation as a book: target/book/index.html
  count [--update]          Count instructions and compare them with the baseline, or update it
  fuzz [TARGET] [--runs N | --time SECONDS]
                            Feed random input to parts of the host; 100000 runs by default
  bench [ARGS]              Measure the host and its peers on a quiet machine. `bench report` runs
                            all measurements and writes docs/bench.md
  engines [ARGS]            Measure other WebAssembly engines; the first build takes long
  soak [ARGS]               Reload under load, connect and disconnect, interrupt an upstream, and
                            check every line: 75 minutes
  help                      Show this text

Each task builds only what is out of date. The first build takes 10 to 15 minutes on two cores,
most of it for wasmtime. If a task lacks a tool, xtask installs it where it may, and announces that.
";

/// How the host is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    /// The profile's folder within the target folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    /// The arguments that make cargo use the profile.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        }
    }
}

/// A task and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Plugins,
    Build(Profile),
    Serve(Profile, Vec<OsString>),
    Test(Vec<OsString>),
    Ci,
    Count { update: bool },
    Bench(Vec<OsString>),
    Engines(Vec<OsString>),
    Soak(Vec<OsString>),
    Fuzz(Fuzz),
    Book,
    Help,
}

impl Task {
    /// Parses the arguments after `cargo xtask`.
    ///
    /// # Errors
    /// One line that names what is not understood.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let Some(name) = arguments.next() else {
            return Err("no task given".to_owned());
        };
        let mut rest = Rest(arguments.collect());
        let task = match name.to_str() {
            Some("plugins") => Self::Plugins,
            Some("build") if rest.flag("--release") => Self::Build(Profile::Release),
            Some("build") => Self::Build(Profile::Dev),
            Some("serve") => {
                // Serving should be fast, so the optimised profile is the default.
                let profile = if rest.flag("--dev") {
                    Profile::Dev
                } else {
                    rest.flag("--release");
                    Profile::Release
                };
                Self::Serve(profile, rest.after_dashes())
            }
            Some("test") => Self::Test(rest.after_dashes()),
            Some("ci") => Self::Ci,
            Some("book") => Self::Book,
            Some("count") => Self::Count {
                update: rest.flag("--update"),
            },
            // The program gets all further arguments, with or without `--` before them.
            Some(name @ ("bench" | "engines" | "soak")) => {
                rest.flag("--");
                return Ok(match name {
                    "bench" => Self::Bench(rest.0),
                    "engines" => Self::Engines(rest.0),
                    _ => Self::Soak(rest.0),
                });
            }
            Some("fuzz") => return Fuzz::parse(&rest.0).map(Self::Fuzz),
            Some("help" | "--help" | "-h") => Self::Help,
            _ => return Err(format!("no task `{}`", name.display())),
        };
        match rest.0.first() {
            None => Ok(task),
            Some(extra) => Err(format!(
                "`{}` takes no `{}`",
                name.display(),
                extra.display()
            )),
        }
    }
}

/// Arguments that are not parsed yet.
struct Rest(Vec<OsString>);

impl Rest {
    /// Takes a flag if it is next, and says whether it was.
    fn flag(&mut self, flag: &str) -> bool {
        let found = self.0.first().is_some_and(|first| first == flag);
        if found {
            self.0.remove(0);
        }
        found
    }

    /// Takes the arguments after `--`; none if `--` is not next.
    fn after_dashes(&mut self) -> Vec<OsString> {
        if self.flag("--") {
            std::mem::take(&mut self.0)
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OsString, Profile, Task};

    fn parse(line: &str) -> Result<Task, String> {
        Task::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn tasks_are_known_by_name() {
        assert_eq!(parse("plugins"), Ok(Task::Plugins));
        assert_eq!(parse("build"), Ok(Task::Build(Profile::Dev)));
        assert_eq!(parse("build --release"), Ok(Task::Build(Profile::Release)));
        assert_eq!(parse("serve"), Ok(Task::Serve(Profile::Release, vec![])));
        assert_eq!(parse("ci"), Ok(Task::Ci));
        assert_eq!(parse("book"), Ok(Task::Book));
        assert_eq!(parse("count"), Ok(Task::Count { update: false }));
        assert_eq!(parse("count --update"), Ok(Task::Count { update: true }));
        assert_eq!(parse("--help"), Ok(Task::Help));
    }

    #[test]
    fn arguments_are_passed_on() {
        assert_eq!(
            parse("serve --dev -- --listen [::1]:0"),
            Ok(Task::Serve(
                Profile::Dev,
                vec!["--listen".into(), "[::1]:0".into()]
            )),
        );
        assert_eq!(
            parse("test -- case_1"),
            Ok(Task::Test(vec!["case_1".into()]))
        );
        assert_eq!(
            parse("bench --quick 4"),
            Ok(Task::Bench(vec!["--quick".into(), "4".into()]))
        );
        assert_eq!(
            parse("engines --line 256"),
            Ok(Task::Engines(vec!["--line".into(), "256".into()]))
        );
        assert_eq!(
            parse("soak --swaps 9"),
            Ok(Task::Soak(vec!["--swaps".into(), "9".into()]))
        );
        assert_eq!(
            parse("bench -- --quick"),
            Ok(Task::Bench(vec!["--quick".into()]))
        );
    }

    #[test]
    fn unknown_arguments_are_named() {
        assert_eq!(parse(""), Err("no task given".to_owned()));
        assert_eq!(parse("sever"), Err("no task `sever`".to_owned()));
        assert_eq!(
            parse("plugins --release"),
            Err("`plugins` takes no `--release`".to_owned())
        );
        assert_eq!(
            parse("serve --listen x"),
            Err("`serve` takes no `--listen`".to_owned())
        );
    }
}
