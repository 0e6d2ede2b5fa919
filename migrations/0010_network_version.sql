-- The version of the network of flights: it moves whenever a flight may have come into a way from one airport to another.
-- What is found in the network is kept under the version it was found in; when the version moves, it is not found any more.
create table network (
    only_row boolean primary key default true check (only_row),
    version  bigint  not null
) with (fillfactor = 10);

insert into network (version) values (1);

-- Runs at the commit, after everything else, once for a transaction: the row is locked for no longer than a commit takes,
-- and whoever waits for it waits for nobody who waits for him. The row's lock makes versions visible in their order, which
-- a sequence would not. A trigger, so that an older process beside this one moves the version too; as the owner, so that
-- it can before the serving role was given its rights on the new table.
create function move_network_version() returns trigger language plpgsql security definer
set search_path = public, pg_catalog, pg_temp as $$
declare
    transaction text := pg_current_xact_id()::text;
begin
    if tg_op = 'UPDATE' and new.origin = old.origin and new.destination = old.destination
       and new.departure_at = old.departure_at and new.arrival_at = old.arrival_at then
        return null;
    end if;
    if current_setting('loadmaster.network_moved_by', true) is distinct from transaction then
        update network set version = version + 1;
        perform set_config('loadmaster.network_moved_by', transaction, true);
    end if;
    return null;
end
$$;

revoke execute on function move_network_version() from public;

create constraint trigger flights_move_network_version after insert or update on flights
    deferrable initially deferred for each row execute function move_network_version();
