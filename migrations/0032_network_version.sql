-- As in 0012, for transactions that write many flights: what moves the network's version was queued for each flight, and an import
-- of a hundred thousand flights ran it a hundred thousand times at its commit. It is queued for the first flight alone: the condition
-- is evaluated when the flight is written, and marks the transaction. What is undone to a savepoint takes its mark with it.
create or replace function public.move_network_version() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    update public.network set version = version + 1;
    return null;
end
$$;

drop trigger flights_move_network_version on flights;

create constraint trigger flights_move_network_version after insert on flights
    deferrable initially deferred for each row
    when (case when current_setting('loadmaster.network_moved_by', true) is distinct from pg_current_xact_id()::text
               then set_config('loadmaster.network_moved_by', pg_current_xact_id()::text, true) is not null
               else false end)
    execute function move_network_version();

create constraint trigger flights_move_network_version_again after update on flights
    deferrable initially deferred for each row
    when (case when (new.origin, new.destination, new.departure_at, new.arrival_at)
                    is not distinct from (old.origin, old.destination, old.departure_at, old.arrival_at) then false
               when current_setting('loadmaster.network_moved_by', true) is distinct from pg_current_xact_id()::text
               then set_config('loadmaster.network_moved_by', pg_current_xact_id()::text, true) is not null
               else false end)
    execute function move_network_version();
