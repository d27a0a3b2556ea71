//! The token for verbs of the host's own user, in a file that only this user can read.
//!
//! In: the TCP address that the admin address has. Out: a token, in the file `ADDRESS.token` of the user's
//! runtime folder, until the host ends. A verb reads it there, so that it needs no option.
//!
//! The folder is the first of these that can be used: `admin` in that of systemd's `RuntimeDirectory=`;
//! `linemill` in `XDG_RUNTIME_DIR`; `linemill-UID` in the folder for temporary files. It must belong to the
//! user and be closed to others, and so must the file. Verbs look in all of them, and in that of the unit.
//! Not here: which requests need it (`access`).
//!
//! Unix only: elsewhere there is no file, and payload requires `admin_token`.

use std::net::SocketAddr;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

use linemill_config::settings::Token;

/// The files of one host; removed when the last clone is dropped, or by [`TokenFiles::remove_all`].
#[derive(Debug, Clone, Default)]
pub struct TokenFiles(Arc<Files>);

#[derive(Debug, Default)]
struct Files {
    #[cfg(unix)]
    files: Mutex<Vec<unix::File>>,
}

impl TokenFiles {
    /// The token for verbs that ask at `address`. `None` if its file cannot be made, which is logged.
    pub fn make(&self, address: SocketAddr) -> Option<Token> {
        #[cfg(unix)]
        match unix::File::make(address) {
            Ok((file, token)) => {
                self.lock().push(file);
                Some(Token::new(&token))
            }
            Err(error) => {
                tracing::warn!(%error, "no folder for the token of local verbs: requests for payload need `admin_token`, or a Unix socket");
                None
            }
        }
        #[cfg(not(unix))]
        {
            let _ = address;
            None
        }
    }

    /// Removes the file for `address`.
    pub fn remove(&self, address: SocketAddr) {
        #[cfg(unix)]
        self.lock().retain(|file| file.address() != address);
        #[cfg(not(unix))]
        let _ = address;
    }

    /// Removes all files.
    pub fn remove_all(&self) {
        #[cfg(unix)]
        self.lock().clear();
    }

    #[cfg(unix)]
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<unix::File>> {
        let files = self.0.files.lock();
        files.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens that a verb may show at `address`: one for each folder that has a file for it. A host that
/// was killed leaves its file behind, so more than one may have to be tried.
pub fn known(address: SocketAddr) -> Vec<String> {
    #[cfg(unix)]
    return unix::known(address);
    #[cfg(not(unix))]
    {
        let _ = address;
        Vec::new()
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, OpenOptions};
    use std::io::{self, Read as _, Write as _};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
    use std::path::{Path, PathBuf};

    use rustix::process::geteuid;

    /// Bytes of a token, before they are written in hexadecimal.
    const BYTES: usize = 32;
    /// The folder of a host that runs by the unit in `config/`.
    const OF_UNIT: &str = "/run/linemill/admin";

    /// A file with a token; removed when dropped.
    #[derive(Debug)]
    pub(super) struct File {
        address: SocketAddr,
        path: PathBuf,
        /// Device and number of the file. Another host may have replaced it.
        identity: (u64, u64),
    }

    impl File {
        /// Makes the file in the first folder that can be used. A host that shares the port with another
        /// takes over its token, so that verbs need not know which of them answers.
        pub(super) fn make(address: SocketAddr) -> io::Result<(Self, String)> {
            let mut last = io::Error::from(io::ErrorKind::NotFound);
            for folder in folders() {
                let made = prepare(&folder).and_then(|()| Self::make_in(&folder, address));
                match made {
                    Ok(made) => return Ok(made),
                    Err(error) => {
                        let text = format!("{}: {error}", folder.display());
                        last = io::Error::new(error.kind(), text);
                    }
                }
            }
            Err(last)
        }

        fn make_in(folder: &Path, address: SocketAddr) -> io::Result<(Self, String)> {
            let path = file_in(folder, address);
            let token = read(&path).map_or_else(|_| generate(), Ok)?;
            let unfinished = path.with_extension(format!("{}.new", std::process::id()));
            // Left behind by a host that was killed, with the same process ID.
            drop(fs::remove_file(&unfinished));
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&unfinished)?;
            let kept = file
                .write_all(token.as_bytes())
                .and_then(|()| fs::rename(&unfinished, &path));
            if let Err(error) = kept {
                drop(fs::remove_file(&unfinished));
                return Err(error);
            }
            let made = file.metadata()?;
            let file = Self {
                address,
                path,
                identity: (made.dev(), made.ino()),
            };
            Ok((file, token))
        }

        pub(super) fn address(&self) -> SocketAddr {
            self.address
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let found = fs::symlink_metadata(&self.path);
            if found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
                // Nobody accepts the token any more.
                drop(fs::remove_file(&self.path));
            }
        }
    }

