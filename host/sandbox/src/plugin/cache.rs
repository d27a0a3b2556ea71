//! The cache of compiled plugins on disk, so that a restart compiles nothing again.
//!
//! In: the digest of a plugin's bytes, and the component compiled from them. Out: that component, for
//! the same digest, engine and processor. Cached files run as native code of the host, so what others
//! may have changed is not used: folder and file are checked at each access (`private_folder`). Each
//! file begins with a digest of its content; a file that does not match it counts as absent.
//! Not here: compiling (`compiler`), which plugins are kept in memory (`loader`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::Digest;
use crate::engine::Engine;
use crate::private_folder::{self, Folder, is_doubtful};
use linemill_config::Files;

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
                tracing::warn!(%folder, %error, "compiled plugins are neither taken from disk nor kept there; {VARIABLE} names another folder, or `off`");
            })
            .ok()
    }

    /// A cache in `folder`. Creates the folder if it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be created, or others may have changed it or the way to it.
    pub fn at(folder: &Path) -> io::Result<Self> {
        private_folder::make(folder)?;
        Folder::open_by_trusted_way(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The component compiled from the bytes with this digest, if it is in the cache.
    pub(crate) fn get(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let name = Self::name(engine, digest);
        let cache = self.clone();
        let bytes = self
            .ask(move || cache.open()?.read(&name, MAX_BYTES))
            .inspect_err(|error| {
                if is_doubtful(error) || error.kind() == io::ErrorKind::TimedOut {
                    tracing::warn!(%error, "a compiled plugin is not taken from disk");
                }
            })
            .ok()?;
        let (seal, code) = bytes.split_at_checked(SEAL)?;
        if Sha256::digest(code).as_slice() != seal {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "`deserialize` requires bytes that wasmtime serialized and nobody altered"
        )]
        // SAFETY: linemill wrote the file. Its owner and mode, and those of its folder, show that only
        // this user or root can have changed it, and the digest shows that nothing did. wasmtime itself
        // refuses code of another version, of other settings or for another processor.
        let component = unsafe { Component::deserialize(engine.wasmtime(), code) };
        component.ok()
    }

    /// Keeps a compiled component. If the file cannot be written, the next start compiles again.
    pub(crate) fn put(&self, engine: &Engine, digest: Digest, component: &Component) {
        if let Err(error) = self.try_put(engine, digest, component) {
            tracing::debug!(%error, "a compiled plugin is not kept on disk");
        }
    }

    fn try_put(&self, engine: &Engine, digest: Digest, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let (cache, name) = (self.clone(), Self::name(engine, digest));
        self.ask(move || {
            let folder = cache.open()?;
            make_room(&folder, code.len() as u64)?;
            folder.replace(&name, &[&Sha256::digest(&code), &code])
        })
    }

    /// Accesses the folder, but waits for its file system only as long as for other files of a load.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let done = Files::default().ask(&self.folder, work);
        done.unwrap_or_else(|no_answer| Err(io::Error::new(io::ErrorKind::TimedOut, no_answer)))
    }

    fn open(&self) -> io::Result<Folder> {
        Folder::open_by_trusted_way(&self.folder)
    }

    /// The name of the file for a component.
    fn name(engine: &Engine, digest: Digest) -> String {
        let mut hasher = DefaultHasher::new();
        engine
            .wasmtime()
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        format!("{digest}-{:016x}.{SUFFIX}", hasher.finish())
    }
}

/// Removes the files used least recently until `more` bytes fit.
fn make_room(folder: &Folder, more: u64) -> io::Result<()> {
    let mut files = folder.files()?;
    files.sort();
    let mut total = more + files.iter().map(|file| file.size).sum::<u64>();
    for file in files {
        if total <= MAX_BYTES {
            break;
        }
        folder.remove(&file.name)?;
        total -= file.size;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::SystemTime;

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
        let name = Cache::name(&kept.engine, kept.digest);
        let path = kept.cache.folder.join(name);
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
    fn what_others_may_have_changed_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let kept = kept();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        };
        let found = || kept.cache.get(&kept.engine, kept.digest).is_some();
        let folder = kept.folder.path().join("a/b");
        let file = folder.join(Cache::name(&kept.engine, kept.digest));
        let way = kept.folder.path().join("a");
        for (path, closed) in [(&file, 0o600), (&folder, 0o700), (&way, 0o700)] {
            let mode = fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(mode & 0o7777, closed);
            set(path, 0o777);
            assert!(!found(), "{}", path.display());
            set(path, closed);
            assert!(found(), "{}", path.display());
        }
        set(&folder, 0o777);
        let refused = Cache::at(&folder).expect_err("refused").to_string();
        assert!(refused.contains("chmod go-w"), "{refused}");
        // Nor is it written to.
        fs::remove_file(&file).expect("removed");
        let bytes = bundled::component("rot13").expect("bundled");
        let component = plugin::parse(&kept.engine, bytes).expect("a component");
        kept.cache.put(&kept.engine, kept.digest, &component);
        assert!(!file.exists());
    }

    #[test]
    fn the_oldest_files_are_removed_first() {
        let kept = kept();
        let folder = kept.folder.path().join("a/b");
        let big = File::create(folder.join("old")).expect("created");
        big.set_len(MAX_BYTES).expect("sparse");
        big.set_modified(SystemTime::UNIX_EPOCH).expect("set");
        make_room(&kept.cache.open().expect("opened"), 1).expect("room");
        assert!(!folder.join("old").exists());
        assert!(kept.cache.get(&kept.engine, kept.digest).is_some());
    }
}
