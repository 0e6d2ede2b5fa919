//! Checks whether the database server keeps acknowledged commits, and has a supported version.
use super::postgres::PgSession;

/// The oldest supported major version of PostgreSQL.
pub const OLDEST_SERVER: i32 = 14;

/// The durability settings of a session's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// `server_version_num`: 150018 is 15.18.
    pub version: i32,
    /// Off: after a crash of the machine the whole database may be damaged.
    pub fsync: bool,
    /// Off: a page that was half written when the machine crashed stays damaged.
    pub full_page_writes: bool,
    /// The session's value: it may be set for a role or a database. `off`: the last commits before a crash may be lost.
    pub synchronous_commit: String,
}

impl Durability {
    /// Reads the settings of this connection's session.
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
