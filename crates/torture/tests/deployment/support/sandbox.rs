use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU8, AtomicU16, Ordering},
};

use tempfile::TempDir;

/// Ports below the range from which the system gives ports away.
const FIRST_PORT: u16 = 20_000;
/// Lines of each log that a failed test shows.
const SHOWN: usize = 40;

/// A directory and a loopback address of one test's own. Declare it before the servers: it is dropped after them.
pub struct Sandbox {
    directory: TempDir,
    pub host: String,
    ports: AtomicU16,
}

impl Sandbox {
    pub fn create() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        // In /tmp: a socket's path has at most 107 bytes.
        let directory = tempfile::Builder::new().prefix("lm-").tempdir_in("/tmp").unwrap();
        // PostgreSQL's user must be able to pass through.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let process = std::process::id();
        let host =
            format!("127.{}.{}.{}", 1 + (process >> 8) % 254, process % 256, NEXT.fetch_add(1, Ordering::Relaxed));
        Self { directory, host, ports: AtomicU16::new(FIRST_PORT) }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A port of this test's address that nobody else uses.
    pub fn port(&self) -> u16 {
        self.ports.fetch_add(1, Ordering::Relaxed)
    }

    /// A directory that belongs to the user that runs PostgreSQL.
    pub fn directory(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        super::daemon::give_to_postgres(&path);
        path
    }

    /// A file that the user that runs PostgreSQL may read.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Where a server logs; shown when the test fails.
    pub fn log(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.path().join(format!("{name}.log"))).unwrap()
    }

    fn show_logs(&self) {
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let lines: Vec<_> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
                eprintln!("--- the end of {} ---\n{last}", path.display());
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_logs();
        }
    }
}
