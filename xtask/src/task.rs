//! What was asked for.
//!
//! In: the arguments after `cargo xtask`. Out: a [`Task`], or what is wrong with them. Pure.

use std::ffi::OsString;

use crate::fuzz::Fuzz;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask TASK

  serve [--dev] [-- ARGS]   build all and run `linemill serve ARGS`; ROT13 on 127.0.0.1:40713
  test [-- ARGS]            build all and run every test; ARGS go to the host's test programs
  plugins                   build the plugins into components: target/plugins/NAME.wasm
  build [--release]         build the plugins and the host
  bench [ARGS]              compare the host with its peers; needs a quiet machine. `bench report`
                            measures all and writes docs/bench.md
  engines [ARGS]            compare it with other WebAssembly engines; their first build is long
  soak [ARGS]               swaps, then connections that come and go, every line judged: 35 minutes
  fuzz [TARGET] [--runs N | --time SECONDS]
                            any input to the host's parts; `--runs 100000` unless told
  count [--update]          count instructions, and compare with the baseline or renew it
  ci                        formatting, clippy and docs with warnings denied, `count`, `test`
  help                      this

Each does only what is not done yet. The first build takes 10 to 15 minutes on two cores, most of
it for wasmtime. What is needed to build plugins is installed when it can be, and announced.
";

/// How the host is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    /// The folder inside the target folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        }
    }
}

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
    Help,
}

impl Task {
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
                // Who serves expects speed, so that is the default.
                let profile = match (rest.flag("--dev"), rest.flag("--release")) {
                    (true, _) => Profile::Dev,
                    (false, _) => Profile::Release,
                };
                Self::Serve(profile, rest.after_dashes())
            }
            Some("test") => Self::Test(rest.after_dashes()),
            Some("ci") => Self::Ci,
            Some("count") => Self::Count {
                update: rest.flag("--update"),
            },
            // All that follows is the bench program's, with or without `--`.
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

/// Arguments that nobody took yet.
struct Rest(Vec<OsString>);

impl Rest {
    /// Takes a flag, if it is next.
    fn flag(&mut self, flag: &str) -> bool {
        let found = self.0.first().is_some_and(|first| first == flag);
        if found {
            self.0.remove(0);
        }
        found
    }

    /// Takes what follows `--`.
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
    fn what_is_not_understood_is_named() {
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
