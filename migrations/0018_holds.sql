-- Holds keep room on flights for a bounded time; what they keep is the part `held` of flight_capacity. Room that becomes
-- free on a flight for which somebody waits is set aside in the same part. Allotments keep room for one organization.

alter table flight_capacity
    -- Entries on the waitlist that could use room on this flight.
    add column waiting           integer not null default 0 check (waiting >= 0),
    -- Allotments that have or had room on this flight.
    add column allotted          integer not null default 0 check (allotted >= 0),
    add column aside_weight_hg   bigint  not null default 0 check (aside_weight_hg >= 0),
    add column aside_volume_l    bigint  not null default 0 check (aside_volume_l >= 0),
    add column aside_positions   bigint  not null default 0 check (aside_positions >= 0),
    -- Until when what is set aside is kept without an offer.
    add column aside_until       timestamptz,
    add constraint flight_aside_is_held check (
        aside_weight_hg <= held_weight_hg and aside_volume_l <= held_volume_l and aside_positions <= held_positions);

-- Bookings change neither column: their updates stay in the page.
create index flight_capacity_set_aside on flight_capacity (aside_until) where aside_until is not null;

create table holds (
    id                     uuid        primary key,
    kind                   text        not null check (kind in ('ITINERARY', 'RESERVATION', 'OFFER', 'ALLOTMENT')),
    status                 text        not null check (status in ('ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    end_reason             text,
    -- Of a guest: made for its token, and in no table until the hold is committed.
    organization_id        uuid        not null,
    created_by             uuid        not null,
    is_guest               boolean     not null,
    -- A keyed hash of the guest's network address.
    address_key            bytea,
    -- Counts towards the number of holds that a caller may have at once.
    is_counted             boolean     not null,
    origin                 text        not null,
    destination            text        not null check (destination <> origin),
    pieces                 integer     check (pieces > 0),
    weight_hg              bigint      not null check (weight_hg > 0),
    volume_l               bigint      not null check (volume_l > 0),
    volume_defaulted       boolean     not null,
    positions              bigint      not null check (positions >= 0),
    product                text        not null,
    special_handling_codes text[]      not null,
    awb_number             text,
    booking_id             uuid        unique,
    booking_ref            text,
    expires_at             timestamptz not null,
    latest_expires_at      timestamptz not null,
    ended_at               timestamptz check ((ended_at is not null) = (status <> 'ACTIVE')),
    -- The number of its last event.
    event_sequence         integer     not null default 1,
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    check ((booking_id is not null) = (status = 'COMMITTED'))
) with (fillfactor = 80);

create index holds_to_expire on holds (expires_at) where status = 'ACTIVE';
create index holds_open_by_organization on holds (organization_id) where status = 'ACTIVE';
create index holds_open_by_address on holds (address_key) where status = 'ACTIVE' and address_key is not null;
create index holds_by_organization on holds (organization_id, id);
-- How many an address has made in the last hour.
create index holds_by_address on holds (address_key, created_at) where address_key is not null;

-- What a hold keeps on each flight. Open as long as the hold is.
create table hold_legs (
    hold_id        uuid        not null references holds (id),
    sequence       integer     not null check (sequence > 0),
    flight_id      uuid        not null references flights (id),
    flight_number  text        not null,
    origin         text        not null,
    destination    text        not null,
    departure_at   timestamptz not null,
    arrival_at     timestamptz not null,
    weight_hg      bigint      not null check (weight_hg >= 0),
    volume_l       bigint      not null check (volume_l >= 0),
    positions      bigint      not null check (positions >= 0),
    -- The positions that are named; empty if they are only counted.
    position_names text[]      not null default '{}',
    is_open        boolean     not null,
    primary key (hold_id, sequence)
) with (fillfactor = 80);

create index hold_legs_open_by_flight on hold_legs (flight_id) where is_open;
-- Lists of a flight's holds show those that have ended, too.
create index hold_legs_by_flight on hold_legs (flight_id, hold_id);

-- Free text and personal data: the part that erasure may blank.
create table hold_texts (
    hold_id            uuid primary key references holds (id),
    description        text,
    customer_reference text,
    shipper            jsonb,
    consignee          jsonb,
    contact            jsonb
);

-- The history of each hold. Append-only, without free text or personal data.
create table hold_events (
    hold_id    uuid        not null,
    sequence   integer     not null check (sequence > 0),
    event_type text        not null
        check (event_type in ('CREATED', 'AMENDED', 'EXTENDED', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    actor_id   uuid,
    data       jsonb       not null,
    created_at timestamptz not null,
    primary key (hold_id, sequence)
);

create trigger hold_events_keep_rows before update or delete on hold_events
    for each row execute function refuse_change();
create trigger hold_events_keep before truncate on hold_events
    for each statement execute function refuse_change();

-- One holder for each named position of a flight.
create table position_claims (
    flight_id  uuid not null references flights (id),
    name       text not null,
    hold_id    uuid,
    booking_id uuid,
    primary key (flight_id, name),
    check (num_nonnulls(hold_id, booking_id) = 1)
);

create index position_claims_by_hold on position_claims (hold_id) where hold_id is not null;
create index position_claims_by_booking on position_claims (booking_id) where booking_id is not null;

-- A guest that commits a hold gets a user and an organization without address or password.
alter table users alter column email drop not null, alter column email_key drop not null,
    alter column password_hash drop not null;
alter table users drop constraint users_role_check;
alter table users add constraint users_role_check check (role in ('guest', 'customer', 'operator', 'admin'));
alter table users add constraint users_guests_have_no_credentials check (
    case when role = 'guest' then num_nonnulls(email, email_key, password_hash) = 0
         else num_nulls(email, email_key, password_hash) = 0 end);

do $$
declare
    place text;
begin
    foreach place in array array['public', 'loadmaster_archive'] loop
        continue when to_regnamespace(place) is null;
        execute format('alter table %I.capacity_ledger drop constraint capacity_ledger_kind_check', place);
        execute format(
            'alter table %I.capacity_ledger add constraint capacity_ledger_kind_check check (kind in (
                 ''CAPACITY_SET'', ''BOOKED'', ''AMENDED'', ''RELEASED'', ''HELD'', ''HOLD_AMENDED'', ''HOLD_POSTED'',
                 ''HOLD_RELEASED'', ''HOLD_EXPIRED'', ''SET_ASIDE'', ''OPENED''))', place);
        execute format('alter table %I.booking_events drop constraint booking_events_event_type_check', place);
        execute format(
            'alter table %I.booking_events add constraint booking_events_event_type_check check (event_type in (
                 ''BOOKED'', ''DEPARTED'', ''ARRIVED'', ''DELIVERED'', ''CANCELLED'', ''AMENDED'', ''REROUTED'',
                 ''OFFLOADED'', ''FLIGHT_RETIMED'', ''FLIGHT_CANCELLED'', ''CLAIMED''))', place);
        -- The hold that a booking was made of.
        execute format('alter table %I.bookings add column hold_id uuid', place);
    end loop;
    if to_regnamespace('loadmaster_audited') is not null then
        create or replace view loadmaster_audited.bookings as
            select * from public.bookings union all select * from loadmaster_archive.bookings;
    end if;
end
$$;
