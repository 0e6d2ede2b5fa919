//! A private Postgres: installed programs, private directory, UNIX socket only, no TCP. `fsync` stays on.
use std::{
    fs::{self, File, Permissions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::{
    fcntl::OFlag,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use super::{
    START_WITHIN,
    binaries::Places,
    home::Home,
    process::{began, children, command, has_argument, is_alive},
};

/// The name of the superuser and of the database.
const OWNER: &str = "loadmaster";
const APP: &str = "loadmaster_app";
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// Longest time that the orphans of a killed postmaster keep its shared memory.
const ORPHANS_WITHIN: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(2);
/// "loadmaste" in ASCII, an arbitrary number.
const BOOTSTRAP_LOCK: i64 = 0x6c6f_6164_6d61_7374;

/// A running server. Dropping it without [`PrivatePostgres::stop`] still ends it.
pub struct PrivatePostgres {
    postmaster: Postmaster,
    socket_dir: PathBuf,
}

impl PrivatePostgres {
    /// Starts it (creating the cluster on first use), or adopts the server of a crashed run. The caller holds the lock
    /// on `home`.
    pub(super) async fn start(home: &Home, configured: Option<&Path>, options: &[String]) -> Result<Self> {
        let base = home.postgres_dir();
        home.make_private(&base)?;
        let socket_dir = home.make_socket_dir(&base)?;
        let log = home.root().join("postgres.log");
        let cluster = Cluster { home, data: base.join("data"), base, log, options };
        if let Some(pid) = living_postmaster(&cluster.data) {
            tracing::warn!(%pid, "adopting the PostgreSQL server that a crashed run left behind");
            let postmaster = Postmaster { pid, life: Life::Adopted { began: began(pid) } };
            let left = Self { postmaster, socket_dir };
            let logged = cluster.logged();
            match left.ready().await {
                Ok(()) => return Ok(left),
                // It was shutting down: start a new one.
                Err(_) if !left.postmaster.is_alive() => return Self::begin(&cluster, configured).await,
                Err(error) => return Err(cluster.did_not_start(&error, logged)),
            }
        }
        Self::begin(&cluster, configured).await
    }

    async fn begin(cluster: &Cluster<'_>, configured: Option<&Path>) -> Result<Self> {
        let version = fs::read_to_string(cluster.data.join("PG_VERSION")).ok();
        let bin = Places::of_this_machine().find(configured, version.as_deref())?;
        if version.is_none() {
            cluster.init(&bin).await?;
        }
        let socket_dir = cluster.home.make_socket_dir(&cluster.base)?;
        let began = Instant::now();
        loop {
            let mut unclean = false;
            for file in [cluster.data.join("postmaster.pid"), socket_dir.join(".s.PGSQL.5432.lock")] {
                unclean |= take_over_stale_lock(&file)?;
            }
            let logged = cluster.logged();
            let this = Self { postmaster: cluster.spawn(&bin, &socket_dir)?, socket_dir: socket_dir.clone() };
            match this.ready().await {
                Ok(()) => return Ok(this),
                // The back ends of a killed postmaster survive briefly, and the new one refuses to join them.
                Err(_) if unclean && !this.postmaster.is_alive() && began.elapsed() < ORPHANS_WITHIN => {
                    sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(cluster.did_not_start(&error, logged)),
            }
        }
    }

    /// Returns the URL of the role that owns the schema.
    pub fn owner_url(&self) -> String {
        urls(&self.socket_dir).0
    }

    /// Returns the URL of the role that serves: no superuser, owner of nothing.
    pub fn app_url(&self) -> String {
        urls(&self.socket_dir).1
    }

    pub(super) fn is_alive(&self) -> bool {
        self.postmaster.is_alive()
    }

    /// Stops all processes of the server with SIGSTOP. Returns them.
    pub(super) fn freeze(&self) -> Vec<Pid> {
        if !self.postmaster.is_alive() {
            return Vec::new();
        }
        // The postmaster first, so that it starts no more of them.
        self.postmaster.signal(Signal::SIGSTOP);
        let mut processes = children(self.postmaster.pid);
        for process in &processes {
            _ = kill(*process, Signal::SIGSTOP);
        }
        processes.insert(0, self.postmaster.pid);
        processes
    }

    /// Kills all of it at once, so that no process can clean up after another.
    pub(super) fn kill(&self) {
        for process in self.freeze() {
            _ = kill(process, Signal::SIGKILL);
        }
    }

    /// Waits until the killed server is gone.
    pub(super) async fn ended(&self) {
        while self.postmaster.is_alive() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ready(&self) -> Result<()> {
        let began = Instant::now();
        let mut is_logged = false;
        let maintenance = url(&self.socket_dir, OWNER, "postgres");
        let db = loop {
            match connect(&maintenance).await {
                Ok(db) => break db,
                Err(error) if !self.postmaster.is_alive() => return Err(error),
                // Recovery has no time limit; ending it now would only make the next start repeat it.
                Err(error) if began.elapsed() > START_WITHIN && !is_recovering(&error) => return Err(error),
                Err(_) => sleep(Duration::from_millis(30)).await,
            }
            if began.elapsed() > SLOW && !is_logged {
                tracing::info!("waiting for the private PostgreSQL to start; after a crash it first recovers its data");
                is_logged = true;
            }
        };
        bootstrap(db).await
    }

    /// Stops the server by fast shutdown (open transactions roll back); immediate shutdown if that takes too long.
    pub async fn stop(self) -> Result<()> {
        for signal in [Signal::SIGINT, Signal::SIGQUIT] {
            self.postmaster.signal(signal);
            let began = Instant::now();
            while began.elapsed() < STOP_WITHIN {
                if !self.postmaster.is_alive() {
                    return Ok(());
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
        bail!("the private PostgreSQL (pid {}) does not stop", self.postmaster.pid)
    }
}

/// Signals the server on every exit, also `?` and panic: no orphan remains. After `stop` there is nothing to signal.
impl Drop for Postmaster {
    fn drop(&mut self) {
        self.signal(Signal::SIGINT);
    }
}

struct Postmaster {
    pid: Pid,
    life: Life,
}

/// The way to detect that a server has ended.
enum Life {
    /// A child of this process, and whether it was waited for.
    Child(Arc<AtomicBool>),
    /// Not a child: detected by whether the process with its number still has that start time.
    Adopted { began: Option<String> },
}

impl Postmaster {
    fn is_alive(&self) -> bool {
        match &self.life {
            Life::Child(ended) => !ended.load(Ordering::Acquire),
            Life::Adopted { began: then } => is_alive(self.pid) && began(self.pid) == *then,
        }
    }

    /// Sends a signal, but never to a process that reused the number.
    fn signal(&self, signal: Signal) {
        if self.is_alive() {
            _ = kill(self.pid, signal);
        }
    }
}

/// The directory of a cluster, existing or not.
struct Cluster<'a> {
    home: &'a Home,
    base: PathBuf,
    data: PathBuf,
    /// Outside `base`: as root this process writes here, and the servers' user must not be able to redirect it.
    log: PathBuf,
    /// Further settings, `name=value`.
    options: &'a [String],
}

impl Cluster<'_> {
    /// Runs `initdb` in a side directory and renames that: an interrupted run leaves nothing half-made. The side
    /// directory bears this process's pid, so that an initdb that survived its killed parent does not write into it.
    async fn init(&self, bin: &Path) -> Result<()> {
        for left in fs::read_dir(&self.base)?.flatten() {
            if left.file_name().to_string_lossy().starts_with("data.new") {
                _ = fs::remove_dir_all(left.path());
            }
        }
        tracing::info!(directory = %self.data.display(), "creating the private database; this takes a few seconds");
        let fresh = self.base.join(format!("data.new-{}", std::process::id()));
        let out = command(&bin.join("initdb"), &self.base, self.home.owner())
            .arg("-D")
            .arg(&fresh)
            .args(["-U", OWNER, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("cannot run {}", bin.join("initdb").display()))?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr);
            let reason =
                said.lines().find(|line| line.contains("error")).or(said.lines().last()).unwrap_or("no reason");
            bail!("initdb failed: {reason}");
        }
        fs::rename(&fresh, &self.data)?;
        File::open(&self.base)?.sync_all()?;
        Ok(())
    }

    fn spawn(&self, bin: &Path, socket_dir: &Path) -> Result<Postmaster> {
        let log = File::options().create(true).append(true).mode(0o600).open(&self.log)?;
        // An existing log may still be readable by others.
        log.set_permissions(Permissions::from_mode(0o600))?;
        // A list of directories, hence the quotes.
        let sockets = socket_dir.to_string_lossy().replace('"', "\"\"");
        let program = bin.join("postgres");
        let mut child = command(&program, &self.base, self.home.owner())
            .arg("-D")
            .arg(&self.data)
            .args(["-c", "listen_addresses=", "-c", "port=5432", "-c", "unix_socket_permissions=0700"])
            .args(["-c", "timezone=UTC", "-c", "log_timezone=UTC", "-c", "max_connections=200"])
            // Otherwise errors are logged with the values that they concern.
            .args(["-c", "log_error_verbosity=terse"])
            .args(["-c", &format!("unix_socket_directories=\"{sockets}\"")])
            .args(self.options.iter().flat_map(|option| ["-c", option]))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).context("the private PostgreSQL ended at once")?;
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        tokio::spawn(async move {
            _ = child.wait().await;
            end.store(true, Ordering::Release);
        });
        Ok(Postmaster { pid: Pid::from_raw(pid), life: Life::Child(ended) })
    }

    /// Returns the current length of the log.
    fn logged(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |meta| meta.len())
    }

    /// Returns Postgres's own log messages since `logged` if there are any, otherwise the connection error.
    fn did_not_start(&self, error: &anyhow::Error, logged: u64) -> anyhow::Error {
        let mut said = Vec::new();
        if let Ok(mut log) = File::open(&self.log)
            && log.seek(SeekFrom::Start(logged)).is_ok()
        {
            _ = log.read_to_end(&mut said);
        }
        let said = String::from_utf8_lossy(&said);
        let fatal = said.lines().rev().find_map(|line| line.split_once("FATAL:").map(|(_, reason)| reason.trim()));
        let reason = fatal.map_or_else(|| format!("{error:#}"), str::to_owned);
        anyhow!("the private PostgreSQL did not start: {reason} (see {})", self.log.display())
    }
}

/// Returns the owner's URL and the serving role's.
pub(super) fn urls(socket_dir: &Path) -> (String, String) {
    (url(socket_dir, OWNER, OWNER), url(socket_dir, APP, OWNER))
}

/// Builds a URL with explicit port and TLS mode; otherwise a `PGPORT` or `PGSSLMODE` in the environment would apply.
fn url(socket_dir: &Path, role: &str, database: &str) -> String {
    let socket_dir = socket_dir.to_string_lossy();
    let host = utf8_percent_encode(&socket_dir, NON_ALPHANUMERIC);
    format!("postgres://{role}@localhost:5432/{database}?host={host}&sslmode=disable")
}

/// Returns whether the server runs but accepts no connections yet (`cannot_connect_now`).
fn is_recovering(error: &anyhow::Error) -> bool {
    let database = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    database.is_some_and(|error| error.code().as_deref() == Some("57P03"))
}

pub(super) async fn connect(url: &str) -> Result<PgConnection> {
    Ok(PgConnection::connect(url).await?)
}

/// Creates the database and the serving role where they are missing. Roles belong to the whole cluster, hence not to
/// the migrations.
async fn bootstrap(mut db: PgConnection) -> Result<()> {
    sqlx::query("select pg_advisory_lock($1)").bind(BOOTSTRAP_LOCK).execute(&mut db).await?;
    let known = "select exists (select from pg_database where datname = $1)";
    if !sqlx::query_scalar::<_, bool>(known).bind(OWNER).fetch_one(&mut db).await? {
        sqlx::query("create database loadmaster").execute(&mut db).await?;
    }
    let known = "select exists (select from pg_roles where rolname = $1)";
    if !sqlx::query_scalar::<_, bool>(known).bind(APP).fetch_one(&mut db).await? {
        sqlx::query("create role loadmaster_app login").execute(&mut db).await?;
    }
    db.close().await?; // releases the lock
    Ok(())
}

/// Returns the postmaster of this data directory, if it is alive.
fn living_postmaster(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
    (pid.as_raw() > 1 && is_alive(pid) && has_argument(pid, data)).then_some(pid)
}

/// Replaces the pid in a stale lock file by this process's pid. Postgres refuses a lock file whose pid exists: a
/// zombie, or (after a container's restart) any program of its user; but it never takes its own parent for a
/// postmaster. Deleting the file instead would lose the shared-memory key that guards against orphans.
fn take_over_stale_lock(file: &Path) -> Result<bool> {
    let opened = File::options().read(true).write(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(file);
    let mut lock = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        opened => opened.with_context(|| format!("cannot open {}", file.display()))?,
    };
    ensure!(lock.metadata()?.is_file(), "{} is not a file", file.display());
    tracing::warn!(file = %file.display(), "the previous run did not stop cleanly; replacing its lock file");
    let mut text = String::new();
    lock.read_to_string(&mut text)?;
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    lock.rewind()?;
    lock.set_len(0)?;
    write!(lock, "{}\n{rest}", std::process::id())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use sqlx::postgres::PgConnectOptions;

    use super::*;

    #[test]
    fn urls_lead_sqlx_to_the_socket() {
        let (owner, app) = urls(Path::new("/a b/ü&c/run"));
        assert!(app.starts_with("postgres://loadmaster_app@localhost:5432/loadmaster?host=%2Fa%20b%2F"), "{app}");
        for (url, role) in [(owner, "loadmaster"), (app, "loadmaster_app")] {
            let options = PgConnectOptions::from_str(&url).unwrap();
            assert_eq!(options.get_username(), role);
            assert_eq!(options.get_database(), Some("loadmaster"));
            assert_eq!(options.get_socket().map(PathBuf::as_path), Some(Path::new("/a b/ü&c/run")));
        }
    }

    #[test]
    fn stale_lock_keeps_its_shared_memory_key() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        assert!(!take_over_stale_lock(&file).unwrap());
        fs::write(&file, "999999\n/data\n1700000000\n5432\n/run\n\n  1234  5678\n").unwrap();
        assert!(take_over_stale_lock(&file).unwrap());
        let expected = format!("{}\n/data\n1700000000\n5432\n/run\n\n  1234  5678\n", std::process::id());
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    }

    #[test]
    fn process_that_is_not_our_postmaster_is_not_adopted() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(living_postmaster(dir.path()), None);
        fs::write(dir.path().join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
        assert_eq!(living_postmaster(dir.path()), None);
    }
}
