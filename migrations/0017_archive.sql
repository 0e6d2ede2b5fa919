-- Months that nobody changes any more leave the tables that the server works on: `loadmaster partitions archive` moves their
-- partitions to tables of the same names in the schema `loadmaster_archive`. The audit still reads all: in the schema `loadmaster_audited` each name
-- is a view of both. Personal texts are not archived but deleted: what is archived cannot be erased later.

alter table partitioned_tables
    add column when_archived text not null default 'move' check (when_archived in ('move', 'delete'));

-- The order in which writers lock the tables, for whoever locks several.
alter table partitioned_tables add column locked_as integer not null default 0;

update partitioned_tables set locked_as = case table_name
    when 'capacity_ledger' then 1 when 'booking_texts' then 2 when 'bookings' then 3 when 'booking_legs' then 4
    when 'booking_events' then 5 when 'booking_event_notes' then 6 end;

update partitioned_tables set when_archived = 'delete' where table_name in ('booking_texts', 'booking_event_notes');

do $$
declare
    parent record;
    key    text;
begin
    -- A role that may not create schemas cannot archive, and lacks nothing else.
    if not has_database_privilege(current_user, current_database(), 'create') then
        return;
    end if;
    create schema loadmaster_archive;
    create schema loadmaster_audited;
    for parent in select table_name from partitioned_tables where when_archived = 'move' loop
        select a.attname into strict key
        from pg_partitioned_table p
        join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
        where p.partrelid = to_regclass(format('public.%I', parent.table_name));
        execute format(
            'create table loadmaster_archive.%1$I (like public.%1$I including defaults including generated including constraints)
             partition by range (%2$I)', parent.table_name, key);
        execute format(
            'create trigger %I before insert or update or delete on loadmaster_archive.%I
             for each row execute function public.refuse_change()', parent.table_name || '_keep_rows', parent.table_name);
        execute format(
            'create trigger %I before truncate on loadmaster_archive.%I
             for each statement execute function public.refuse_change()', parent.table_name || '_keep', parent.table_name);
        execute format(
            'create view loadmaster_audited.%1$I as select * from public.%1$I union all select * from loadmaster_archive.%1$I', parent.table_name);
    end loop;
end
$$;
