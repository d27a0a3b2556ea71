//! Folders that nobody but the host's user may change: of compiled plugins, and of trap capsules.
//!
//! In: the path of a folder. Out: [`Folder`], opened, whose owner and mode have been checked through
//! its descriptor. Files in it are reached by that descriptor, and are private, whatever the umask.
//! Not here: what the files hold, and how many there may be.
//!
//! Trusted owners are the process's effective user and root. What they own, and others may not write
//! to, only they can have changed. Where the way to a folder matters, the same holds for each folder on
//! it, and for each symbolic link: others must not be able to put another folder in its place.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fmt, io};

#[cfg(not(unix))]
pub(crate) use other::Folder;
#[cfg(unix)]
pub(crate) use unix::Folder;

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// When it was used last.
    pub(crate) modified: SystemTime,
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Who may change a file or folder, and who wants to rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    owner: u32,
    group: u32,
    /// Permissions, with the sticky bit.
    mode: u32,
    /// The effective user and group of this process.
    user: u32,
    user_group: u32,
}

/// What is relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The folder itself, or a file in it.
    Own,
    /// A folder on the way to it.
    Way,
    /// A symbolic link on the way to it. It has no mode.
    Link,
}

/// Why something is not relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Foreign,
    Writable,
}

/// A file or folder that others may have changed. Displays with the way to mend that.
#[derive(Debug)]
struct Doubtful {
    path: PathBuf,
    part: Part,
    doubt: Doubt,
    owner: u32,
}

const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
/// In a folder with this bit, only the owners of entries may rename or remove them.
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

impl Standing {
    /// Whether somebody else may have changed this.
    fn doubt(&self, part: Part) -> Option<Doubt> {
        if ![self.user, ROOT].contains(&self.owner) {
            return Some(Doubt::Foreign);
        }
        // By convention, a group with the number of its user has no other members. Where such groups
        // exist, folders are writable to them.
        let own_group = self.group == self.user_group && self.group == self.user;
        let safe = match part {
            Part::Link => true,
            Part::Own => self.mode & (OTHERS_WRITE | GROUP_WRITES) == 0,
            Part::Way => {
                self.mode & STICKY != 0
                    || self.mode & OTHERS_WRITE == 0 && (self.mode & GROUP_WRITES == 0 || own_group)
            }
        };
        (!safe).then_some(Doubt::Writable)
    }
}

impl fmt::Display for Doubtful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, owner) = (self.path.display(), self.owner);
        match (self.doubt, self.part) {
            (Doubt::Foreign, _) => write!(
                f,
                "{path} belongs to another user (uid {owner}); `chown` it to linemill's user, or name another folder"
            ),
            (Doubt::Writable, Part::Own) => {
                write!(
                    f,
                    "others may write to {path}; close it with `chmod go-w {path}`"
                )
            }
            (Doubt::Writable, _) => write!(
                f,
                "others may replace what is in {path}; close it with `chmod go-w {path}`, or name another folder"
            ),
        }
    }
}

impl std::error::Error for Doubtful {}

impl From<Doubtful> for io::Error {
    fn from(doubtful: Doubtful) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, doubtful)
    }
}

/// Whether an error says that others may have changed a file or folder.
pub(crate) fn is_doubtful(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Doubtful>())
}

/// Creates the folder at `path`, and the folders on the way to it, closed to others, whatever the umask;
/// or does nothing if there is one.
///
/// # Errors
/// When it cannot be created, or `path` leads to something else.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let way = path.parent().filter(|way| *way != Path::new(""));
    way.map_or(Ok(()), make)?;
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Somebody else has created it in the meantime.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created.and_then(|()| open_to_owner(path)),
    }
}

/// Gives the owner of a new folder what the umask has withheld.
#[cfg(unix)]
fn open_to_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn open_to_owner(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a process of `user` in `group` may write to something, as the kernel decides.
    fn may_write(standing: &Standing, user: u32, group: u32) -> bool {
        let bit = if user == standing.owner {
            0o200
        } else if group == standing.group {
            0o020
        } else {
            0o002
        };
        user == ROOT || standing.mode & bit != 0
    }

    fn standing() -> impl Strategy<Value = Standing> {
        (0_u32..4, 0_u32..4, 0_u32..0o2000, 0_u32..4, 0_u32..4).prop_map(
            |(owner, group, mode, user, user_group)| Standing {
                owner,
                group,
                mode,
                user,
                user_group,
            },
        )
    }

    proptest! {
        /// Nobody but the user and root can have written to what is relied on, or have changed its mode.
        #[test]
        fn others_cannot_have_changed_what_is_relied_on(
            standing in standing(),
            other in 0_u32..4,
            group in 0_u32..4,
        ) {
            prop_assume!(other != standing.user && other != ROOT);
            if standing.doubt(Part::Own).is_none() {
                prop_assert!(other != standing.owner);
                prop_assert!(!may_write(&standing, other, group));
            }
            if standing.doubt(Part::Way).is_none() {
                prop_assert!(other != standing.owner);
                let private = group == standing.group && group == standing.user;
                let sticky = standing.mode & STICKY != 0;
                prop_assert!(sticky || private || !may_write(&standing, other, group));
            }
            if standing.doubt(Part::Link).is_none() {
                prop_assert!(other != standing.owner);
            }
        }

        /// What the user owns and closes to others is relied on, and so is the way through it.
        #[test]
        fn what_is_closed_is_relied_on(standing in standing()) {
            let closed = Standing {
                owner: standing.user,
                mode: standing.mode & !(OTHERS_WRITE | GROUP_WRITES),
                ..standing
            };
            for part in [Part::Own, Part::Way, Part::Link] {
                prop_assert_eq!(closed.doubt(part), None);
            }
        }
    }
}
