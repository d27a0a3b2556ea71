//! The compiler: compiles plugins in a child process with limits. A plugin that makes the compiler run
//! indefinitely, or take all memory, ends that process and nothing else.
//!
//! In: an admitted plugin. Out: a component, from the cache if these bytes have been compiled before,
//! or what is wrong with them. The child process is this program again; it runs [`serve`]. Bundled
//! plugins are part of this program, so they are compiled in this process.
//! Not here: which plugins are kept in memory (`loader`).

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

use crate::bundled;
use crate::engine::Engine;
use crate::plugin::admission::Admitted;
use crate::plugin::cache::Cache;
use crate::plugin::parse;
use crate::plugin::shortage;
use crate::{Refusal, RefusalKind};
use linemill_config::is_shortage;
use linemill_config::settings::CompileLimits;

/// The verb with which this program starts itself as the child process.
pub const VERB: &str = "compile-plugin";
/// Wall-clock time that the child process may take in addition to its limit of processor time.
const LATE: Duration = Duration::from_secs(5);
/// How often the parent checks whether the child process has ended.
const LOOK: Duration = Duration::from_millis(2);
/// By how much the child process lowers its priority, so that threads that serve connections run
/// first.
#[cfg(unix)]
const NICE: i32 = 10;
/// Exit status of a child process that wrote an [`Answer`], not machine code.
const REFUSED: u8 = 3;

/// Compiles plugins, or takes them from a cache.
#[derive(Debug, Clone, Default)]
pub struct Compiler {
    /// Plugins that earlier processes compiled; `None` if nothing is kept on disk.
    pub cache: Option<Cache>,
    /// Whether plugins are compiled in a child process, except for bundled ones.
    pub apart: bool,
    /// Limits of the child process.
    pub limits: CompileLimits,
}

/// The child process's answer about a plugin that cannot be compiled, as JSON.
#[derive(Serialize, Deserialize)]
struct Answer {
    problem: String,
    hint: String,
    /// Compiling it takes more than the process has. Otherwise, something is wrong with it.
    exceeds: bool,
}

impl Compiler {
    /// A compiler that uses a child process and the user's cache. The program must have the verb
    /// [`VERB`].
    pub fn of_user() -> Self {
        Self {
            cache: Cache::of_user(),
            apart: true,
            limits: CompileLimits::default(),
        }
    }

    /// Compiles a plugin, or takes it from the cache. Blocks for milliseconds to seconds.
    ///
    /// # Errors
    /// When the plugin is not a valid component, or cannot be compiled within the limits.
    pub fn component(&self, engine: &Engine, admitted: &Admitted) -> Result<Component, Refusal> {
        let (bytes, digest) = (admitted.bytes(), admitted.digest());
        let cache = self.cache.as_ref();
        if let Some(component) = cache.and_then(|cache| cache.get(engine, digest)) {
            return Ok(component);
        }
        let component = if self.apart && !bundled::is_one(bytes) {
            apart(engine, bytes, self.limits)?
        } else {
            parse(engine, bytes)?
        };
        if let Some(cache) = cache {
            cache.put(engine, digest, &component);
        }
        Ok(component)
    }
}

/// Compiles in a child process.
fn apart(engine: &Engine, bytes: &[u8], limits: CompileLimits) -> Result<Component, Refusal> {
    let broken = |error: &dyn std::fmt::Display| {
        let hint = "linemill starts itself as a child process to compile; check that it may";
        Refusal::plugin(
            format!("the process that compiles it failed: {error}"),
            hint,
        )
    };
    let (status, answer, stderr) =
        converse(bytes, limits).map_err(|error| broken(&error).passing_if(is_shortage(&error)))?;
    let Some(status) = status else {
        let limit = format!("{} s", (limits.time + LATE).as_secs());
        // It was within its limit of processor time, so the machine was busy.
        return Err(bomb("time", &limit, "time").passing_if(true));
    };
    match status.code() {
        Some(0) => {}
        Some(code) if code == i32::from(REFUSED) => {
            let Answer {
                problem,
                hint,
                exceeds,
            } = serde_json::from_slice(&answer).map_err(|error| broken(&error))?;
            let kind = if exceeds {
                RefusalKind::Compile
            } else {
                RefusalKind::Plugin
            };
            return Err(Refusal::new(kind, problem, hint));
        }
        _ => return Err(died(status, &stderr, limits)),
    }
    #[expect(
        unsafe_code,
        reason = "`deserialize` requires bytes that wasmtime serialized and nobody altered"
    )]
    // SAFETY: this program serialized the bytes in the child process a moment ago, and they came
    // through a pipe that no other process has.
    let component = unsafe { Component::deserialize(engine.wasmtime(), &answer) };
    component.map_err(|error| {
        if shortage::is_one(&error) {
            let problem = format!("there is not enough memory for its code: {error:#}");
            return Refusal::new(RefusalKind::Compile, problem, shortage::hint()).passing_if(true);
        }
        broken(&error)
    })
}

