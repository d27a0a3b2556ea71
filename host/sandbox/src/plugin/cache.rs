//! Compiled plugins on disk, so that a restart compiles nothing twice.
//!
//! In: the digest of a plugin's bytes, and what was compiled from them. Out: the same, for the same
//! digest, engine and processor. What is here becomes machine code of the host, so the folder must be
//! this user's, and writable by nobody else; otherwise nothing is taken from it or put there. A
//! file that is not what was written (its own digest says so) counts as absent.
//! Not here: compiling (`plugin`), what is kept in memory (`control::load`).

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::Digest;
use crate::engine::Engine;

/// Names another folder, or says `off`.
const VARIABLE: &str = "LINEMILL_CACHE";
/// Most that the folder holds, bytes; the oldest goes first.
const MOST: u64 = 256 << 20;
/// Bytes of the digest before the code.
const SEAL: usize = 32;
const SUFFIX: &str = "cwasm";

/// A folder of compiled plugins.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder of this user: `LINEMILL_CACHE`, or else `linemill` in the folder that the system
    /// has for caches. `None` when there is none, it is switched off, or it cannot be trusted; the
    /// log says why.
    pub fn of_user() -> Option<Self> {
        let folder = match std::env::var_os(VARIABLE) {
            Some(path) if path.is_empty() || path == "off" => return None,
            Some(path) => PathBuf::from(path),
            None => usual()?.join("linemill"),
        };
        Self::at(&folder)
            .inspect_err(|error| {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "compiled plugins are not kept on disk; {VARIABLE} names another folder, or `off`");
            })
            .ok()
    }

    /// A cache in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be had, or others may write there.
    pub fn at(folder: &Path) -> io::Result<Self> {
        make(folder)?;
        trust(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// What was compiled from the bytes of this digest, if it is there.
    pub(crate) fn get(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let path = self.path(engine, digest);
        let bytes = fs::read(&path).ok()?;
        let (seal, code) = bytes.split_at_checked(SEAL)?;
        if Sha256::digest(code).as_slice() != seal {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the file is one that this program wrote, in a folder that only this user can \
                      write to, and has not changed since: wasmtime asks for no more"
        )]
        // SAFETY: as the reason says. wasmtime itself refuses code of another version, of other
        // settings or for another processor.
        let component = unsafe { Component::deserialize(engine.wasmtime(), code) };
        // The oldest goes first; failing that, another goes.
        drop(File::open(&path).and_then(|file| file.set_modified(SystemTime::now())));
        component.ok()
    }

    /// Keeps what was compiled. A file that cannot be written is none: the next start compiles.
    pub(crate) fn put(&self, engine: &Engine, digest: Digest, component: &Component) {
        if let Err(error) = self.try_put(engine, digest, component) {
            tracing::debug!(%error, "a compiled plugin is not kept on disk");
        }
    }

    fn try_put(&self, engine: &Engine, digest: Digest, component: &Component) -> io::Result<()> {
        trust(&self.folder)?;
        let code = component.serialize().map_err(io::Error::other)?;
        self.make_room(code.len() as u64)?;
        let path = self.path(engine, digest);
        let unfinished = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = File::create(&unfinished)?;
        let written = file
            .write_all(&Sha256::digest(&code))
            .and_then(|()| file.write_all(&code));
        drop(file);
        // Under its name it is whole, or not there.
        let kept = written.and_then(|()| fs::rename(&unfinished, &path));
        if kept.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        kept
    }

    /// Removes the oldest files until `more` bytes have room.
    fn make_room(&self, more: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let (path, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if data.is_file() {
                files.push((data.modified()?, data.len(), path));
            }
        }
        files.sort();
        let mut all = more + files.iter().map(|(_, size, _)| size).sum::<u64>();
        for (_, size, path) in files {
            if all <= MOST {
                break;
            }
            fs::remove_file(path)?;
            all -= size;
        }
        Ok(())
    }

    fn path(&self, engine: &Engine, digest: Digest) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine
            .wasmtime()
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        let name = format!("{digest}-{:016x}.{SUFFIX}", hasher.finish());
        self.folder.join(name)
    }
}

/// Where the system has caches.
fn usual() -> Option<PathBuf> {
    let of = |name| std::env::var_os(name).filter(|path| !path.is_empty());
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    if cfg!(windows) {
        return of("LOCALAPPDATA").map(PathBuf::from);
    }
    let named = of("XDG_CACHE_HOME").map(PathBuf::from).and_then(absolute);
    named.or_else(|| absolute(PathBuf::from(of("HOME")?).join(".cache")))
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether nobody but this user can have put anything there.
#[cfg(unix)]
fn trust(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let data = fs::symlink_metadata(folder)?;
    let refuse = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !data.is_dir() {
        return refuse("it is no folder");
    }
    if data.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user");
    }
    if data.mode() & 0o022 != 0 {
        return refuse("others may write there");
    }
    Ok(())
}

/// Folders of a user's profile are that user's.
#[cfg(not(unix))]
fn trust(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;
    use crate::plugin;

    struct Kept {
        folder: tempfile::TempDir,
        cache: Cache,
        engine: Engine,
        digest: Digest,
    }

    /// A cache in which a plugin has been put.
    fn kept() -> Kept {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::at(&folder.path().join("a/b")).expect("a cache");
        let engine = Engine::new().expect("an engine");
        let bytes = bundled::component("rot13").expect("bundled");
        let digest = Digest::of(bytes);
        let component = plugin::parse(&engine, bytes).expect("a component");
        assert!(cache.get(&engine, digest).is_none());
        cache.put(&engine, digest, &component);
        Kept {
            folder,
            cache,
            engine,
            digest,
        }
    }

    #[test]
    fn what_was_put_there_is_found() {
        let kept = kept();
        assert!(kept.cache.get(&kept.engine, kept.digest).is_some());
        assert!(kept.cache.get(&kept.engine, Digest::of(b"other")).is_none());
    }

    #[test]
    fn a_file_that_is_not_what_was_written_counts_as_absent() {
        let kept = kept();
        let path = kept.cache.path(&kept.engine, kept.digest);
        let whole = fs::read(&path).expect("read");
        for at in [0, SEAL, whole.len() / 2, whole.len() - 1] {
            let mut other = whole.clone();
            other[at] ^= 1;
            fs::write(&path, &other).expect("written");
            assert!(kept.cache.get(&kept.engine, kept.digest).is_none(), "{at}");
            fs::write(&path, &whole[..at]).expect("written");
            assert!(kept.cache.get(&kept.engine, kept.digest).is_none(), "{at}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let kept = kept();
        let folder = kept.folder.path().join("a/b");
        let mode = |folder: &Path| fs::metadata(folder).expect("there").permissions().mode();
        assert_eq!(mode(&folder) & 0o777, 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("set");
        let refused = Cache::at(&folder).expect_err("refused").to_string();
        assert!(refused.contains("others"), "{refused}");
        let link = kept.folder.path().join("link");
        std::os::unix::fs::symlink(kept.folder.path(), &link).expect("linked");
        assert!(Cache::at(&link).is_err());
    }

    #[test]
    fn the_oldest_make_room() {
        let kept = kept();
        let folder = kept.folder.path().join("a/b");
        let big = File::create(folder.join("old")).expect("created");
        big.set_len(MOST).expect("sparse");
        big.set_modified(SystemTime::UNIX_EPOCH).expect("set");
        kept.cache.make_room(1).expect("room");
        assert!(!folder.join("old").exists());
        assert!(kept.cache.get(&kept.engine, kept.digest).is_some());
    }
}
