//! Private folders by descriptors.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::fs::{fchmod, fstat, openat, readlink, renameat, statat, unlinkat};
use rustix::process::{getegid, geteuid};

use super::{Doubtful, Entry, Part, Standing};
use linemill_config::{open_regular_in, read_open};

/// Most links followed on the way to a folder, as in Linux (`path_resolution(7)`).
const LINKS: usize = 40;

/// An open folder that only trusted users may change.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
    path: PathBuf,
    mode: u32,
}

impl Folder {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// When it is not a folder, or others may have changed it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor = openat(CWD, path, flags, Mode::empty())?;
        let found = fstat(&descriptor)?;
        check(path, Part::Own, &found)?;
        Ok(Self {
            descriptor,
            path: path.to_owned(),
            mode: permissions(&found),
        })
    }

    /// As [`Self::open`], and others must not be able to put another folder in its place, either.
    ///
    /// # Errors
    /// When it is not a folder, or others may have changed it, or the way to it.
    pub(crate) fn open_by_trusted_way(path: &Path) -> io::Result<Self> {
        Self::open(&trusted_way(path)?)
    }

    /// Whether others may list it or enter it.
    pub(crate) fn is_open_to_others(&self) -> bool {
        self.mode & 0o077 != 0
    }

    /// Reads a file of at most `limit` bytes, and marks it as used now.
    ///
    /// # Errors
    /// When it is not a regular file, is too large, cannot be read, or others may have changed it.
    pub(crate) fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let file = open_regular_in(&self.descriptor, name).map_err(io::Error::other)?;
        check(&self.path.join(name), Part::Own, &fstat(&file)?)?;
        // If this fails, the file is removed earlier than necessary.
        drop(file.set_modified(SystemTime::now()));
        read_open(file, limit).map_err(io::Error::other)
    }

    /// Creates a file, or replaces it. Only the user can read it. A file with that name is always whole.
    ///
    /// # Errors
    /// When it cannot be written; nothing has changed then.
    pub(crate) fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{name}.{}-{nth}.new", std::process::id());
        // One that an earlier process with this number left.
        drop(self.remove(&unfinished));
        self.create(&unfinished, parts)?;
        let folder = &self.descriptor;
        renameat(folder, &*unfinished, folder, name).map_err(|error| {
            drop(self.remove(&unfinished));
            error.into()
        })
    }

    /// Creates a file. Only the user can read it.
    ///
    /// # Errors
    /// When there is one with that name, or it cannot be written; nothing has changed then.
    pub(crate) fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mode = Mode::RUSR | Mode::WUSR;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.descriptor, name, flags, mode)?);
        // The umask may withhold even what the owner needs.
        let written = fchmod(&file, mode)
            .map_err(io::Error::from)
            .and_then(|()| parts.iter().try_for_each(|part| file.write_all(part)));
        if written.is_err() {
            drop(self.remove(name));
        }
        written
    }

    /// Its regular files.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn files(&self) -> io::Result<Vec<Entry>> {
        let mut files = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let found = match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
                // It has just been removed.
                Err(rustix::io::Errno::NOENT) => continue,
                found => found?,
            };
            if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile {
                files.push(Entry {
                    modified: modified(&found),
                    name: name.to_owned(),
                    size: found.st_size.try_into().unwrap_or_default(),
                });
            }
        }
        Ok(files)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }
}

/// Follows `path` to a folder. Returns the path without symbolic links.
///
/// # Errors
/// When there is no folder, or others could make the path lead elsewhere.
fn trusted_way(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let names = |path: &Path| -> VecDeque<PathBuf> {
        path.components()
            .map(|part| PathBuf::from(part.as_os_str()))
            .collect()
    };
    let (mut left, mut links) = (names(&absolute), 0);
    let mut way = PathBuf::new();
    while let Some(name) = left.pop_front() {
        match name.components().next() {
            Some(Component::ParentDir) => {
                way.pop();
                continue;
            }
            None | Some(Component::CurDir) => continue,
            Some(_) => {}
        }
        let next = way.join(&name);
        let found = statat(CWD, &next, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            // The folder itself is checked once it is open.
            if !left.is_empty() {
                check(&next, Part::Way, &found)?;
            }
            way = next;
            continue;
        }
        check(&next, Part::Link, &found)?;
        links += 1;
        if links > LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        let target = readlink(&next, Vec::new())?;
        let target = Path::new(std::ffi::OsStr::from_bytes(target.as_bytes())).to_owned();
        if target.is_absolute() {
            way.clear();
        }
        let mut more = names(&target);
        more.append(&mut left);
        left = more;
    }
    Ok(way)
}

/// Fails if others may have changed what has been `found` at `path`.
fn check(path: &Path, part: Part, found: &Stat) -> io::Result<()> {
    let standing = Standing {
        owner: found.st_uid,
        group: found.st_gid,
        mode: permissions(found),
        user: geteuid().as_raw(),
        user_group: getegid().as_raw(),
    };
    match standing.doubt(part) {
        None => Ok(()),
        Some(doubt) => Err(Doubtful {
            path: path.to_owned(),
            part,
            doubt,
            owner: found.st_uid,
        }
        .into()),
    }
}

