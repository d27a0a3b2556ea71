//! The choice of a toolchain, on machines described by hand.

use std::path::PathBuf;
#[cfg(unix)]
use std::{env, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::{LINKER_PACKAGE, Missing, PACKAGES, StdSource, Toolchain, choose};
use crate::machine::{Compiler, Machine, Version};

const V95: Version = Version {
    major: 1,
    minor: 95,
};
const V96: Version = Version {
    major: 1,
    minor: 96,
};

/// rustup's compiler without the target, and its linker.
fn without_target() -> Machine {
    Machine {
        usual: Some(Compiler {
            version: V95,
            has_target: false,
            has_source: false,
        }),
        rustup_toolchain: Some("1.95.0-x86_64-unknown-linux-gnu".to_owned()),
        system: None,
        linker: Some(PathBuf::from("rust-lld")),
    }
}

fn with_target(mut machine: Machine) -> Machine {
    machine.usual = machine.usual.map(|usual| Compiler {
        has_target: true,
        ..usual
    });
    machine
}

fn with_system(mut machine: Machine, version: Version, has_source: bool) -> Machine {
    machine.system = Some(Compiler {
        version,
        has_target: false,
        has_source,
    });
    machine
}

fn missing(packages: Vec<&'static str>) -> Result<Toolchain, Missing> {
    Err(Missing {
        rustup_toolchain: without_target().rustup_toolchain,
        packages,
    })
}

#[test]
fn the_usual_compiler_comes_first_when_it_has_the_target() {
    let machine = with_system(with_target(without_target()), V96, true);
    let usual = Toolchain {
        version: V95,
        source: StdSource::Precompiled,
    };
    assert_eq!(choose(&machine), Ok(usual));
}

#[test]
fn an_installed_system_compiler_is_used() {
    let machine = with_system(without_target(), V96, true);
    let system = Toolchain {
        version: V96,
        source: StdSource::BuiltFromSource {
            linker: PathBuf::from("rust-lld"),
        },
    };
    assert_eq!(choose(&machine), Ok(system));
}

#[test]
fn old_or_partial_compilers_are_not_used() {
    let old = Version {
        major: 1,
        minor: 85,
    };
    let mut old_usual = with_target(without_target());
    old_usual.usual = old_usual.usual.map(|usual| Compiler {
        version: old,
        ..usual
    });
    for machine in [
        without_target(),
        old_usual,
        with_system(without_target(), old, true),
        with_system(without_target(), V96, false),
    ] {
        assert_eq!(choose(&machine), missing(PACKAGES.to_vec()), "{machine:?}");
    }
}

#[test]
fn a_missing_linker_is_among_the_packages() {
    let machine = Machine {
        linker: None,
        ..with_system(without_target(), V96, true)
    };
    let mut packages = PACKAGES.to_vec();
    packages.push(LINKER_PACKAGE);
    assert_eq!(choose(&machine), missing(packages));
}

#[test]
fn missing_displays_the_commands_for_both_sources() {
    let text = Missing {
        rustup_toolchain: Some("1.95.0".to_owned()),
        packages: vec!["rustc-web", "lld"],
    }
    .to_string();
    assert_eq!(
        text,
        "no compiler on this machine can build for wasm32-unknown-unknown\n\
         hint: with rustup:\n    \
         rustup target add wasm32-unknown-unknown --toolchain 1.95.0\n  \
         or, on Debian, as root:\n    \
         apt-get update && apt-get install --no-install-recommends rustc-web lld",
    );
}

/// Set in the process that `finding_a_toolchain_starts_no_installer` starts.
#[cfg(unix)]
const FIND_ONLY: &str = "LINEMILL_TEST_FIND_ONLY";

/// Finds a toolchain where every program on `PATH` is a script that logs how it is started.
#[cfg(unix)]
#[test]
fn finding_a_toolchain_starts_no_installer() {
    if env::var_os(FIND_ONLY).is_some() {
        println!("found: {:?}", Toolchain::find(Path::new("/")));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let script = format!(
        "#!/bin/sh\n\
         echo \"${{0##*/}} $* auto-install=$RUSTUP_AUTO_INSTALL\" >> {log}\n\
         case \"$*\" in\n\
         *sysroot) echo {sysroot} ;;\n\
         --version) echo 'rustc 1.95.0 (59807616e 2026-04-14)' ;;\n\
         show*) echo '1.95.0-x86_64-unknown-linux-gnu (default)' ;;\n\
         esac\n",
        log = log.display(),
        sysroot = dir.path().join("sysroot").display(),
    );
    for program in ["apt", "apt-get", "cargo", "dpkg", "rustc", "rustup", "sudo"] {
        let path = dir.path().join(program);
        fs::write(&path, &script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["finding_a_toolchain_starts_no_installer", "--nocapture"])
        .env("PATH", dir.path())
        .env(FIND_ONLY, "1")
        .env_remove("RUSTUP_AUTO_INSTALL")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && output.contains("found: "),
        "{output}"
    );
    let log = fs::read_to_string(log).unwrap();
    let mut started: Vec<_> = log.lines().collect();
    started.sort_unstable();
    started.dedup();
    assert_eq!(
        started,
        [
            "rustc --print sysroot auto-install=0",
            "rustc --version auto-install=0",
            "rustup show active-toolchain auto-install=0",
        ],
    );
}
