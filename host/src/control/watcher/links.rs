//! The folder entries that lead to a file: itself, and the symbolic links on its path.
//!
//! In: a path. Out: every folder entry whose replacement makes the path lead to another file. What the last
//! link names need not exist, nor its folder: then the first folder that is missing is the entry.
//! Not here: watching them.

use std::path::{Path, PathBuf};

/// Most links followed from one path, as in Linux (`path_resolution(7)`).
const LINKS: usize = 40;

/// The entries that decide to which file the path `file` leads, each in a folder without symbolic links.
pub(super) fn entries_leading_to(file: &Path) -> Vec<PathBuf> {
    let mut entries = Vec::new();
    let Ok(mut path) = std::path::absolute(file) else {
        return entries;
    };
    for _ in 0..LINKS {
        let link = path
            .ancestors()
            .filter_map(|at| Some((at, at.read_link().ok()?)))
            .last();
        let entry = link.as_ref().map_or(path.as_path(), |(at, _)| at);
        let (Some(folder), Some(name)) = (entry.parent(), entry.file_name()) else {
            break;
        };
        match folder.canonicalize() {
            Ok(folder) => entries.push(folder.join(name)),
            Err(_) => entries.extend(first_missing(folder)),
        }
        let Some((at, target)) = link else { break };
        // The rest of the path is relative to the target of the link.
        let rest = path
            .strip_prefix(at)
            .map(Path::to_owned)
            .unwrap_or_default();
        let target = folder.join(target);
        path = if rest.as_os_str().is_empty() {
            target
        } else {
            target.join(rest)
        };
    }
    entries
}

/// The first part of `path` that does not exist, in its folder, which does.
fn first_missing(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|at| {
        let (folder, name) = (at.parent()?, at.file_name()?);
        Some(folder.canonicalize().ok()?.join(name))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_path_is_listed() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().canonicalize()?;
        // As Kubernetes mounts a configuration: file → ..data/file, ..data → ..version/.
        fs::create_dir(at.join("..version"))?;
        fs::write(at.join("..version/linemill.toml"), "")?;
        symlink("..version", at.join("..data"))?;
        symlink("..data/linemill.toml", at.join("linemill.toml"))?;
        let entries = entries_leading_to(&at.join("linemill.toml"));
        assert_eq!(
            entries,
            ["linemill.toml", "..data", "..version/linemill.toml"].map(|entry| at.join(entry))
        );
        Ok(())
    }

    #[test]
    fn a_loop_of_links_ends() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        symlink("b", folder.path().join("a"))?;
        symlink("a", folder.path().join("b"))?;
        assert_eq!(entries_leading_to(&folder.path().join("a")).len(), LINKS);
        Ok(())
    }

    #[test]
    fn a_link_to_a_missing_folder_waits_for_the_folder() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().canonicalize()?;
        symlink("missing/deeper/file", at.join("link"))?;
        let entries = entries_leading_to(&at.join("link"));
        assert_eq!(entries, ["link", "missing"].map(|entry| at.join(entry)));
        Ok(())
    }
}
