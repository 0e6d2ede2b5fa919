//! The protection of history in this installation: the rights of the serving role, and the triggers behind them.
use crate::postgres::{PgSession, Tables};

/// The ways in which a role could change history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    pub role: String,
    /// Nothing stops a superuser: it can switch triggers off for its session.
    pub is_superuser: bool,
    /// It owns one of the tables, or can become their owner: it can drop their triggers.
    pub is_owner: bool,
    /// Tables of history, partitions among them, that it may update, delete from or truncate if no trigger stops it.
    pub may_change: Vec<String>,
    /// It may create tables, functions and operators in the search path of other roles.
    pub may_create: bool,
    /// Tables of the owner that it may write.
    pub may_write: Vec<String>,
    /// Tables of history with a missing or disabled trigger.
    pub unguarded: Vec<String>,
}

impl Rights {
    /// Reads the rights of the connection's current role.
    pub async fn of(db: &mut PgSession, tables: &[Tables]) -> sqlx::Result<Self> {
        let history: Vec<&str> = tables.iter().flat_map(|tables| tables.history.iter().copied()).collect();
        let fixed: Vec<&str> = tables.iter().flat_map(|tables| tables.fixed.iter().copied()).collect();
        // Tables are found by name along the search path, as in every statement; one that does not exist yet is left
        // out.
        let within = "with recursive history as (
                          select to_regclass(name)::oid as id from unnest($1::text[]) as name
                          where to_regclass(name) is not null
                          union all
                          select inhrelid from pg_inherits join history on inhparent = id)";
        let role = "select current_user::text, (select rolsuper from pg_roles where rolname = current_user),
                           exists (select from history join pg_class c on c.oid = history.id
                                   where pg_has_role(current_user, c.relowner, 'member'))";
        let (role, is_superuser, is_owner) =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{within} {role}"))).bind(&history).fetch_one(&mut *db).await?;
        let may_change = "select id::regclass::text from history
                          where has_table_privilege(id, 'update, delete, truncate')
                             or has_any_column_privilege(id, 'update') order by 1";
        let may_change = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{within} {may_change}")));
        let may_change = may_change.bind(&history).fetch_all(&mut *db).await?;
        // Bits of `tgtype`: 1 for each row, 2 before, 8 delete, 16 update, 32 truncate. Enabled is `O` or `A`.
        let unguarded = "select id::regclass::text from history
                         where (select count(*) filter (where tgtype & 1 = 1 and tgtype & 24 = 24) = 0
                                    or count(*) filter (where tgtype & 32 = 32) = 0
                                from pg_trigger join pg_proc on pg_proc.oid = tgfoid
                                where tgrelid = id and proname = 'refuse_change' and tgtype & 2 = 2
                                  and tgenabled in ('O', 'A'))
                         order by 1";
        let unguarded = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{within} {unguarded}")));
        let unguarded = unguarded.bind(&history).fetch_all(&mut *db).await?;
        let may_create = "select coalesce(has_schema_privilege(current_schema(), 'create'), false)";
        let may_create = sqlx::query_scalar(may_create).fetch_one(&mut *db).await?;
        let may_write = "select name from unnest($1::text[]) as name
                         where to_regclass(name) is not null
                           and (has_table_privilege(to_regclass(name), 'insert, update, delete, truncate')
                                or has_any_column_privilege(to_regclass(name), 'insert, update'))
                         order by 1";
        let may_write = sqlx::query_scalar(may_write).bind(&fixed).fetch_all(db).await?;
        Ok(Self { role, is_superuser, is_owner, may_change, may_create, may_write, unguarded })
    }
}
