//! Embeds the bundled plugins in the host's binary.
//!
//! In: a folder of components: `LINEMILL_PLUGINS_DIR`, or `plugins` in cargo's target folder, where
//! `cargo xtask plugins` puts them. Out: `bundled.rs` with name and bytes of each.
//! Not here: building the plugins. That requires a compiler for WebAssembly, which `xtask` finds.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=LINEMILL_PLUGINS_DIR");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let configured = env::var_os("LINEMILL_PLUGINS_DIR").map(PathBuf::from);
    let found = configured.or_else(|| {
        out.ancestors()
            .map(|at| at.join("plugins"))
            .find(|at| holds_rot13(at))
    });
    let Some(folder) = found.filter(|at| holds_rot13(at)) else {
        println!(
            "cargo::error=the bundled plugins are not built: run `cargo xtask plugins` (or `cargo xtask build`), or set LINEMILL_PLUGINS_DIR to a folder that has rot13.wasm"
        );
        return Ok(());
    };
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut plugins: Vec<_> = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    plugins.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    });
    plugins.sort();
    let mut code = String::from("&[\n");
    for path in &plugins {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        code += &format!(
            "    ({name:?}, include_bytes!({:?})),\n",
            path.display().to_string()
        );
    }
    fs::write(out.join("bundled.rs"), code + "]\n")
}

fn holds_rot13(folder: &Path) -> bool {
    folder.join("rot13.wasm").is_file()
}