/// Sends the bytes to a child process and collects its status, standard output and standard error.
/// The status is `None` if the process took too long and was killed.
fn converse(
    bytes: &[u8],
    limits: CompileLimits,
) -> io::Result<(Option<ExitStatus>, Vec<u8>, Vec<u8>)> {
    let program = if cfg!(target_os = "linux") {
        // This is the running executable, even if its file has been replaced.
        "/proc/self/exe".into()
    } else {
        std::env::current_exe()?
    };
    let mut child = Command::new(program)
        .arg(VERB)
        .arg(limits.time.as_secs().to_string())
        .arg(limits.memory.to_string())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || {
            // Writing fails if the process has died. Its status then says why.
            stdin.map(|mut stdin| stdin.write_all(bytes).is_ok())
        });
        let stdout = scope.spawn(move || read_all(stdout));
        let stderr = scope.spawn(move || read_all(stderr));
        let status = wait(&mut child, Instant::now() + limits.time + LATE);
        let collected = |bytes: io::Result<Vec<u8>>| bytes.unwrap_or_default();
        Ok((
            status?,
            stdout.join().map_or_else(|_| Vec::new(), collected),
            stderr.join().map_or_else(|_| Vec::new(), collected),
        ))
    })
}

fn read_all(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Waits until the process ends. Kills it at `until` and returns `None` then.
fn wait(child: &mut Child, until: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// The refusal for a child process that ended without an answer.
fn died(status: ExitStatus, stderr: &[u8], limits: CompileLimits) -> Refusal {
    let stderr = String::from_utf8_lossy(stderr);
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        let ended_by = |signal: rustix::process::Signal| status.signal() == Some(signal.as_raw());
        if ended_by(rustix::process::Signal::XCPU) || ended_by(rustix::process::Signal::KILL) {
            let limit = format!("{} s", limits.time.as_secs());
            return bomb("processor time", &limit, "time");
        }
    }
    if stderr.contains("memory allocation") || stderr.contains("out of memory") {
        if shortage::address_space().is_some_and(|limit| limit < limits.memory) {
            let problem = "there is not enough memory to compile it";
            return Refusal::new(RefusalKind::Compile, problem, shortage::hint()).passing_if(true);
        }
        let limit = format!("{} MiB", limits.memory >> 20);
        return bomb("memory", &limit, "memory");
    }
    let first = stderr.lines().next().unwrap_or_default();
    let problem = format!("the compiler crashed on it ({status}): {first}");
    Refusal::plugin(
        problem,
        "rebuild it; if the compiler still crashes, report that with the file",
    )
}

/// The refusal of a plugin that takes too much of `what` to compile; `key` is the limit's key.
fn bomb(what: &str, limit: &str, key: &str) -> Refusal {
    let problem = format!("compiling it takes more {what} than the {limit} allowed");
    let hint = format!(
        "filters of a sensible size take less: make it smaller, build it with optimisation, or raise \
         `{key}` of `compile` in `[host]`"
    );
    Refusal::new(RefusalKind::Compile, problem, hint)
}

/// The work of the child process: compiles the plugin on standard input, within limits, and writes
/// the machine code to standard output. `time` is processor time in seconds, `memory` is in bytes.
/// Returns the exit status.
///
/// # Errors
/// When the limits cannot be set, or reading or writing a pipe fails.
pub fn serve(time: u64, memory: u64) -> anyhow::Result<u8> {
    bound(time, memory)?;
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let engine = Engine::new()?;
    let mut out = io::stdout().lock();
    match parse(&engine, &bytes) {
        Ok(component) => {
            let code = component
                .serialize()
                .map_err(|error| anyhow::anyhow!("{error:#}"))?;
            out.write_all(&code)?;
            Ok(0)
        }
        Err(Refusal { problem, kind }) => {
            let answer = Answer {
                problem: problem.what().into(),
                hint: problem.hint().into(),
                exceeds: kind == RefusalKind::Compile,
            };
            serde_json::to_writer(&mut out, &answer)?;
            Ok(REFUSED)
        }
    }
}

/// Limits the processor time and the memory of this process, irrevocably.
#[cfg(unix)]
fn bound(time: u64, memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
    let limit = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    // A limit that this process has already cannot be raised by everybody.
    let at_most = |resource, value: u64| {
        let present = getrlimit(resource).maximum;
        present.map_or(value, |present| present.min(value))
    };
    setrlimit(Resource::As, limit(at_most(Resource::As, memory)))?;
    setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(at_most(Resource::Cpu, time)),
            maximum: Some(at_most(Resource::Cpu, time + 1)),
        },
    )?;
    setrlimit(Resource::Core, limit(0))?;
    // Failure only means that the process competes with connections for the processor.
    let _ = nice(NICE);
    Ok(())
}

/// Without `setrlimit`, the parent's wall clock is the only limit.
#[cfg(not(unix))]
fn bound(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
