-- Who waits for room on flights that are full. The order is by priority, then by rank: joining gives the next number, and
-- whoever is moved gets one between two others.
create sequence waitlist_ranks as bigint;

create table waitlist_entries (
    id                     uuid        primary key,
    organization_id        uuid        not null references organizations (id),
    created_by             uuid        not null references users (id),
    status                 text        not null
        check (status in ('WAITING', 'OFFERED', 'BOOKED', 'DECLINED', 'EXPIRED', 'CANCELLED')),
    origin                 text        not null,
    destination            text        not null,
    -- Empty if it waits for any way on the date.
    flight_ids             uuid[]      not null,
    departure_date         date        check ((departure_date is null) = (cardinality(flight_ids) > 0)),
    weight_hg              bigint      not null check (weight_hg > 0),
    volume_l               bigint      not null check (volume_l > 0),
    volume_defaulted       boolean     not null,
    positions              bigint      not null check (positions >= 0),
    special_handling_codes text[]      not null,
    priority               integer     not null check (priority between 1 and 9),
    rank                   numeric     not null default nextval('waitlist_ranks'),
    queued_at              timestamptz not null,
    -- How often one behind it has got an offer because it did not fit.
    passed_over            integer     not null default 0,
    hold_id                uuid        unique references holds (id),
    -- The number of its last message.
    event_sequence         integer     not null default 1,
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    check ((hold_id is not null) or status in ('WAITING', 'EXPIRED', 'CANCELLED'))
) with (fillfactor = 80);

create index waitlist_entries_in_order on waitlist_entries (priority, rank) where status = 'WAITING';
create index waitlist_entries_offered on waitlist_entries (id) where status = 'OFFERED';
create index waitlist_entries_by_organization on waitlist_entries (organization_id, id);

-- The flights that a waiting entry could use.
create table waitlist_flights (
    flight_id uuid not null references flights (id),
    entry_id  uuid not null references waitlist_entries (id),
    primary key (flight_id, entry_id)
);

create index waitlist_flights_by_entry on waitlist_flights (entry_id);

-- Bookings do not change this column: their updates stay in the page.
create index flight_capacity_awaited on flight_capacity (flight_id) where waiting > 0;
