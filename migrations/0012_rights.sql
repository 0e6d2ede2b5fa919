-- Functions that run with their owner's rights, whoever calls them, find every name in PostgreSQL's own catalogue or where
-- it is written out. Until now the schema came first in their search, so that a role with the right to create there could
-- put a function or an operator of its own before PostgreSQL's, and it ran as the owner. Leaving the schema out of the search
-- also shuts out those that take more exact arguments than PostgreSQL's. Temporary tables come last, as unnamed they would
-- come first.

-- As in 0001, with every name written out.
create or replace function public.ensure_partitions(parent_table text, instant timestamptz, ahead integer)
returns setof text language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    parent record;
    month  timestamptz;
    part   text;
begin
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('loadmaster.partitions', 0));
    for parent in
        select p.table_name, p.append_only from public.partitioned_tables p where p.table_name = parent_table
    loop
        for step in 0..ahead loop
            month := (pg_catalog.date_trunc('month', instant at time zone 'UTC')
                      + pg_catalog.make_interval(months => step)) at time zone 'UTC';
            part := pg_catalog.format(
                '%s_%s', parent.table_name, pg_catalog.to_char(month at time zone 'UTC', 'YYYY_MM'));
            continue when pg_catalog.to_regclass(pg_catalog.format('public.%I', part)) is not null;
            begin
                execute pg_catalog.format(
                    'create table public.%I partition of public.%I for values from (%L) to (%L)',
                    part, parent.table_name, public.uuid_v7_floor(month),
                    public.uuid_v7_floor((month at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
            exception when check_violation then
                continue;
            end;
            if parent.append_only then
                execute pg_catalog.format(
                    'create trigger %I before truncate on public.%I
                     for each statement execute function public.refuse_change()',
                    part || '_keep', part);
            end if;
            return next part;
        end loop;
    end loop;
end
$$;

-- As in 0010, with every name written out.
create or replace function public.move_network_version() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    transaction text := pg_catalog.pg_current_xact_id()::pg_catalog.text;
begin
    if tg_op = 'UPDATE' and new.origin = old.origin and new.destination = old.destination
       and new.departure_at = old.departure_at and new.arrival_at = old.arrival_at then
        return null;
    end if;
    if pg_catalog.current_setting('loadmaster.network_moved_by', true) is distinct from transaction then
        update public.network set version = version + 1;
        perform pg_catalog.set_config('loadmaster.network_moved_by', transaction, true);
    end if;
    return null;
end
$$;

-- These run with the rights of whoever makes the change. A temporary table of that session must not take the notes in place
-- of the real one.
create or replace function public.note_access_change() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    insert into public.access_changes (kind, subject)
    values (tg_argv[0], (pg_catalog.to_jsonb(coalesce(new, old)) ->> tg_argv[1])::pg_catalog.uuid);
    return null;
end
$$;

alter function public.refuse_change() set search_path = pg_catalog, pg_temp;
