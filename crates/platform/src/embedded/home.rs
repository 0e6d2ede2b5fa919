//! The directory of the private servers: its location, its permissions, and its current holder.
use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{User, geteuid};

use super::binaries::Places;
use crate::settings;

/// For data directories that the servers' user cannot enter.
const FALLBACK: &str = "/var/lib/loadmaster";
/// Longest socket path that every system accepts, without the terminating NUL.
const SOCKET_PATH_LIMIT: usize = 103;
const LONGEST_SOCKET_NAME: &str = "/.s.PGSQL.5432.lock";

/// The user of the servers when this process runs as root.
pub struct Owner(User);

impl Owner {
    /// Returns `None` unless this process is root: then the servers run as the same user. Postgres refuses to run as
    /// root.
    fn find(settings: &settings::Embedded) -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let name = &settings.postgres_user;
        let Some(user) = User::from_name(name)? else {
            // Without PostgreSQL its user is missing too: report the cause.
            Places::of_this_machine().find(settings.postgres_bin.as_deref(), None)?;
            bail!(
                "PostgreSQL refuses to run as root, and the user {name:?} to run it as does not exist: \
                   set embedded.postgres_user or DATABASE_URL, or do not run as root"
            );
        };
        ensure!(!user.uid.is_root(), "embedded.postgres_user must not be root: PostgreSQL refuses to run as root");
        Ok(Some(Self(user)))
    }

    pub fn uid(&self) -> u32 {
        self.0.uid.as_raw()
    }

    pub fn gid(&self) -> u32 {
        self.0.gid.as_raw()
    }

    fn may_enter(&self, meta: &fs::Metadata) -> bool {
        let bit = if meta.uid() == self.uid() {
            0o100
        } else if meta.gid() == self.gid() {
            0o010
        } else {
            0o001
        };
        meta.mode() & bit != 0
    }

    /// Returns the outermost existing directory on the way to `dir` that this user may not enter.
    fn barred_from(&self, dir: &Path) -> Result<Option<PathBuf>> {
        let Some(existing) = dir.ancestors().find(|dir| dir.exists()) else { return Ok(None) };
        let mut way: Vec<PathBuf> = existing.canonicalize()?.ancestors().map(Path::to_owned).collect();
        way.reverse();
        for dir in way {
            if !self.may_enter(&fs::metadata(&dir)?) {
                return Ok(Some(dir));
            }
        }
        Ok(None)
    }
}

pub struct Home {
    root: PathBuf,
    owner: Option<Owner>,
}

