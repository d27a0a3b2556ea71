//! The cache of compiled plugins on disk, so that a restart compiles nothing again.
//!
//! In: the digest of a plugin's bytes, and the component compiled from them. Out: that component, for
//! the same digest, engine and processor. Cached files run as native code of the host, so a folder
//! that belongs to another user, or that others can write to, is neither read nor written. Each file
//! begins with a digest of its content; a file that does not match it counts as absent.
//! Not here: compiling (`compiler`), which plugins are kept in memory (`loader`).

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::Digest;
use crate::engine::Engine;

/// The environment variable that names another folder, or is `off`.
const VARIABLE: &str = "LINEMILL_CACHE";
/// Bytes that the folder may hold; the files used least recently are removed first.
const MAX_BYTES: u64 = 256 << 20;
/// Bytes of the digest at the beginning of a file.
const SEAL: usize = 32;
const SUFFIX: &str = "cwasm";

/// A folder of compiled plugins.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache of this user: the folder in `LINEMILL_CACHE`, or else `linemill` in the system's
    /// folder for caches. `None` if the cache is switched off, the system has no such folder, or the
    /// folder cannot be used; the last of these is logged.
    pub fn of_user() -> Option<Self> {
        let folder = match std::env::var_os(VARIABLE) {
            Some(path) if path.is_empty() || path == "off" => return None,
            Some(path) => PathBuf::from(path),
            None => system_folder()?.join("linemill"),
        };
        Self::at(&folder)
            .inspect_err(|error| {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "compiled plugins are not kept on disk; {VARIABLE} names another folder, or `off`");
            })
            .ok()
    }

    /// A cache in `folder`. Creates the folder if it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be created, belongs to another user, or is writable by others.
    pub fn at(folder: &Path) -> io::Result<Self> {
        make(folder)?;
        trust(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The component compiled from the bytes with this digest, if it is in the cache.
    pub(crate) fn get(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let path = self.path(engine, digest);
        let bytes = fs::read(&path).ok()?;
        let (seal, code) = bytes.split_at_checked(SEAL)?;
        if Sha256::digest(code).as_slice() != seal {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "`deserialize` requires bytes that wasmtime serialized and nobody altered"
        )]
        // SAFETY: linemill wrote the file, in a folder that only this user can write to, and the
        // digest shows that it has not changed. wasmtime itself refuses code of another version, of
        // other settings or for another processor.
        let component = unsafe { Component::deserialize(engine.wasmtime(), code) };
        // Marks the file as recently used. If that fails, it is removed earlier than necessary.
        drop(File::open(&path).and_then(|file| file.set_modified(SystemTime::now())));
        component.ok()
    }

    /// Keeps a compiled component. If the file cannot be written, the next start compiles again.
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
        // Renaming is atomic, so a file with the final name is always complete.
        let kept = written.and_then(|()| fs::rename(&unfinished, &path));
        if kept.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        kept
    }

    /// Removes the files used least recently until `more` bytes fit.
    fn make_room(&self, more: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let (path, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if data.is_file() {
                files.push((data.modified()?, data.len(), path));
            }
        }
        files.sort();
        let mut total = more + files.iter().map(|(_, size, _)| size).sum::<u64>();
        for (_, size, path) in files {
            if total <= MAX_BYTES {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
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

/// The system's folder for caches: `LOCALAPPDATA` on Windows; elsewhere `XDG_CACHE_HOME`, or else
/// `.cache` in the home folder (XDG Base Directory Specification).
fn system_folder() -> Option<PathBuf> {
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

/// Fails unless this user owns the folder and nobody else can write to it.
#[cfg(unix)]
fn trust(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let data = fs::symlink_metadata(folder)?;
    let refuse = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !data.is_dir() {
        return refuse("it is not a folder");
    }
    if data.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user");
    }
    if data.mode() & 0o022 != 0 {
        return refuse("others may write to it");
    }
    Ok(())
}

/// Trusts the folder: outside Unix it is in the user's profile, which other users cannot write to.
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

    /// A cache that holds one plugin.
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
    fn a_cached_plugin_is_found() {
        let kept = kept();
        assert!(kept.cache.get(&kept.engine, kept.digest).is_some());
        assert!(kept.cache.get(&kept.engine, Digest::of(b"other")).is_none());
    }

    #[test]
    fn an_altered_file_counts_as_absent() {
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
    fn the_oldest_files_are_removed_first() {
        let kept = kept();
        let folder = kept.folder.path().join("a/b");
        let big = File::create(folder.join("old")).expect("created");
        big.set_len(MAX_BYTES).expect("sparse");
        big.set_modified(SystemTime::UNIX_EPOCH).expect("set");
        kept.cache.make_room(1).expect("room");
        assert!(!folder.join("old").exists());
        assert!(kept.cache.get(&kept.engine, kept.digest).is_some());
    }
}
