//! Builds the plugins' workspace into components.

use std::{fs, io, path::Path, time::Instant};

use anyhow::{Context as _, Result};
use linemill_guest_build::{Built, Toolchain, build as build_guests};

use crate::{acquire, step::say, workspace::Workspace};

/// Builds all plugins. Returns the compiler that built them, which may have been installed first.
pub(crate) fn build(workspace: &Workspace) -> Result<Toolchain> {
    let started = Instant::now();
    let dir = workspace.plugins();
    let toolchain = acquire::toolchain(&dir)?;
    say(&format!("building plugins with {toolchain}"));
    let built = build_guests(&dir, workspace.target(), &toolchain)?;
    let out = workspace.target().join("plugins");
    remove_others(&out, &built).with_context(|| format!("clearing {}", out.display()))?;
    let changed: Vec<_> = built.iter().filter(|plugin| plugin.changed).collect();
    for plugin in &changed {
        let size = plugin.size.div_ceil(1024);
        say(&format!("{} ({size} KiB)", plugin.component.display()));
    }
    let seconds = started.elapsed().as_secs_f32();
    say(&format!(
        "{} plugins, {} changed, {seconds:.1} s",
        built.len(),
        changed.len(),
    ));
    Ok(toolchain)
}

/// Removes components of plugins that no longer exist, since the host embeds every file in that
/// folder.
fn remove_others(out: &Path, built: &[Built]) -> io::Result<()> {
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        if built.iter().all(|plugin| plugin.component != path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use linemill_guest_build::Built;

    use super::remove_others;

    #[test]
    fn only_components_that_were_built_stay() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let kept = dir.join("kept.wasm");
        fs::write(&kept, "kept").unwrap();
        fs::write(dir.join("renamed-since.wasm"), "old").unwrap();
        let built = [Built {
            name: "kept".to_owned(),
            component: kept.clone(),
            size: 4,
            changed: false,
        }];
        remove_others(dir, &built).unwrap();
        let left: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, [kept]);
    }
}