    /// See [`super::known`].
    pub(super) fn known(address: SocketAddr) -> Vec<String> {
        let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let any = any.map(|any| SocketAddr::new(any, address.port()));
        // A host on all addresses is reached by a loopback address, too. Anywhere else, another machine
        // may answer.
        let any = any.iter().filter(|_| address.ip().is_loopback());
        let addresses: Vec<_> = [address].iter().chain(any).copied().collect();
        let mut tokens: Vec<String> = Vec::new();
        for folder in folders().into_iter().chain([PathBuf::from(OF_UNIT)]) {
            if trust(&folder).is_err() {
                continue;
            }
            for address in &addresses {
                tokens.extend(read(&file_in(&folder, *address)));
            }
        }
        tokens.dedup();
        tokens
    }

    fn file_in(folder: &Path, address: SocketAddr) -> PathBuf {
        folder.join(format!("{address}.token"))
    }

    /// The folders that may be used, in order.
    fn folders() -> Vec<PathBuf> {
        let absolute = |path: PathBuf| path.is_absolute().then_some(path);
        let of = |name| std::env::var_os(name).map(PathBuf::from).and_then(absolute);
        // systemd separates several by colons.
        let of_systemd = std::env::var("RUNTIME_DIRECTORY").ok();
        // The folder itself may be open to clients of Unix sockets.
        let of_systemd = of_systemd
            .and_then(|paths| paths.split(':').next().map(PathBuf::from))
            .and_then(absolute)
            .map(|folder| folder.join("admin"));
        let of_session = of("XDG_RUNTIME_DIR").map(|folder| folder.join("linemill"));
        let user = geteuid().as_raw();
        let temporary = std::env::temp_dir().join(format!("linemill-{user}"));
        of_systemd
            .into_iter()
            .chain(of_session)
            .chain([temporary])
            .collect()
    }

    /// Creates the folder if it does not exist, and checks it.
    fn prepare(folder: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => trust(folder),
        }
    }

    /// Fails unless the folder is closed to all but its owner, and that is this user. Root may read those
    /// of others.
    fn trust(folder: &Path) -> io::Result<()> {
        let data = fs::symlink_metadata(folder)?;
        if !data.is_dir() {
            return refuse("it is not a folder");
        }
        is_private(&data)
    }

    /// The token in a file that only this user can read.
    fn read(path: &Path) -> io::Result<String> {
        let found = fs::symlink_metadata(path)?;
        if !found.is_file() {
            return refuse("it is not a regular file");
        }
        let file = fs::File::open(path)?;
        let data = file.metadata()?;
        if (data.dev(), data.ino()) != (found.dev(), found.ino()) {
            return refuse("it is being replaced");
        }
        is_private(&data)?;
        let mut token = String::new();
        file.take(2 * BYTES as u64 + 1).read_to_string(&mut token)?;
        let is_token =
            token.len() == 2 * BYTES && token.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_token {
            Ok(token)
        } else {
            refuse("it is not a token")
        }
    }

    fn is_private(data: &fs::Metadata) -> io::Result<()> {
        let user = geteuid().as_raw();
        if data.uid() != user && user != 0 {
            return refuse("it belongs to another user");
        }
        if data.mode() & 0o077 != 0 {
            return refuse("others have access to it");
        }
        Ok(())
    }

    fn refuse<T>(why: &str) -> io::Result<T> {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }

    fn generate() -> io::Result<String> {
        let mut bytes = [0; BYTES];
        let source = rustls::crypto::ring::default_provider().secure_random;
        source
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("the system has no random bytes"))?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::PermissionsExt as _;

        use super::*;

        fn address() -> SocketAddr {
            "127.0.0.1:9713".parse().expect("an address")
        }

        fn folder(mode: u32) -> tempfile::TempDir {
            let folder = tempfile::tempdir().expect("a folder");
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(folder.path(), mode).expect("a mode");
            folder
        }

        #[test]
        fn the_file_is_private_and_removed() {
            let folder = folder(0o700);
            let (file, token) = File::make_in(folder.path(), address()).expect("a file");
            assert_eq!(token.len(), 64);
            let mode = fs::metadata(&file.path).expect("a file").mode();
            assert_eq!(mode & 0o777, 0o600);
            assert_eq!(read(&file.path).expect("a token"), token);
            let path = file.path.clone();
            drop(file);
            assert!(!path.exists());
        }

        #[test]
        fn two_hosts_at_one_address_share_a_token() {
            let folder = folder(0o700);
            let (first, token) = File::make_in(folder.path(), address()).expect("a file");
            let (second, same) = File::make_in(folder.path(), address()).expect("a file");
            assert_eq!(token, same);
            drop(first);
            assert_eq!(read(&second.path).expect("a token"), token);
        }

        #[test]
        fn what_others_can_reach_is_not_trusted() {
            for mode in [0o755, 0o770, 0o701] {
                assert!(trust(folder(mode).path()).is_err(), "{mode:o}");
            }
            let folder = folder(0o700);
            trust(folder.path()).expect("private");
            let (file, _) = File::make_in(folder.path(), address()).expect("a file");
            let open = fs::Permissions::from_mode(0o640);
            fs::set_permissions(&file.path, open).expect("a mode");
            assert!(read(&file.path).is_err());
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&file.path, &link).expect("a link");
            assert!(read(&link).is_err());
        }
    }
}
