//! A separate file system that can be filled in a moment: a tmpfs whose limit changes. Only on Linux, and only with the
//! right to mount.
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::home::{Home, Owner};

/// The limit while there is space, in mebibytes. Only stored data uses memory.
const LARGE_MIB: u64 = 4096;

/// A mounted file system; unmounted when dropped. It stays mounted when the process is killed (`umount` it by hand).
pub(super) struct Volume {
    path: PathBuf,
}

impl Volume {
    /// Mounts over an empty directory of the servers' user.
    pub fn mount(path: &Path, home: &Home) -> Result<Self> {
        home.make_private(path)?;
        let owner = home.owner().map_or_else(String::new, |owner: &Owner| format!(",uid={}", owner.uid()));
        system::mount(path, &format!("size={LARGE_MIB}m,mode=0700{owner}"), false)?;
        let this = Self { path: path.to_owned() };
        // Gives it to the user's group as well.
        home.make_private(path)?;
        Ok(this)
    }

    /// Lowers the limit to the current use: a write that needs another page gets ENOSPC.
    pub fn fill(&self) -> Result<()> {
        // A concurrent write makes the limit too small, which is refused.
        for _ in 0..100 {
            let used = system::used_bytes(&self.path)?;
            if system::mount(&self.path, &format!("size={used}"), true).is_ok() {
                return Ok(());
            }
        }
        anyhow::bail!("{} cannot be filled", self.path.display())
    }

    pub fn free(&self) -> Result<()> {
        system::mount(&self.path, &format!("size={LARGE_MIB}m"), true)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        system::unmount(&self.path);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::path::Path;

    use anyhow::{Context, Result};
    use nix::{
        mount::{MntFlags, MsFlags, mount as mount_at, umount2},
        sys::statvfs::statvfs,
    };

    pub fn mount(path: &Path, options: &str, again: bool) -> Result<()> {
        let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        flags.set(MsFlags::MS_REMOUNT, again);
        mount_at(Some("loadmaster"), path, Some("tmpfs"), flags, Some(options))
            .with_context(|| format!("cannot mount {} ({options})", path.display()))
    }

    pub fn used_bytes(path: &Path) -> Result<u64> {
        let room = statvfs(path)?;
        Ok(room.blocks().saturating_sub(room.blocks_free()).max(1) * room.fragment_size())
    }

    pub fn unmount(path: &Path) {
        // Also while killed processes are still ending in there.
        _ = umount2(path, MntFlags::MNT_DETACH);
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;

    use anyhow::{Result, bail};

    pub fn mount(_: &Path, _: &str, _: bool) -> Result<()> {
        bail!("this system has no tmpfs")
    }

    pub fn used_bytes(_: &Path) -> Result<u64> {
        bail!("this system has no tmpfs")
    }

    pub fn unmount(_: &Path) {}
}
