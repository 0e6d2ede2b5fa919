-- Which transaction wrote a message. A reader of the outbox remembers which transactions were in progress when it read;
-- when one of them has committed, its messages are found by this number. Null: written before this migration, which waited
-- for every transaction that wrote to the table.
alter table outbox
    add column written_by xid8,
    alter column written_by set default pg_current_xact_id();

create index outbox_written_by on outbox (written_by, id) where written_by is not null;

-- The exact place of a sink. An older process knows only `position` and `gaps`, and may take over while a version is rolled
-- out: this version writes to `position` the number up to which nothing is missing, and no gaps. An older process that goes
-- on from there delivers some messages again, and skips none. When one has done so, `position` and `gaps` are not what
-- `reached` and `awaited` make them, and this version goes on from `position` and the lowest gap.
alter table outbox_sinks
    -- The highest number that was delivered.
    add column reached bigint,
    -- Transactions that were in progress then, each with the number up to which its messages were delivered:
    -- [[transaction, number], ...].
    add column awaited jsonb,
    -- What the sink itself asked to remember with the last delivery.
    add column mark text;

-- Identifies the server since its start, and the database: what was learned from another one need not be true of this one.
create function server_epoch() returns bigint language sql stable set search_path = pg_catalog, pg_temp as $$
    select pg_catalog.hashtextextended(extract(epoch from pg_catalog.pg_postmaster_start_time()) || '/' || oid, 0)
    from pg_catalog.pg_database where datname = pg_catalog.current_database()
$$;
