-- The schedule. What a booking decides on lies in flight_capacity alone.
create table flights (
    id                     uuid primary key,
    flight_number          text        not null,
    airline_code           text        not null references airlines (iata_code),
    origin                 text        not null references airports (iata_code),
    destination            text        not null references airports (iata_code) check (destination <> origin),
    departure_at           timestamptz not null,
    arrival_at             timestamptz not null check (arrival_at > departure_at),
    scheduled_departure_at timestamptz not null,
    scheduled_arrival_at   timestamptz not null,
    -- Local calendar date of the scheduled departure at the origin: with number and origin, the flight's name.
    scheduled_date         date        not null,
    actual_departure_at    timestamptz,
    actual_arrival_at      timestamptz,
    aircraft_code          text references aircraft_types (iata_code),
    is_freighter           boolean     not null,
    cancelled_at           timestamptz,
    created_at             timestamptz not null,
    updated_at             timestamptz not null
);

create unique index flights_one_a_day on flights (flight_number, origin, scheduled_date) where cancelled_at is null;

create index flights_by_origin on flights (origin, departure_at) where cancelled_at is null;

create index flights_by_route on flights (origin, destination, departure_at);

create index flights_by_departure on flights (departure_at, id);

create index flights_by_destination on flights (destination, departure_at);

create index flights_by_number on flights (flight_number, departure_at);

create index flights_by_date on flights (scheduled_date, departure_at, id);

create index flights_by_airline on flights (airline_code, departure_at);

-- One row per flight, written by every booking. No index on a column that a booking changes, and half of each page
-- free, so that updates stay in the page (HOT). The checks are the last word: no flight is ever oversold.
create table flight_capacity (
    flight_id          uuid primary key references flights (id),
    status             text        not null check (status in ('SCHEDULED', 'DEPARTED', 'ARRIVED', 'CANCELLED')),
    cutoff_at          timestamptz not null,
    capacity_weight_hg bigint      not null check (capacity_weight_hg >= 0),
    capacity_volume_l  bigint      not null check (capacity_volume_l >= 0),
    capacity_positions bigint      not null check (capacity_positions >= 0),
    booked_weight_hg   bigint      not null default 0 check (booked_weight_hg >= 0),
    booked_volume_l    bigint      not null default 0 check (booked_volume_l >= 0),
    booked_positions   bigint      not null default 0 check (booked_positions >= 0),
    held_weight_hg     bigint      not null default 0 check (held_weight_hg >= 0),
    held_volume_l      bigint      not null default 0 check (held_volume_l >= 0),
    held_positions     bigint      not null default 0 check (held_positions >= 0),
    -- Counts schedule, capacity and status changes, not bookings.
    version            integer     not null default 1,
    -- The number of the flight's last ledger entry; counts every change of this row.
    ledger_seq         bigint      not null default 0,
    constraint flight_weight_not_oversold check (booked_weight_hg + held_weight_hg <= capacity_weight_hg),
    constraint flight_volume_not_oversold check (booked_volume_l + held_volume_l <= capacity_volume_l),
    constraint flight_positions_not_oversold check (booked_positions + held_positions <= capacity_positions)
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

-- Every change of a flight's capacity or of what is taken of it, with the state after it. Append-only. No foreign
-- key to bookings or legs: PostgreSQL refuses to detach a referenced partition.
create table capacity_ledger (
    flight_id          uuid        not null,
    seq                bigint      not null,
    kind               text        not null check (kind in ('CAPACITY_SET', 'BOOKED', 'RELEASED')),
    booking_id         uuid,
    leg_id             uuid,
    hold_id            uuid,
    -- What this entry added to (or, negative, gave back from) what is booked.
    weight_hg          bigint      not null,
    volume_l           bigint      not null,
    positions          bigint      not null,
    -- The row's state after it.
    capacity_weight_hg bigint      not null,
    capacity_volume_l  bigint      not null,
    capacity_positions bigint      not null,
    booked_weight_hg   bigint      not null,
    booked_volume_l    bigint      not null,
    booked_positions   bigint      not null,
    held_weight_hg     bigint      not null,
    held_volume_l      bigint      not null,
    held_positions     bigint      not null,
    recorded_at        timestamptz not null,
    primary key (flight_id, seq)
) partition by range (flight_id);

create table capacity_ledger_default partition of capacity_ledger default;

-- The history of each flight, with all new values. Append-only.
create table flight_events (
    flight_id   uuid        not null references flights (id),
    sequence    integer     not null,
    event_type  text        not null check (event_type in ('CREATED', 'CHANGED', 'DEPARTED', 'ARRIVED', 'CANCELLED')),
    actor_id    uuid,
    data        jsonb       not null,
    occurred_at timestamptz not null,
    created_at  timestamptz not null,
    primary key (flight_id, sequence)
);

create trigger capacity_ledger_keep_rows before update or delete on capacity_ledger
    for each row execute function refuse_change();
create trigger capacity_ledger_keep before truncate on capacity_ledger
    for each statement execute function refuse_change();
create trigger capacity_ledger_default_keep before truncate on capacity_ledger_default
    for each statement execute function refuse_change();
create trigger flight_events_keep_rows before update or delete on flight_events
    for each row execute function refuse_change();
create trigger flight_events_keep before truncate on flight_events
    for each statement execute function refuse_change();

insert into partitioned_tables (table_name, append_only) values ('capacity_ledger', true);
