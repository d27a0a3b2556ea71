//! Files that decide what the host runs, and that every user of the machine may change.
//!
//! In: settings. Out: a warning for each plugin file and each file of the configuration that everybody may
//! write to or replace.
//! Not here: files that the host itself creates, which are private, and plugins with a `sha256`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use linemill_config::settings::{FilterSettings, PluginRef, Settings};
use linemill_config::{Place, Problem};

/// What is worth a warning.
pub(super) fn warnings(settings: &Settings) -> Vec<Problem> {
    let sources = settings.sources.0.iter();
    let configuration = sources.filter_map(|source| {
        let what = format!("the configuration {}", source.path.display());
        warning(&Place::file_of(source), &what, &source.path)
    });
    let filters = settings.filters.values();
    let pinned = |filter: &&FilterSettings| filter.sha256.is_some();
    let plugins = filters
        .filter(|filter| !pinned(filter))
        .filter_map(|filter| {
            let path = file_of(filter, &settings.host.plugins)?;
            let what = format!("the plugin {} of filter `{}`", path.display(), filter.name);
            warning(&filter.place, &what, &path)
        });
    configuration.chain(plugins).collect()
}

/// The file of a filter's plugin; `None` if it is bundled.
fn file_of(filter: &FilterSettings, folders: &[PathBuf]) -> Option<PathBuf> {
    match &filter.plugin {
        PluginRef::Path(path) => Some(path.clone()),
        PluginRef::Name(name) => {
            let files = folders
                .iter()
                .map(|folder| folder.join(format!("{name}.wasm")));
            files.into_iter().find(|file| file.exists())
        }
    }
}

fn warning(place: &Place, what: &str, path: &Path) -> Option<Problem> {
    let open = open_to_all(path)?;
    let how = if open.is_dir() {
        "may be replaced"
    } else {
        "may be changed"
    };
    let text = format!("{what} {how} by every user of this machine");
    let hint = format!("close it: chmod o-w {}", open.display());
    Some(place.problem(text, hint))
}

/// The file itself, or a folder on the way to it, if everybody may write to it. In a folder with the sticky
/// bit, such as `/tmp`, only the owner of a file may replace it.
#[cfg(unix)]
fn open_to_all(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;

    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    // As it is written, and where its links lead.
    let absolute = std::path::absolute(path).ok()?;
    let real = absolute.canonicalize().ok()?;
    let ways: BTreeSet<&Path> = absolute.ancestors().chain(real.ancestors()).collect();
    let open = ways.into_iter().find(|way| {
        way.metadata().is_ok_and(|found| {
            let sticky = found.is_dir() && found.mode() & STICKY != 0;
            found.mode() & OTHERS_WRITE != 0 && !sticky
        })
    });
    open.map(Path::to_owned)
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> Option<PathBuf> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_everybody_may_change_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        };
        let (inner, link) = (folder.path().join("inner"), folder.path().join("link"));
        fs::create_dir(&inner).expect("made");
        let file = inner.join("a.wasm");
        fs::write(&file, "").expect("written");
        symlink(&file, &link).expect("made");
        mode(&inner, 0o755);
        mode(&file, 0o664);
        assert_eq!(open_to_all(&file), None);
        assert_eq!(open_to_all(&folder.path().join("nowhere")), None);
        mode(&file, 0o666);
        assert_eq!(open_to_all(&file), Some(file.clone()));
        let seen = open_to_all(&link).expect("by its link, too");
        assert!(
            seen.ends_with("a.wasm") || seen == link,
            "{}",
            seen.display()
        );
        mode(&file, 0o644);
        mode(&inner, 0o777);
        assert_eq!(open_to_all(&file), Some(inner.clone()));
        assert_eq!(
            open_to_all(&link).map(|found| found.ends_with("inner")),
            Some(true)
        );
        mode(&inner, 0o1777);
        assert_eq!(open_to_all(&file), None);
    }
}
