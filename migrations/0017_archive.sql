-- Months that nobody changes any more leave the tables that the server works on: `loadmaster partitions archive` moves their
-- partitions to tables of the same names in the schema `archive`. The audit still reads all: in the schema `audited` each name
-- is a view of both. Personal texts are not archived but deleted: what is archived cannot be erased later.

alter table partitioned_tables
    add column when_archived text not null default 'move' check (when_archived in ('move', 'delete'));

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
    create schema archive;
    create schema audited;
    for parent in select table_name from partitioned_tables where when_archived = 'move' loop
        select a.attname into strict key
        from pg_partitioned_table p
        join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
        where p.partrelid = to_regclass(format('public.%I', parent.table_name));
        execute format(
            'create table archive.%1$I (like public.%1$I including defaults including generated including constraints)
             partition by range (%2$I)', parent.table_name, key);
        execute format(
            'create trigger %I before insert or update or delete on archive.%I
             for each row execute function public.refuse_change()', parent.table_name || '_keep_rows', parent.table_name);
        execute format(
            'create trigger %I before truncate on archive.%I
             for each statement execute function public.refuse_change()', parent.table_name || '_keep', parent.table_name);
        execute format(
            'create view audited.%1$I as select * from public.%1$I union all select * from archive.%1$I', parent.table_name);
    end loop;
end
$$;
