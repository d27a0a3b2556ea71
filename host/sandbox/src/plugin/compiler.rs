//! Compiling plugins in a process of its own, with bounds: a file that makes the compiler run for
//! ever, or take all memory, ends that process and nothing else.
//!
//! In: a plugin's bytes. Out: a component, from the cache if these bytes have been compiled before,
//! or what is wrong with them. The other end of the pipe is [`serve`], this program again.
//! Bundled plugins are part of this program, and compiled in it.
//! Not here: what is kept in memory (`control::load`).

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
use crate::{Refusal, RefusalKind};
use linemill_config::settings::CompileLimits;

/// The verb by which this program is the other end.
pub const VERB: &str = "compile-plugin";
/// How much longer than its processor time the process may take, whatever else the machine does.
const LATE: Duration = Duration::from_secs(5);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// How much it steps back behind whoever serves connections.
#[cfg(unix)]
const NICE: i32 = 10;
/// Exit status that says: the answer is an [`Answer`].
const REFUSED: u8 = 3;

/// Makes components.
#[derive(Debug, Clone, Default)]
pub struct Compiler {
    /// Those of earlier processes.
    pub cache: Option<Cache>,
    /// Whether plugins of files are compiled in a process of their own.
    pub apart: bool,
    /// Bounds of that process.
    pub limits: CompileLimits,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    problem: String,
    hint: String,
}

impl Compiler {
    /// For a program that has the verb [`VERB`]: files are compiled in a process of their own, or
    /// taken from the user's cache.
    pub fn of_user() -> Self {
        Self {
            cache: Cache::of_user(),
            apart: true,
            limits: CompileLimits::default(),
        }
    }

    /// The component of a file. Takes milliseconds to seconds.
    ///
    /// # Errors
    /// When it is none, or cannot be compiled within the bounds.
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

/// Has this program, as another process, compile.
fn apart(engine: &Engine, bytes: &[u8], limits: CompileLimits) -> Result<Component, Refusal> {
    let broken = |error: &dyn std::fmt::Display| {
        let hint = "linemill starts itself again for it; may this process start others?";
        Refusal::plugin(
            format!("the process that compiles it failed: {error}"),
            hint,
        )
    };
    let (status, code, told) = converse(bytes, limits).map_err(|error| broken(&error))?;
    let Some(status) = status else {
        let most = format!("{} s", (limits.time + LATE).as_secs());
        return Err(bomb("time", &most, "time"));
    };
    match status.code() {
        Some(0) => {}
        Some(code_) if code_ == i32::from(REFUSED) => {
            let refusal: Answer = serde_json::from_slice(&code).map_err(|error| broken(&error))?;
            return Err(Refusal::plugin(refusal.problem, refusal.hint));
        }
        _ => return Err(died(status, &told, limits)),
    }
    #[expect(
        unsafe_code,
        reason = "it is what this very program made a moment ago, handed over by a pipe that \
                  nobody else has: wasmtime asks for no more"
    )]
    // SAFETY: as the reason says.
    let component = unsafe { Component::deserialize(engine.wasmtime(), &code) };
    component.map_err(|error| broken(&error))
}

/// Gives the bytes to the process and takes what it answers. Without a status, it took too long
/// and was ended.
fn converse(
    bytes: &[u8],
    limits: CompileLimits,
) -> io::Result<(Option<ExitStatus>, Vec<u8>, Vec<u8>)> {
    let program = if cfg!(target_os = "linux") {
        // The file that runs, even if another one has its name by now.
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
            // A process that has died takes no more; its status says the rest.
            stdin.map(|mut stdin| stdin.write_all(bytes).is_ok())
        });
        let code = scope.spawn(move || all(stdout));
        let told = scope.spawn(move || all(stderr));
        let status = wait(&mut child, Instant::now() + limits.time + LATE);
        let gathered = |bytes: io::Result<Vec<u8>>| bytes.unwrap_or_default();
        Ok((
            status?,
            code.join().map_or_else(|_| Vec::new(), gathered),
            told.join().map_or_else(|_| Vec::new(), gathered),
        ))
    })
}

fn all(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Waits for the end, and makes it if need be.
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

/// Why the process is gone without an answer.
fn died(status: ExitStatus, told: &[u8], limits: CompileLimits) -> Refusal {
    let told = String::from_utf8_lossy(told);
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        let ended_by = |signal: rustix::process::Signal| status.signal() == Some(signal.as_raw());
        if ended_by(rustix::process::Signal::XCPU) || ended_by(rustix::process::Signal::KILL) {
            let most = format!("{} s", limits.time.as_secs());
            return bomb("processor time", &most, "time");
        }
    }
    if told.contains("memory allocation") || told.contains("out of memory") {
        let most = format!("{} MiB", limits.memory >> 20);
        return bomb("memory", &most, "memory");
    }
    let told = told.lines().next().unwrap_or_default();
    let problem = format!("the compiler crashed over it ({status}): {told}");
    Refusal::plugin(
        problem,
        "build it again; if it stays so, report it with the file",
    )
}

fn bomb(what: &str, most: &str, key: &str) -> Refusal {
    let problem = format!("compiling it takes more {what} than the {most} allowed");
    let hint = format!(
        "no filter of a sensible size does: make it smaller, build it with optimisation, or raise `{key}` \
         of `compile` in `[host]`"
    );
    Refusal::new(RefusalKind::Compile, problem, hint)
}

/// The other end: compiles what comes on standard input, within bounds, and writes the code to
/// standard output. `time` is in seconds of the processor, `memory` in bytes. Gives the exit status.
///
/// # Errors
/// When the pipes fail.
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
        Err(Refusal { problem, hint, .. }) => {
            serde_json::to_writer(&mut out, &Answer { problem, hint })?;
            Ok(REFUSED)
        }
    }
}

/// Bounds what this process may take, for good.
#[cfg(unix)]
fn bound(time: u64, memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, nice, setrlimit};
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(Resource::As, limit(memory))?;
    setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(time),
            maximum: Some(time + 1),
        },
    )?;
    setrlimit(Resource::Core, limit(0))?;
    // Without it, it is merely less polite.
    let _ = nice(NICE);
    Ok(())
}

/// The parent's clock is all there is.
#[cfg(not(unix))]
fn bound(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
