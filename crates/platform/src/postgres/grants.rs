use sqlx::{AssertSqlSafe, PgConnection};

/// Tables for which the serving role has less than all rights.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// Rows are only added: no update, delete or truncate.
    pub history: &'static [&'static str],
    /// Only migrations write them.
    pub fixed: &'static [&'static str],
    /// Rows are never deleted.
    pub kept: &'static [&'static str],
}

impl Tables {
    pub const NONE: Self = Self { history: &[], fixed: &[], kept: &[] };
    /// The platform's tables.
    pub const PLATFORM: Self =
        Self { fixed: &["_sqlx_migrations", "installation", "outbox_listeners", "partitioned_tables"], ..Self::NONE };
}

/// Returns the grants of the serving role: it may read everything, and write its own tables.
fn grants(tables: &[Tables]) -> String {
    let revoke = |rights: &str, names: fn(&Tables) -> &'static [&'static str]| {
        let names: Vec<_> = tables.iter().flat_map(|tables| names(tables).iter().copied()).collect();
        if names.is_empty() {
            return String::new();
        }
        format!("revoke {rights} on {} from loadmaster_app;", names.join(", "))
    };
    let history = revoke("update, delete, truncate", |tables| tables.history);
    let fixed = revoke("insert, update, delete, truncate", |tables| tables.fixed);
    let kept = revoke("delete, truncate", |tables| tables.kept);
    format!(
        "do $$ begin
            if exists (select from pg_roles where rolname = 'loadmaster_app') and current_user <> 'loadmaster_app' then
                grant usage on schema public to loadmaster_app;
                grant select, insert, update, delete on all tables in schema public to loadmaster_app;
                grant usage, select on all sequences in schema public to loadmaster_app;
                grant execute on function ensure_partitions(text, timestamptz, integer), refresh_statistics(regclass[])
                    to loadmaster_app;
                {history}
                {fixed}
                {kept}
                revoke update, delete, truncate on server_secrets from loadmaster_app;
                if to_regnamespace('loadmaster_archive') is not null then
                    grant usage on schema loadmaster_archive, loadmaster_audited to loadmaster_app;
                    grant select on all tables in schema loadmaster_audited to loadmaster_app;
                end if;
            end if;
        end $$"
    )
}

/// Allows only the owner to create objects in the schema. Before PostgreSQL 15 everybody could, the owner by that right
/// alone: the role that `ensure_partitions` runs as keeps it. Where the schema belongs to another role this revokes
/// nothing, and PostgreSQL warns.
const SCHEMA: &str = "
    do $$ declare maker text; begin
        revoke create on schema public from public;
        select pg_get_userbyid(proowner) into strict maker from pg_proc
        where oid = 'public.ensure_partitions(text, timestamptz, integer)'::regprocedure;
        if not has_schema_privilege(maker, 'public', 'create') then
            execute format('grant create on schema public to %I', maker);
        end if;
        if exists (select from pg_roles where rolname = 'loadmaster_app') and current_user <> 'loadmaster_app' then
            revoke create on schema public from loadmaster_app;
        end if;
    end $$";

pub(super) async fn grant_serving_role(db: &mut PgConnection, tables: &[Tables]) -> sqlx::Result<()> {
    sqlx::raw_sql(SCHEMA).execute(&mut *db).await?;
    sqlx::raw_sql(AssertSqlSafe(grants(tables))).execute(&mut *db).await?;
    // Rights are checked on the named table: parents only, so that no partition of history can be reached around them.
    let revoke = "
        do $$ declare part regclass; begin
            if exists (select from pg_roles where rolname = 'loadmaster_app') and current_user <> 'loadmaster_app' then
                for part in select inhrelid::regclass from pg_inherits
                            join partitioned_tables on inhparent = table_name::regclass loop
                    execute format('revoke all on %s from loadmaster_app', part);
                end loop;
            end if;
        end $$";
    sqlx::raw_sql(revoke).execute(db).await.map(drop)
}
