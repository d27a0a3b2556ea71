//! Loads random code, and runs lines through filters of random code.
//!
//! In: pieces of random code from `tests/fuzz/smith`: as many as `LINEMILL_FUZZ_RUNS` and
//! `LINEMILL_FUZZ_SECONDS` say, with the seed `LINEMILL_FUZZ_SEED`. Out: nothing. Properties: a file
//! that is not a filter is refused with a reason and a hint. A filter starts or says why not. Lines
//! come out well-formed, and `on_error` applies to those of failed calls. The process survives.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Refusal;
use crate::chain::{Chain, Stage, StreamState};
use crate::engine::Engine;
use crate::filter::{Filter, Reporting};
use crate::imports::Grants;
use crate::metrics::FilterFamilies;
use crate::plugin::Plugin;
use crate::verdict::Rules;
use linemill_config::settings::{FilterSettings, OnError, PluginRef};
use linemill_framing::Framing;
use linemill_framing::Lines;
use linemill_telemetry::Gate;
use linemill_telemetry::LabelValue as _;

/// How many pieces a run without settings loads.
const PIECES: u64 = 120;

const RULES: Rules = Rules {
    framing: Framing::Lf,
    max_output: 1024,
};

/// The lines of each batch.
const BATCHES: [&[&str]; 4] = [
    &["one"],
    &["another line"],
    &["", "two", "three"],
    &["last"],
];

/// The program that generates pieces. Cargo builds it if necessary.
struct Smith {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// How many pieces and calls had each result.
#[derive(Debug, Default)]
struct Found {
    refused: u64,
    unstarted: u64,
    answered: u64,
    failed: u64,
}

/// Prints the current piece if it makes the test panic.
struct CurrentPiece {
    seed: u64,
    number: u64,
}

impl Smith {
    fn new(seed: u64, count: u64) -> Self {
        let program = std::env::current_exe().unwrap();
        // target/debug/deps/PROGRAM
        let target = program.ancestors().nth(3).unwrap().join("smith");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/smith/Cargo.toml");
        let mut child = Command::new(cargo)
            .args(["run", "--quiet", "--locked", "--manifest-path"])
            .arg(source)
            .arg("--target-dir")
            .arg(target)
            .args(["--", &seed.to_string(), "0", &count.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The kind of the next piece, and its bytes.
    fn piece(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.out.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.out.read_exact(&mut bytes)?;
        Ok((kind, bytes))
    }
}

impl Drop for Smith {
    fn drop(&mut self) {
        // Killing fails if the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for CurrentPiece {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, number } = self;
            eprintln!("the piece: linemill-smith {seed} {number} 1");
        }
    }
}

/// The number in an environment variable, if it is set.
fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{name}: {error}")),
    )
}

fn refused(refusal: &Refusal) {
    let (kind, problem) = (refusal.kind, refusal.problem.what());
    assert!(
        ["plugin", "grant", "complexity"].contains(&kind.label()),
        "{kind:?}: {problem}"
    );
    let reasons = [
        "this is a core WebAssembly module, not a component",
        "invalid component: ",
        "it is a component of another world: ",
        "it has ",
        "it uses ",
        "its components are nested ",
        "one of its functions has ",
    ];
    assert!(
        reasons.iter().any(|reason| problem.starts_with(reason)),
        "{problem}"
    );
    assert!(
        !problem.contains(char::is_control),
        "control characters in {problem:?}"
    );
    assert!(!refusal.problem.hint().is_empty(), "{problem}");
}

/// Starts a filter of random code, and runs lines through it.
async fn filters(engine: &Arc<Engine>, plugin: Arc<Plugin>, on_error: OnError, found: &mut Found) {
    let mut settings = FilterSettings::new("random", PluginRef::Name("random".into()));
    settings.memory = 1 << 20;
    settings.deadline = Duration::from_millis(4);
    settings.on_error = Some(on_error);
    let reporting = Reporting {
        log: Gate::shut(),
        ..Reporting::default()
    };
    let families = FilterFamilies::default();
    let filter =
        match Filter::start(Arc::clone(engine), plugin, settings, &families, reporting).await {
            Ok(filter) => filter,
            Err(refusal) => {
                let problem = refusal.problem.what();
                assert!(!problem.ends_with(": "), "{problem:?} has no reason");
                return found.unstarted += 1;
            }
        };
    let stages = vec![Stage::new(Arc::clone(&filter), None)];
    let mut stream = StreamState::new(Arc::new(Chain::new(stages, ["errors"])), RULES);
    for batch in BATCHES {
        let mut lines = Lines::default();
        batch
            .iter()
            .for_each(|content| lines.push(content.as_bytes(), b"\n"));
        let before = filter.failed_lines();
        let output = stream.process(lines.clone()).await;
        whole(&output.lines);
        let failed = filter.failed_lines() - before;
        assert!(
            failed <= batch.len() as u64,
            "{failed} of {} failed",
            batch.len()
        );
        found.answered += u64::from(failed == 0);
        if failed == batch.len() as u64 {
            found.failed += 1;
            let expected = match on_error {
                OnError::Pass => lines,
                _ => Lines::default(),
            };
            assert_eq!(output.lines, expected, "all failed");
        }
        if output.close.is_some() {
            return;
        }
    }
    whole(&stream.finish(Lines::default()).await.lines);
}

/// Asserts that each line is one line of the stream's framing, within the length limit.
fn whole(lines: &Lines) {
    for line in 0..lines.len() {
        let content = lines.content(line);
        assert!(!content.contains(&b'\n') && content.len() <= RULES.max_output);
        assert_eq!(lines.terminator(line), b"\n");
    }
}

#[tokio::test]
async fn random_code_is_refused_or_bounded() {
    let seconds = from_environment("LINEMILL_FUZZ_SECONDS").map(Duration::from_secs);
    let unless_timed = if seconds.is_some() { u64::MAX } else { PIECES };
    let count = from_environment("LINEMILL_FUZZ_RUNS").unwrap_or(unless_timed);
    let seed = from_environment("LINEMILL_FUZZ_SEED").unwrap_or(1);
    let (mut smith, engine) = (Smith::new(seed, count), Arc::new(Engine::new().unwrap()));
    let (mut found, started) = (Found::default(), Instant::now());
    for number in 0..count {
        if seconds.is_some_and(|seconds| started.elapsed() >= seconds) {
            break;
        }
        let _current = CurrentPiece { seed, number };
        let (kind, bytes) = smith.piece().expect("as many pieces as were asked for");
        let loaded = Plugin::new(&engine, &bytes, Grants::NONE);
        match (kind, loaded) {
            (b'f', loaded) => {
                let plugin =
                    loaded.unwrap_or_else(|refusal| panic!("a filter is refused: {refusal}"));
                let on_error = [OnError::Pass, OnError::Drop][number as usize % 2];
                filters(&engine, plugin, on_error, &mut found).await;
            }
            (_, Ok(_)) => panic!("taken for a filter"),
            (_, Err(refusal)) => {
                refused(&refusal);
                found.refused += 1;
            }
        }
    }
    let Found {
        refused,
        unstarted,
        answered,
        failed,
    } = found;
    eprintln!("{found:?} of seed {seed} in {:?}", started.elapsed());
    assert!(
        refused > 0 && unstarted > 0 && answered > 0 && failed > 0,
        "{found:?}"
    );
}
