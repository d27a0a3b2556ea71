//! Embeds the guest SDK, which `linemill new` copies into a new filter's folder.
//!
//! In: the files of `plugins/sdk`. Out: `sdk.rs`, a list of paths and contents.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The SDK's files that a filter needs: folder, and extension of the files.
const PARTS: [(&str, &str); 3] = [("", "toml"), ("src", "rs"), ("wit", "wit")];

fn main() -> Result<(), Box<dyn Error>> {
    let sdk = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../plugins/sdk");
    let mut files = Vec::new();
    for (part, extension) in PARTS {
        let dir = sdk.join(part);
        println!("cargo::rerun-if-changed={}", dir.display());
        collect(&dir, extension, part == "src", &mut files)
            .map_err(|error| format!("the guest SDK: {}: {error}", dir.display()))?;
    }
    files.sort();
    let mut list = String::from("[\n");
    for file in files {
        let path = file
            .strip_prefix(&sdk)?
            .to_string_lossy()
            .replace('\\', "/");
        writeln!(
            list,
            "    ({path:?}, include_str!({:?})),",
            file.canonicalize()?
        )?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sdk.rs"), list)?;
    Ok(())
}

fn collect(
    dir: &Path,
    extension: &str,
    deep: bool,
    files: &mut Vec<PathBuf>,
) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && deep {
            collect(&path, extension, deep, files)?;
        } else if path.is_file() && path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    Ok(())
}
