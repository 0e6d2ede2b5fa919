-- What each write of a booking or a status costs.

-- Every change of status wrote this index, and so all others of the row. Lists go by id, and callers list their own
-- bookings: only a list by status over all of them, which staff may ask for, reads more without it.
drop index bookings_by_status;

-- Room in each page for the next versions of its rows. No index covers what a movement changes, so that they stay there.
-- A partitioned table has no pages of its own: the partitions that are made from now on get it, and those there are.
alter table partitioned_tables
    add column fill_factor integer not null default 100 check (fill_factor between 10 and 100);

update partitioned_tables set fill_factor = 85 where table_name in ('bookings', 'booking_legs');

do $$
declare
    part record;
begin
    for part in
        select i.inhrelid::regclass as name, p.fill_factor
        from pg_inherits i join partitioned_tables p on i.inhparent = p.table_name::regclass
        where p.fill_factor < 100
    loop
        execute format('alter table %s set (fillfactor = %s)', part.name, part.fill_factor);
    end loop;
end
$$;

-- As in 0012, with the fill factor.
create or replace function public.ensure_partitions(parent_table text, instant timestamptz, ahead integer)
returns setof text language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    parent record;
    month  timestamptz;
    part   text;
begin
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('loadmaster.partitions', 0));
    for parent in
        select p.table_name, p.append_only, p.fill_factor
        from public.partitioned_tables p where p.table_name = parent_table
    loop
        for step in 0..ahead loop
            month := (pg_catalog.date_trunc('month', instant at time zone 'UTC')
                      + pg_catalog.make_interval(months => step)) at time zone 'UTC';
            part := pg_catalog.format(
                '%s_%s', parent.table_name, pg_catalog.to_char(month at time zone 'UTC', 'YYYY_MM'));
            continue when pg_catalog.to_regclass(pg_catalog.format('public.%I', part)) is not null;
            begin
                execute pg_catalog.format(
                    'create table public.%I partition of public.%I for values from (%L) to (%L) with (fillfactor = %s)',
                    part, parent.table_name, public.uuid_v7_floor(month),
                    public.uuid_v7_floor((month at time zone 'UTC' + interval '1 month') at time zone 'UTC'),
                    parent.fill_factor);
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
