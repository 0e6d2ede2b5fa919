-- Bookings, their legs and their history, partitioned by the month of the booking's id.
create table bookings (
    id                     uuid        not null,
    ref_id                 text        not null,
    organization_id        uuid        not null references organizations (id),
    created_by             uuid        not null references users (id),
    status                 text        not null
        check (status in ('BOOKED', 'DEPARTED', 'ARRIVED', 'DELIVERED', 'CANCELLED')),
    origin                 text        not null,
    destination            text        not null check (destination <> origin),
    pieces                 integer     not null check (pieces > 0),
    weight_hg              bigint      not null check (weight_hg > 0),
    volume_l               bigint      not null check (volume_l > 0),
    -- True while the volume was never given: then it follows the weight.
    volume_defaulted       boolean     not null,
    positions              bigint      not null check (positions >= 0),
    special_handling_codes text[]      not null,
    awb_number             text,
    needs_rerouting        boolean     not null default false,
    -- The number of the booking's last event.
    event_sequence         integer     not null default 1,
    -- When the last movement (depart, arrive, deliver) happened; being booked is none.
    moved_at               timestamptz,
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    primary key (id)
) partition by range (id);

create table bookings_default partition of bookings default;

create index bookings_by_organization on bookings (organization_id, id);

create index bookings_by_status on bookings (status, id);

create index bookings_to_reroute on bookings (id) where needs_rerouting;

create index bookings_by_awb on bookings (awb_number) where awb_number is not null;

-- One row per flight that the booking has or had. Times are the leg's own and change only with an event.
create table booking_legs (
    booking_id     uuid        not null,
    id             uuid        not null,
    sequence       integer     not null check (sequence > 0),
    flight_id      uuid        not null references flights (id),
    flight_number  text        not null,
    origin         text        not null,
    destination    text        not null,
    departure_at   timestamptz not null,
    arrival_at     timestamptz not null,
    status         text        not null
        check (status in ('BOOKED', 'DEPARTED', 'ARRIVED', 'OFFLOADED', 'RELEASED', 'CANCELLED', 'REPLACED')),
    offload_reason text,
    space_code     text        not null default 'KK',
    pieces         integer     not null check (pieces > 0),
    weight_hg      bigint      not null check (weight_hg > 0),
    volume_l       bigint      not null check (volume_l > 0),
    positions      bigint      not null check (positions >= 0),
    primary key (booking_id, id)
) partition by range (booking_id);

create table booking_legs_default partition of booking_legs default;

create index booking_legs_by_flight on booking_legs (flight_id, booking_id);

-- The history of each booking. Append-only, without free text or personal data; `data` holds what is needed to
-- rebuild the booking's state, in the shape of `data_version`.
create table booking_events (
    booking_id    uuid        not null,
    sequence      integer     not null check (sequence > 0),
    id            uuid        not null,
    event_type    text        not null check (event_type in (
        'BOOKED', 'DEPARTED', 'ARRIVED', 'DELIVERED', 'CANCELLED',
        'AMENDED', 'REROUTED', 'OFFLOADED', 'FLIGHT_RETIMED', 'FLIGHT_CANCELLED')),
    status        text        not null,
    location      text,
    flight_id     uuid,
    flight_number text,
    leg_id        uuid,
    pieces        integer     not null,
    weight_hg     bigint      not null,
    actor_id      uuid,
    data_version  integer     not null,
    data          jsonb       not null,
    occurred_at   timestamptz not null,
    created_at    timestamptz not null,
    primary key (booking_id, sequence)
) partition by range (booking_id);

create table booking_events_default partition of booking_events default;

-- Free text and personal data: the part that erasure may blank.
create table booking_texts (
    booking_id         uuid not null,
    description        text,
    customer_reference text,
    shipper            jsonb,
    consignee          jsonb,
    primary key (booking_id)
) partition by range (booking_id);

create table booking_texts_default partition of booking_texts default;

create table booking_event_notes (
    booking_id uuid    not null,
    sequence   integer not null,
    notes      text    not null,
    primary key (booking_id, sequence)
) partition by range (booking_id);

create table booking_event_notes_default partition of booking_event_notes default;

-- Unique for ever, over all partitions.
create table booking_refs (
    ref_id     text primary key,
    booking_id uuid not null
);

-- One booking in force per air waybill number: cancelling frees it.
create table awb_claims (
    awb_number text primary key,
    booking_id uuid not null
);

-- References are handed out to processes in blocks of 64 numbers.
create sequence booking_ref_blocks as bigint minvalue 0;

create trigger booking_events_keep_rows before update or delete on booking_events
    for each row execute function refuse_change();
create trigger booking_events_keep before truncate on booking_events
    for each statement execute function refuse_change();
create trigger booking_events_default_keep before truncate on booking_events_default
    for each statement execute function refuse_change();

insert into partitioned_tables (table_name, append_only) values
    ('bookings', false), ('booking_legs', false), ('booking_events', true),
    ('booking_texts', false), ('booking_event_notes', false);