/// Held for as long as this process owns the servers.
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Home {
    /// Determines the directory's location and creates it.
    pub fn open(settings: &settings::Embedded) -> Result<Self> {
        let owner = Owner::find(settings)?;
        let wanted = std::path::absolute(&settings.data_dir)?;
        let root = match &owner {
            Some(owner) => place(&wanted, owner, Path::new(FALLBACK))?,
            None => wanted,
        };
        // As root this process keeps the directory, and the servers' user only passes through it to its own.
        make_dir(&root, if owner.is_some() { 0o711 } else { 0o700 }, None)?;
        let root = root.canonicalize()?;
        if let Some(owner) = &owner
            && let Some(barred) = owner.barred_from(&root)?
        {
            bail!("the user {:?} may not enter {}: choose another embedded.data_dir", owner.0.name, barred.display());
        }
        Ok(Self { root, owner })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    pub fn postgres_dir(&self) -> PathBuf {
        self.root.join("pg")
    }

    pub fn redis_dir(&self) -> PathBuf {
        self.root.join("redis")
    }

    /// Creates a directory that only the servers' user can enter.
    pub fn make_private(&self, dir: &Path) -> Result<()> {
        make_dir(dir, 0o700, self.owner())
    }

    /// Locks the directory, or returns a text that names the holder.
    pub fn try_lock(&self) -> Result<Result<Lock, String>> {
        let path = self.root.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false) // it may name another holder
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Ok(Lock(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid)?;
                Ok(Err(if pid.is_empty() { "pid unknown".into() } else { format!("pid {pid}") }))
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Creates the socket directory of `base`; in `/tmp` another user may have created something of that name.
    pub fn make_socket_dir(&self, base: &Path) -> Result<PathBuf> {
        let dir = socket_dir(base)?;
        if dir.symlink_metadata().is_err() {
            self.make_private(&dir)?;
        }
        let meta = dir.symlink_metadata()?;
        let right = self.owner().map_or(geteuid().as_raw(), Owner::uid);
        let private = meta.is_dir() && meta.uid() == right && meta.mode().trailing_zeros() >= 6;
        ensure!(private, "{} must be a directory that only the servers' user can enter", dir.display());
        Ok(dir)
    }
}

/// Returns the directory of the sockets of the server in `base`: beside its data if the path is short enough for a
/// socket.
pub fn socket_dir(base: &Path) -> Result<PathBuf> {
    let beside = base.join("run");
    if beside.to_str().is_some_and(|path| path.len() + LONGEST_SOCKET_NAME.len() <= SOCKET_PATH_LIMIT) {
        return Ok(beside);
    }
    // A short name, always the same for this directory.
    let meta = fs::metadata(base)?;
    Ok(PathBuf::from(format!("/tmp/loadmaster-{:x}-{:x}", meta.dev(), meta.ino())))
}

/// Returns `wanted`, or a private directory below `fallback` if `owner` cannot enter `wanted` (as below /root, which is
/// 0700).
fn place(wanted: &Path, owner: &Owner, fallback: &Path) -> Result<PathBuf> {
    let Some(barred) = owner.barred_from(wanted)? else { return Ok(wanted.to_owned()) };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, wanted.as_os_str().as_encoded_bytes());
    let name = digest.as_ref().iter().take(8).fold(0u64, |name, byte| name << 8 | u64::from(*byte));
    let place = fallback.join(format!("{name:016x}"));
    tracing::info!(
        wanted = %wanted.display(), barred = %barred.display(), used = %place.display(), user = owner.0.name,
        "the user of the private servers cannot enter the data directory; another directory is used"
    );
    Ok(place)
}

/// Creates the missing directories on the way to `dir` with the given mode, whatever the umask.
fn make_dir(dir: &Path, mode: u32, owner: Option<&Owner>) -> Result<()> {
    if let Some(parent) = dir.parent()
        && !parent.exists()
    {
        make_dir(parent, 0o755, None)?;
    }
    if !dir.exists() {
        match fs::DirBuilder::new().mode(mode).create(dir) {
            // Another process created it first.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            created => {
                created.with_context(|| format!("cannot create {}", dir.display()))?;
                fs::set_permissions(dir, fs::Permissions::from_mode(mode))?;
            }
        }
    }
    if let Some(owner) = owner {
        // Not through a symbolic link, which the servers' user could have created there.
        lchown(dir, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> Option<Owner> {
        geteuid().is_root().then(|| Owner(User::from_name("nobody").unwrap().unwrap()))
    }

    fn directory(mode: u32) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        dir
    }

    #[test]
    fn directory_that_the_user_can_reach_is_kept() {
        let Some(owner) = nobody() else { return };
        let dir = directory(0o711);
        let wanted = dir.path().join("a/.loadmaster");
        assert_eq!(place(&wanted, &owner, Path::new("/fallback")).unwrap(), wanted);
    }

    #[test]
    fn directory_out_of_reach_is_replaced_by_one_that_stays_the_same() {
        let Some(owner) = nobody() else { return };
        let dir = directory(0o700);
        let place = |name: &str| place(&dir.path().join(name), &owner, Path::new("/fallback")).unwrap();
        assert_eq!(place("a").parent(), Some(Path::new("/fallback")));
        assert_eq!(place("a"), place("a"));
        assert_ne!(place("a"), place("b"));
    }

    #[test]
    fn path_too_long_for_a_socket_is_replaced_by_a_short_one() {
        let dir = directory(0o700);
        let root = dir.path().join("x".repeat(120));
        fs::create_dir(&root).unwrap();
        let short = socket_dir(&root).unwrap();
        assert!(short.starts_with("/tmp") && short.as_os_str().len() < 60, "{}", short.display());
        assert_eq!(socket_dir(&root).unwrap(), short);
        assert_eq!(socket_dir(Path::new("/short")).unwrap(), Path::new("/short/run"));
    }

    #[test]
    fn socket_directory_that_others_can_enter_is_refused() {
        let dir = directory(0o700);
        fs::create_dir(dir.path().join("run")).unwrap();
        fs::set_permissions(dir.path().join("run"), fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home { root: dir.path().to_owned(), owner: None };
        let error = home.make_socket_dir(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("must be a directory that only the servers' user can enter"), "{error}");
    }

    #[test]
    fn held_lock_names_its_holder() {
        let dir = directory(0o700);
        let home = Home { root: dir.path().to_owned(), owner: None };
        let lock = home.try_lock().unwrap().ok();
        assert!(lock.is_some());
        assert_eq!(home.try_lock().unwrap().err(), Some(format!("pid {}", std::process::id())));
        drop(lock);
        assert!(home.try_lock().unwrap().is_ok());
    }
}
