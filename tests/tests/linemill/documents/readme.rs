//! The README's tour: each command in it gives what it shows.
//!
//! In: `README.md`, whose blocks for this test follow a comment: `<!-- tour: file NAME -->` writes
//! the block to a file, `<!-- tour: run -->` runs its commands in order. Out: a failure for each
//! command whose output differs. `…` in an expected line stands for the rest of that line.
//! Differences from the README: the host listens on a port that the system chooses, and this
//! program sends the lines instead of `nc`. Not here: prose, links, the install commands.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use linemill_tests::{Folder, Host, command, eventually};

/// The README's address of the listener, and what the test binds instead.
const ADDRESS: (&str, &str) = ("127.0.0.1:4714", "127.0.0.1:0");
/// How the README connects to the listener.
const CONNECT: &str = " | nc -N 127.0.0.1 4714";
/// How the README starts the host, without its arguments.
const SERVE: &str = "linemill serve ";

/// A block of the README that is part of the tour.
enum Block<'a> {
    File { name: &'a str, text: String },
    Run(Vec<Step<'a>>),
}

/// A command, and the lines that it prints.
struct Step<'a> {
    command: &'a str,
    output: Vec<&'a str>,
}

/// The blocks of the tour, in order.
fn tour(readme: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        let Some(what) = line
            .strip_prefix("<!-- tour: ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        assert!(
            lines.next().is_some_and(|line| line.starts_with("```")),
            "a block must follow {line:?}"
        );
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(match what.strip_prefix("file ") {
            Some(name) => Block::File {
                name,
                text: block.join("\n") + "\n",
            },
            None => Block::Run(steps(&block)),
        });
    }
    blocks
}

fn steps<'a>(block: &[&'a str]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step {
                command,
                output: Vec::new(),
            }),
            (None, Some(step)) => step.output.push(line),
            (None, None) => panic!("a block must begin with a command, not {line:?}"),
        }
    }
    steps
}

/// Runs a command of the README in `folder`, with the binary under test as `linemill`.
fn shell(folder: &Path, line: &str) -> Output {
    let binary = command(folder);
    let script = format!("linemill() {{ \"$0\" \"$@\"; }}\n{line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(binary.get_program());
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let shell = shell.current_dir(folder).stdin(Stdio::null());
    shell.output().expect("sh starts")
}

/// Whether `line` is what the README shows.
fn matches(expected: &str, line: &str) -> bool {
    match expected.split_once('…') {
        Some((start, _)) => line.starts_with(start),
        None => line == expected,
    }
}

#[track_caller]
fn assert_shown(step: &Step<'_>, shown: &str) {
    let lines: Vec<_> = shown.lines().collect();
    let same = lines.len() == step.output.len()
        && step
            .output
            .iter()
            .zip(&lines)
            .all(|(expected, line)| matches(expected, line));
    assert!(
        same,
        "`{}` shows\n{shown}\nand not\n{}",
        step.command,
        step.output.join("\n")
    );
}

#[test]
fn the_tour_shows_what_happens() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"))
        .expect("README.md");
    let folder = Folder::new();
    let path = folder.path().to_owned();
    let mut folder = Some(folder);
    let mut host: Option<Host> = None;
    let mut last = None;
    for block in tour(&readme) {
        let steps = match block {
            Block::File { name, text } => {
                assert!(text.contains(ADDRESS.0), "{name} binds {}", ADDRESS.0);
                std::fs::write(path.join(name), text.replace(ADDRESS.0, ADDRESS.1))
                    .expect("the folder is ours");
                continue;
            }
            Block::Run(steps) => steps,
        };
        for step in &steps {
            if let Some(input) = step.command.strip_suffix(CONNECT) {
                let host = host.as_ref().expect("the tour starts a host first");
                let input = shell(&path, input).stdout;
                let expected = step.output.join("\n") + "\n";
                // A changed file takes effect within a moment.
                eventually(step.command, || {
                    let answer = host.connect().exchange(&input);
                    (answer == expected.as_bytes()).then_some(())
                });
                last = Some((input, expected));
            } else if step.command.starts_with(SERVE) {
                let arguments: Vec<_> = step
                    .command
                    .strip_prefix("linemill ")
                    .and_then(|rest| rest.strip_suffix(" &"))
                    .expect("it starts linemill in the background")
                    .split(' ')
                    .collect();
                let started = Host::spawn(folder.take().expect("one host"), &arguments);
                let address = started.address();
                assert_shown(step, &format!("listening on {}\n", ADDRESS.0));
                assert!(address.ip().is_loopback(), "{address}");
                host = Some(started);
            } else {
                let done = shell(&path, step.command);
                let shown = [done.stdout, done.stderr].concat();
                assert_shown(step, &String::from_utf8_lossy(&shown));
            }
        }
    }
    let host = host.expect("the tour starts a host");
    let (input, expected) = last.expect("the tour connects to it");
    // The tour ends with a mistake, which the host must have seen before it proves anything.
    host.expect_stderr("redcat");
    let answer = host.connect().exchange(&input);
    assert_eq!(String::from_utf8_lossy(&answer), expected);
}
