-- Room that an organization has on every flight of a kind. What it keeps on a flight is a hold of the kind ALLOTMENT.
create table allotments (
    id              uuid        primary key,
    organization_id uuid        not null references organizations (id),
    name            text        not null,
    airline_code    text        references airlines (iata_code),
    flight_number   text,
    origin          text        not null references airports (iata_code),
    destination     text        not null references airports (iata_code) check (destination <> origin),
    -- ISO 8601: 1 is Monday. Of the local departure; empty: every day.
    weekdays        smallint[]  not null,
    -- Local departure dates, inclusive.
    date_from       date        not null,
    date_to         date        not null check (date_to >= date_from),
    weight_hg       bigint      not null check (weight_hg > 0),
    volume_l        bigint      not null check (volume_l > 0),
    volume_defaulted boolean    not null,
    positions       bigint      not null check (positions >= 0),
    release_hours   integer     not null check (release_hours >= 0),
    -- Counts the changes that its holds must follow.
    revision        integer     not null default 1,
    version         integer     not null default 1,
    created_by      uuid        not null references users (id),
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    deleted_at      timestamptz
);

create index allotments_by_organization on allotments (organization_id, id);
create index allotments_by_route on allotments (origin, destination) where deleted_at is null;

-- What became of an allotment on a flight. KEPT by the hold as long as that is open.
create table allotment_flights (
    allotment_id uuid        not null references allotments (id),
    flight_id    uuid        not null references flights (id),
    -- The last hold that it had there.
    hold_id      uuid        unique references holds (id),
    -- The revision that the hold follows, or for which there was no room.
    revision     integer     not null,
    tried_at     timestamptz not null,
    primary key (allotment_id, flight_id)
);

create index allotment_flights_by_flight on allotment_flights (flight_id);

create index holds_of_allotments on holds (expires_at) where kind = 'ALLOTMENT' and status = 'ACTIVE';

-- What a booking's leg or a hold has drawn from an allotment and still takes, by the allotment's last hold on the flight. As
-- long as that is open, it returns there; and the next one keeps that much less.
create table allotment_draws (
    taker_id  uuid   not null,
    hold_id   uuid   not null references holds (id),
    flight_id uuid   not null references flights (id),
    weight_hg bigint not null check (weight_hg >= 0),
    volume_l  bigint not null check (volume_l >= 0),
    positions bigint not null check (positions >= 0),
    primary key (taker_id, hold_id)
) with (fillfactor = 80);

create index allotment_draws_by_hold on allotment_draws (hold_id);

-- The flights on which allotments are to keep room, and until when: as long before the departure as they say, and no longer
-- than the flight takes bookings.
create view allotted_flights as
    select a.id as allotment_id, f.id as flight_id, a.revision, c.status, f.departure_at,
           least(f.departure_at - make_interval(hours => a.release_hours), c.cutoff_at) as until
    from allotments a
    join flights f on f.origin = a.origin and f.destination = a.destination
        and (a.airline_code is null or f.airline_code = a.airline_code)
        and (a.flight_number is null or f.flight_number = a.flight_number)
        and f.scheduled_date between a.date_from and a.date_to
        and (cardinality(a.weekdays) = 0 or extract(isodow from f.scheduled_date)::smallint = any(a.weekdays))
    join flight_capacity c on c.flight_id = f.id
    where a.deleted_at is null;
