-- The airports where an airline is at home, in its own order. While a list names an airport, it cannot be deleted: also an older
-- process, which does not know the lists, answers as for an airport with flights.
alter table airlines
    add column hub_airports text[] not null default '{}',
    add constraint airlines_hub_airports check (cardinality(hub_airports) <= 10);

create function refuse_deletion_of_hub() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from public.airlines where hub_airports @> array[old.iata_code]) then
        raise exception 'airport % is a hub', old.iata_code using errcode = 'foreign_key_violation';
    end if;
    return old;
end $$;

create trigger airports_hubs before delete on airports
    for each row execute function refuse_deletion_of_hub();

-- Flights that arrived in the last 90 days, by airline, and those of them that were at most 15 minutes late: replaced every day.
-- The sums of an airline that has been deleted stay until then: no foreign key.
create table airline_punctuality (
    airline_code text        primary key,
    flights      bigint      not null check (flights > 0),
    on_time      bigint      not null check (on_time between 0 and flights),
    computed_at  timestamptz not null
);
