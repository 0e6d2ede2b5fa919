-- Technique that every room leans on: append-only guard, partitions by time-ordered ids, secrets, outbox.

-- Refuses to change history, whoever asks: the serving role has no such right, the owner meets this trigger.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- The smallest UUIDv7 of an instant: 48 bits of milliseconds, version 7, zeros.
create function uuid_v7_floor(instant timestamptz) returns uuid language sql immutable strict parallel safe
set search_path = pg_catalog as $$
    select (lpad(to_hex(floor(extract(epoch from instant) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- The tables that are range-partitioned by a UUIDv7, one partition a month.
create table partitioned_tables (
    table_name  text primary key,
    append_only boolean not null
);

-- Makes a table's partitions for the month of `instant` and the `ahead` months after it: one table in one transaction,
-- for a table under construction is locked, and bookings lock the same tables in their own order. Runs as the owner, so
-- that the serving role needs no right to create tables. A month whose rows already lie in the default partition is left
-- there: PostgreSQL cannot add it any more. Returns the names of the partitions it made. Temporary tables come last in
-- the search: unnamed they would come first, and a caller's own `partitioned_tables` would run with the owner's rights.
create function ensure_partitions(parent_table text, instant timestamptz, ahead integer) returns setof text
language plpgsql security definer set search_path = public, pg_catalog, pg_temp as $$
declare
    parent record;
    month  timestamptz;
    part   text;
begin
    perform pg_advisory_xact_lock(hashtextextended('loadmaster.partitions', 0));
    for parent in select table_name, append_only from partitioned_tables where table_name = parent_table loop
        for step in 0..ahead loop
            month := (date_trunc('month', instant at time zone 'UTC') + make_interval(months => step)) at time zone 'UTC';
            part := format('%s_%s', parent.table_name, to_char(month at time zone 'UTC', 'YYYY_MM'));
            continue when to_regclass(quote_ident(part)) is not null;
            begin
                execute format(
                    'create table %I partition of %I for values from (%L) to (%L)',
                    part, parent.table_name, uuid_v7_floor(month),
                    uuid_v7_floor((month at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
            exception when check_violation then
                continue;
            end;
            if parent.append_only then
                execute format(
                    'create trigger %I before truncate on %I for each statement execute function refuse_change()',
                    part || '_keep', part);
            end if;
            return next part;
        end loop;
    end loop;
end
$$;

revoke execute on function ensure_partitions(text, timestamptz, integer) from public;

-- Keys that all instances share: made once, at migration or first use, never logged.
create table server_secrets (
    name       text primary key,
    value      bytea       not null,
    created_at timestamptz not null
);

-- What must happen after a commit, once it is promised. Written in the transaction of the change itself.
create table outbox (
    id             bigint generated always as identity primary key,
    aggregate      text        not null check (aggregate in ('booking', 'flight')),
    aggregate_id   uuid        not null,
    sequence       integer     not null,
    event_type     text        not null,
    payload        jsonb       not null,
    occurred_at    timestamptz not null
) with (fillfactor = 100, autovacuum_vacuum_scale_factor = 0.02);

-- Facts about this installation, such as whether the demo network belongs to it.
create table installation (
    name       text primary key,
    value      text        not null,
    updated_at timestamptz not null
);