#[expect(
    clippy::useless_conversion,
    reason = "the type of a mode depends on the system"
)]
fn permissions(found: &Stat) -> u32 {
    u32::from(found.st_mode) & 0o7777
}

#[cfg_attr(
    target_os = "linux",
    expect(
        clippy::useless_conversion,
        reason = "the types of the fields differ between systems"
    )
)]
fn modified(found: &Stat) -> SystemTime {
    let since = Duration::from_secs(found.st_mtime.try_into().unwrap_or_default());
    let nanos = Duration::from_nanos(found.st_mtime_nsec.try_into().unwrap_or_default());
    SystemTime::UNIX_EPOCH + since + nanos
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::super::{is_doubtful, make};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o7777
    }

    /// A folder within a temporary one.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let temporary = tempfile::tempdir().expect("a folder");
        let path = temporary.path().join("way/folder");
        make(&path).expect("made");
        (temporary, path)
    }

    #[track_caller]
    fn refused<T>(result: io::Result<T>, part: &str) {
        let error = result.err().expect("refused");
        assert!(is_doubtful(&error), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }

    #[test]
    fn files_are_whole_and_private() {
        let (_temporary, path) = folder();
        let folder = Folder::open_by_trusted_way(&path).expect("opened");
        assert!(!folder.is_open_to_others());
        folder.replace("a", &[b"ab", b"c"]).expect("written");
        folder.replace("a", &[b"abcd"]).expect("written again");
        assert!(folder.create("a", &[b"other"]).is_err());
        assert_eq!(folder.read("a", 4).expect("read"), b"abcd");
        assert!(folder.read("a", 3).is_err());
        assert_eq!((mode(&path), mode(&path.join("a"))), (0o700, 0o600));
        let files = folder.files().expect("listed");
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!((&*files[0].name, files[0].size), ("a", 4));
        folder.remove("a").expect("removed");
        assert_eq!(folder.files().expect("listed"), []);
    }

    #[test]
    fn what_others_may_write_to_is_refused() {
        let (_temporary, path) = folder();
        let open = || Folder::open_by_trusted_way(&path);
        open()
            .expect("opened")
            .create("a", &[b"a"])
            .expect("written");
        for loose in [0o666, 0o620, 0o602] {
            set_permissions(path.join("a"), Permissions::from_mode(loose)).expect("set");
            refused(open().expect("opened").read("a", 1), "chmod go-w");
        }
        for loose in [0o777, 0o720, 0o702, 0o1777] {
            set_permissions(&path, Permissions::from_mode(loose)).expect("set");
            refused(open(), "chmod go-w");
        }
        set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
        assert!(open().expect("opened").is_open_to_others());
    }

    #[test]
    fn a_way_that_others_may_change_is_refused() {
        let (temporary, path) = folder();
        let (way, link) = (temporary.path().join("way"), temporary.path().join("link"));
        symlink("way/../way/folder", &link).expect("a link");
        for path in [&path, &link] {
            for (mode, trusted) in [
                (0o777, false),
                (0o1777, true),
                (0o702, false),
                (0o755, true),
            ] {
                set_permissions(&way, Permissions::from_mode(mode)).expect("set");
                match Folder::open_by_trusted_way(path) {
                    Ok(_) => assert!(trusted, "{mode:o}"),
                    Err(error) => {
                        assert!(!trusted && is_doubtful(&error), "{mode:o}: {error}");
                        let shown = error.to_string();
                        assert!(shown.contains(&*way.to_string_lossy()), "{shown}");
                    }
                }
                Folder::open(path).expect("the way does not matter");
            }
        }
        symlink("loop", temporary.path().join("loop")).expect("a link");
        assert!(Folder::open_by_trusted_way(&temporary.path().join("loop")).is_err());
    }

    /// Only root can give files away.
    #[test]
    fn what_belongs_to_another_user_is_refused() {
        if !geteuid().is_root() {
            return;
        }
        let (temporary, path) = folder();
        let give = |path: &Path, user| std::os::unix::fs::lchown(path, Some(user), Some(user));
        let open = || Folder::open_by_trusted_way(&path);
        open()
            .expect("opened")
            .create("a", &[b"a"])
            .expect("written");
        give(&path.join("a"), 12_345).expect("given");
        refused(open().expect("opened").read("a", 1), "uid 12345");
        let way = temporary.path().join("way");
        for other in [&path, &way] {
            give(other, 12_345).expect("given");
            refused(open(), "uid 12345");
            give(other, 0).expect("given back");
        }
        let link = temporary.path().join("link");
        symlink(&path, &link).expect("a link");
        Folder::open_by_trusted_way(&link).expect("opened");
        give(&link, 12_345).expect("given");
        refused(Folder::open_by_trusted_way(&link), "uid 12345");
    }
}
