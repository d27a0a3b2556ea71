//! Reads from cargo's output which modules it built.
//!
//! In: cargo's standard output with `--message-format=json`, line by line. Out: the WebAssembly
//! modules of its `cdylib`s, just built or still up to date. All other messages are ignored.

use std::{
    io::{self, BufRead},
    path::PathBuf,
};

use serde::Deserialize;

/// A core module, and the package that it was built from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) package: String,
    pub(crate) path: PathBuf,
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(default)]
    kind: Vec<String>,
}

/// Reads to the end. Returns the modules in the order in which cargo finished them.
pub(crate) fn read(output: impl BufRead) -> io::Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    for line in output.lines() {
        artifacts.extend(artifact(&line?));
    }
    Ok(artifacts)
}

fn artifact(line: &str) -> Option<Artifact> {
    let line: Line = serde_json::from_str(line).ok()?;
    if line.reason != "compiler-artifact" || !line.target.kind.iter().any(|kind| kind == "cdylib") {
        return None;
    }
    let is_module = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    };
    Some(Artifact {
        package: package_name(&line.package_id)?.to_owned(),
        path: line.filenames.into_iter().find(is_module)?,
    })
}

/// The name in a [package id], which omits it when the folder has the same name.
///
/// [package id]: https://doc.rust-lang.org/cargo/reference/pkgid-spec.html
fn package_name(id: &str) -> Option<&str> {
    let (url, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _version)) => Some(name),
        None => url.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Artifact, package_name, read};

    #[test]
    fn only_modules_of_cdylibs_are_found() {
        let output = r#"{"reason":"compiler-artifact","package_id":"path+file:///p/sdk#linemill-sdk@0.1.0","target":{"kind":["lib"]},"filenames":["/t/libsdk.rlib"]}
not json at all
{"reason":"compiler-message","package_id":"path+file:///p/rot13#0.1.0","target":{"kind":["cdylib"]}}
{"reason":"compiler-artifact","package_id":"path+file:///p/rot13#0.1.0","target":{"kind":["cdylib","rlib"]},"filenames":["/t/librot13.rlib","/t/rot13.wasm"],"fresh":true}
{"reason":"build-finished","success":true}
"#;
        let artifacts = read(output.as_bytes()).unwrap();
        assert_eq!(
            artifacts,
            [Artifact {
                package: "rot13".to_owned(),
                path: PathBuf::from("/t/rot13.wasm"),
            }],
        );
    }

    #[test]
    fn both_forms_of_a_package_id_have_a_name() {
        assert_eq!(
            package_name("path+file:///p/my-filter#0.1.0"),
            Some("my-filter")
        );
        assert_eq!(
            package_name("path+file:///p/x#my-filter@0.1.0"),
            Some("my-filter")
        );
        assert_eq!(package_name("neither"), None);
    }
}
