//! What leads to a file: symbolic links, of which any may be given another target.
//!
//! In: a path. Out: every entry of a folder that decides which file it is. Nothing is watched here.

use std::path::{Path, PathBuf};

/// Most links followed from one path, as Linux does.
const LINKS: usize = 40;

/// A file and every symbolic link on the way to it, as entries of real folders: whichever of them
/// is replaced, the path leads to another file from then on.
pub(super) fn ways_to(file: &Path) -> Vec<PathBuf> {
    let mut ways = Vec::new();
    let Ok(mut path) = std::path::absolute(file) else {
        return ways;
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
        ways.extend(folder.canonicalize().map(|folder| folder.join(name)));
        let Some((at, target)) = link else { break };
        // What follows the link in the path follows its target.
        let rest = path
            .strip_prefix(at)
            .map(Path::to_owned)
            .unwrap_or_default();
        let led = folder.join(target);
        path = if rest.as_os_str().is_empty() {
            led
        } else {
            led.join(rest)
        };
    }
    ways
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_to_a_file_is_named() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().canonicalize()?;
        // As Kubernetes mounts a configuration: file → ..data/file, ..data → ..version/.
        fs::create_dir(at.join("..version"))?;
        fs::write(at.join("..version/linemill.toml"), "")?;
        symlink("..version", at.join("..data"))?;
        symlink("..data/linemill.toml", at.join("linemill.toml"))?;
        let ways = ways_to(&at.join("linemill.toml"));
        assert_eq!(
            ways,
            ["linemill.toml", "..data", "..version/linemill.toml"].map(|way| at.join(way))
        );
        Ok(())
    }

    #[test]
    fn a_loop_of_links_ends() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        symlink("b", folder.path().join("a"))?;
        symlink("a", folder.path().join("b"))?;
        assert_eq!(ways_to(&folder.path().join("a")).len(), LINKS);
        Ok(())
    }
}
