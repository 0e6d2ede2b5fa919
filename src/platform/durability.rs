//! Whether the database server keeps what it has acknowledged, and is one that we support.
use super::postgres::PgSession;

/// The oldest supported major version of PostgreSQL.
pub const OLDEST_SERVER: i32 = 14;

/// What a session has to expect of its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// `server_version_num`: 150018 is 15.18.
    pub version: i32,
    /// Off: after a crash of the machine the whole database may be damaged.
    pub fsync: bool,
    /// Off: a page that was half written when the machine crashed stays damaged.
    pub full_page_writes: bool,
    /// Of this session: it may be set for a role or a database. `off`: the last commits before a crash may be lost.
    pub synchronous_commit: String,
}

impl Durability {
    /// Of the session on this connection.
    pub async fn of(db: &mut PgSession) -> sqlx::Result<Self> {
        let settings = "select current_setting('server_version_num')::int, current_setting('fsync')::bool,
                               current_setting('full_page_writes')::bool, current_setting('synchronous_commit')";
        let (version, fsync, full_page_writes, synchronous_commit) = sqlx::query_as(settings).fetch_one(db).await?;
        Ok(Self { version, fsync, full_page_writes, synchronous_commit })
    }

    pub const fn is_supported(&self) -> bool {
        self.version / 10_000 >= OLDEST_SERVER
    }
}
