-- Rules on which flights carry which freight. A row is never deleted: an ended embargo has `ended_at`.
create table embargoes (
    id             uuid primary key,
    name           text        not null,
    reason         text        not null,
    airline_code   text references airlines (iata_code),
    -- Scopes: an airport, `city:London,GB`, `country:GB`, `region:EUROPE` or `*`.
    origin         text        not null,
    destination    text        not null,
    -- Empty: any.
    flight_numbers text[]      not null,
    -- Local dates of departure, inclusive.
    valid_from     date        not null,
    valid_to       date,
    aircraft_code  text references aircraft_types (iata_code),
    is_freighter   boolean,
    -- Of the local departure, 1 is Monday. Empty: any.
    weekdays       smallint[]  not null check (weekdays <@ array[1, 2, 3, 4, 5, 6, 7]::smallint[]),
    -- Freight with any of these. Empty: all freight.
    handling_codes text[]      not null,
    -- The freight needs one of these. Null: it is forbidden.
    require_any    text[] check (cardinality(require_any) > 0),
    version        integer     not null default 1,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    ended_at       timestamptz,
    check (valid_to >= valid_from)
);

create index embargoes_in_force on embargoes (id) where ended_at is null;
