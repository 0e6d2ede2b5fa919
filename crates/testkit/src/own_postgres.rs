use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::unistd::{User, chown, geteuid};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::{TestDatabase, until};

/// A directory that PostgreSQL can use, whichever user it runs as.
pub fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("lm-").tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    directory
}

/// Whom PostgreSQL runs as if this process is root.
fn other_user() -> Option<User> {
    geteuid().is_root().then(|| User::from_name("postgres").unwrap().expect("a user `postgres`"))
}

/// PostgreSQL does not run as root.
pub fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/").stdin(Stdio::null());
    if let Some(user) = other_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// Makes a file theirs that PostgreSQL refuses to read when others could.
pub fn give_to_postgres(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    if let Some(user) = other_user() {
        chown(file, Some(user.uid), Some(user.gid)).unwrap();
    }
}

/// Starts a server on its data, with these settings.
pub fn serve(bin: &Path, data: &Path, settings: &[&str]) -> Child {
    let settings = settings.iter().flat_map(|setting| ["-c", setting]);
    let (mut command, out) = (as_postgres(&bin.join("postgres")), || Stdio::null());
    command.arg("-D").arg(data).args(settings).stdout(out()).stderr(out()).spawn().unwrap()
}

/// A PostgreSQL of one test's own that listens on a port of this machine, for encrypted connections only.
pub struct EncryptedPostgres {
    pub port: u16,
    owner_url: String,
    server: Child,
}

impl EncryptedPostgres {
    /// The certificate and its key are `server.crt` and `server.key` in the directory.
    pub async fn start(directory: &Path, port: u16) -> Self {
        let bin = "select setting from pg_config where name = 'BINDIR'";
        let shared = TestDatabase::empty().await;
        let bin: String = sqlx::query_scalar(bin).fetch_one(&mut shared.owner().await).await.unwrap();
        let (bin, data) = (PathBuf::from(bin), directory.join("data"));
        let made = as_postgres(&bin.join("initdb"))
            .args(["-U", "loadmaster", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let access = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), access).unwrap();
        give_to_postgres(&directory.join("server.key"));
        let listen = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", directory.join("server.crt").display()),
            format!("ssl_key_file={}", directory.join("server.key").display()),
            format!("unix_socket_directories={}", directory.display()),
        ];
        let server = serve(&bin, &data, &listen.each_ref().map(String::as_str));
        let host = directory.display().to_string().replace('/', "%2F");
        let url = |database: &str| format!("postgres://loadmaster@localhost:{port}/{database}?host={host}");
        until("PostgreSQL answers", async || PgConnection::connect(&url("postgres")).await.is_ok()).await;
        let mut maintenance = PgConnection::connect(&url("postgres")).await.unwrap();
        let statements = "create database loadmaster; create role loadmaster_app login password 'first'";
        for statement in statements.split(';') {
            sqlx::raw_sql(statement).execute(&mut maintenance).await.unwrap();
        }
        Self { port, owner_url: url("loadmaster"), server }
    }

    /// Through its socket, where nothing is asked.
    pub async fn database(&self) -> TestDatabase {
        TestDatabase::elsewhere(&self.owner_url).await
    }

    /// As the role that serves, checking the server's certificate.
    pub fn url(&self, password: &str, host: &str, authority: &Path) -> String {
        let authority = authority.display();
        let query = format!("sslmode=verify-full&sslrootcert={authority}");
        format!("postgres://loadmaster_app:{password}@{host}:{}/loadmaster?{query}", self.port)
    }
}

impl Drop for EncryptedPostgres {
    fn drop(&mut self) {
        // As a fast shutdown, so that its children end with it.
        let pid = nix::unistd::Pid::from_raw(self.server.id().try_into().unwrap());
        _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT);
        _ = self.server.wait();
    }
}
