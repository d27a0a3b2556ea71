//! The choice, on machines described by hand.

use std::path::PathBuf;

use super::{Done, Fetch, LINKER_PACKAGE, Missing, PACKAGES, Step, Toolchain, Way, next};
use crate::machine::{Compiler, Machine, Version};

const V95: Version = Version {
    major: 1,
    minor: 95,
};
const V96: Version = Version {
    major: 1,
    minor: 96,
};
const NEITHER: Done = Done {
    add_target: false,
    install_packages: false,
};

/// rustup's compiler without the target, root on Debian, a network.
fn fresh_debian() -> Machine {
    Machine {
        usual: Some(Compiler {
            version: V95,
            has_target: false,
            has_source: false,
        }),
        rustup_toolchain: Some("1.95.0-x86_64-unknown-linux-gnu".to_owned()),
        may_download: true,
        system: None,
        has_apt: true,
        is_root: true,
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

fn from_source(version: Version) -> Step<'static> {
    Step::Use(Toolchain {
        version,
        way: Way::FromSource {
            linker: PathBuf::from("rust-lld"),
        },
    })
}

#[test]
fn the_usual_compiler_is_first_when_it_has_the_target() {
    let machine = with_system(with_target(fresh_debian()), V96, true);
    let usual = Step::Use(Toolchain {
        version: V95,
        way: Way::Usual,
    });
    assert_eq!(next(&machine, Fetch::Allowed, NEITHER), usual);
    assert_eq!(next(&machine, Fetch::Never, NEITHER), usual);
}

#[test]
fn debians_compiler_when_it_is_there_needs_no_network() {
    let machine = with_system(fresh_debian(), V96, true);
    assert_eq!(next(&machine, Fetch::Allowed, NEITHER), from_source(V96));
    assert_eq!(next(&machine, Fetch::Never, NEITHER), from_source(V96));
}

#[test]
fn a_missing_target_is_added_before_packages_are_installed() {
    let machine = fresh_debian();
    assert_eq!(
        next(&machine, Fetch::Allowed, NEITHER),
        Step::AddTarget("1.95.0-x86_64-unknown-linux-gnu"),
    );
    let failed = Done {
        add_target: true,
        ..NEITHER
    };
    assert_eq!(
        next(&machine, Fetch::Allowed, failed),
        Step::InstallPackages(PACKAGES.to_vec()),
    );
    let both_failed = Done {
        add_target: true,
        install_packages: true,
    };
    assert_eq!(next(&machine, Fetch::Allowed, both_failed), Step::GiveUp);
}

#[test]
fn a_rustup_told_to_stay_off_the_network_is_not_asked() {
    let machine = Machine {
        may_download: false,
        ..fresh_debian()
    };
    assert_eq!(
        next(&machine, Fetch::Allowed, NEITHER),
        Step::InstallPackages(PACKAGES.to_vec()),
    );
}

#[test]
fn nothing_is_fetched_without_leave_and_no_package_without_root() {
    assert_eq!(next(&fresh_debian(), Fetch::Never, NEITHER), Step::GiveUp);
    let user = Machine {
        is_root: false,
        may_download: false,
        ..fresh_debian()
    };
    assert_eq!(next(&user, Fetch::Allowed, NEITHER), Step::GiveUp);
    let elsewhere = Machine {
        has_apt: false,
        may_download: false,
        ..fresh_debian()
    };
    assert_eq!(next(&elsewhere, Fetch::Allowed, NEITHER), Step::GiveUp);
}

#[test]
fn an_old_or_partial_system_compiler_is_completed_not_used() {
    let offline = Machine {
        may_download: false,
        ..fresh_debian()
    };
    let old = Version {
        major: 1,
        minor: 85,
    };
    for machine in [
        with_system(offline.clone(), old, true),
        with_system(offline, V96, false),
    ] {
        assert_eq!(
            next(&machine, Fetch::Allowed, NEITHER),
            Step::InstallPackages(PACKAGES.to_vec()),
        );
    }
}

#[test]
fn a_missing_linker_is_installed_along() {
    let machine = Machine {
        linker: None,
        may_download: false,
        ..with_system(fresh_debian(), V96, true)
    };
    let mut packages = PACKAGES.to_vec();
    packages.push(LINKER_PACKAGE);
    assert_eq!(
        next(&machine, Fetch::Allowed, NEITHER),
        Step::InstallPackages(packages),
    );
}

#[test]
fn missing_names_both_ways_and_what_was_tried() {
    let text = Missing {
        toolchain: Some("1.95.0".to_owned()),
        tried: vec!["rustup: no route to host".to_owned()],
    }
    .to_string();
    assert_eq!(
        text,
        "no compiler here can build for wasm32-unknown-unknown\n  \
         tried: rustup: no route to host\n\
         hint: with rustup:\n    \
         rustup target add wasm32-unknown-unknown --toolchain 1.95.0\n  \
         or, on Debian, as root:\n    \
         apt-get update && apt-get install --no-install-recommends rustc-web cargo-web \
         rust-web-src lld",
    );
}
