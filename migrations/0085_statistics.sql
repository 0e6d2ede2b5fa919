-- Has the database count the rows of tables to which an import adds many, so that it plans statements for their new size, unless
-- a maintenance of theirs is under way, which must not fail the import. As the owner: the serving role may not. Temporary tables come
-- last in the search, as in `ensure_partitions`.
create function refresh_statistics(tables regclass[]) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
declare
    counted regclass;
begin
    foreach counted in array tables loop
        execute format('analyze (skip_locked) %s', counted);
    end loop;
end $$;

revoke execute on function refresh_statistics(regclass[]) from public;
