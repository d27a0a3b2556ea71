//! Creates a complete filter crate: sources, a test, a configuration to run it with, and the SDK.
//!
//! In: a folder and a name. Out: `FOLDER/NAME`, which builds without this repository. Existing files
//! are not touched, and a crate that cannot be finished is removed again.

mod name;
mod template;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use name::BadName;

/// The SDK's files: path within `linemill-sdk/`, and text.
const SDK: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// Why a crate was not created.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// A crate cannot have this name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A file or folder of this name exists.
    #[error("{} already exists\nhint: choose another name, or move it away", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// Creates the crate `PARENT/NAME`. Returns its path.
///
/// # Errors
/// See [`NewError`]. Nothing is left behind.
pub fn create(parent: &Path, name: &str) -> Result<PathBuf, NewError> {
    name::check(name)?;
    let root = parent.join(name);
    fs::create_dir(&root).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => NewError::Exists(root.clone()),
        _ => NewError::Io {
            path: root.clone(),
            error,
        },
    })?;
    write_all(&root, name).inspect_err(|_| {
        // Report the first error, not one of cleaning up. This call created the folder.
        let _ = fs::remove_dir_all(&root);
    })?;
    Ok(root)
}

fn write_all(root: &Path, name: &str) -> Result<(), NewError> {
    let own = template::files(name);
    let own = own
        .iter()
        .map(|(path, text)| (root.join(path), text.as_str()));
    let sdk = SDK
        .iter()
        .map(|(path, text)| (root.join("linemill-sdk").join(path), *text));
    for (path, text) in own.chain(sdk) {
        write(&path, text).map_err(|error| NewError::Io { path, error })?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{NewError, SDK, create};

    #[test]
    fn a_new_crate_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let root = create(dir.path(), "my-filter").unwrap();
        assert_eq!(root, dir.path().join("my-filter"));
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        assert!(read("Cargo.toml").contains("name = \"my-filter\""));
        assert!(read("src/lib.rs").contains("export!("));
        assert!(read("README.md").starts_with("# my-filter\n"));
        assert!(read("linemill.toml").contains("[filter.my-filter]"));
        assert!(read(".gitignore").contains("/target"));
        assert!(read("linemill-sdk/Cargo.toml").contains("name = \"linemill-sdk\""));
        for (path, text) in SDK {
            assert_eq!(read(&format!("linemill-sdk/{path}")), *text, "{path}");
        }
    }

    #[test]
    fn the_sdk_comes_with_its_sources_and_its_wit() {
        let paths: Vec<_> = SDK.iter().map(|(path, _)| *path).collect();
        for path in ["Cargo.toml", "src/lib.rs", "src/filter.rs", "wit/batch.wit"] {
            assert!(paths.contains(&path), "{path} is not in {paths:?}");
        }
    }

    #[test]
    fn an_existing_folder_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let present = dir.path().join("taken");
        fs::create_dir(&present).unwrap();
        fs::write(present.join("mine"), "mine").unwrap();
        let error = create(dir.path(), "taken").unwrap_err();
        assert!(matches!(error, NewError::Exists(_)), "{error}");
        assert_eq!(fs::read_to_string(present.join("mine")).unwrap(), "mine");
        assert_eq!(fs::read_dir(&present).unwrap().count(), 1);
    }

    #[test]
    fn a_bad_name_creates_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            create(dir.path(), "../up"),
            Err(NewError::Name(_))
        ));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_parent_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = create(&dir.path().join("nowhere"), "my-filter").unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
