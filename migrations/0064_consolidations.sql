-- Consolidations: parts of several organizations that travel to one destination, as one master from each origin. A master is an
-- ordinary hold or booking of the owner's organization, which knows nothing of it: its state is read where it is.
create table consolidations (
    id              uuid        primary key,
    organization_id uuid        not null references organizations (id),
    -- Null once that person is erased.
    created_by      uuid        references users (id),
    name            text        not null,
    destination     text        not null,
    latest_arrival  timestamptz,
    cancelled_at    timestamptz,
    -- The number of its last event.
    event_sequence  integer     not null default 0,
    version         integer     not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null
) with (fillfactor = 80);

-- The owner's organization, those that have accepted or declined, and open invitations.
create table consolidation_members (
    id               uuid        primary key,
    consolidation_id uuid        not null references consolidations (id) on delete cascade,
    -- Null until the invitation is answered.
    organization_id  uuid        references organizations (id),
    role             text        not null check (role in ('OWNER', 'MEMBER')),
    status           text        not null check (status in ('INVITED', 'ACCEPTED', 'DECLINED')),
    origin           text,
    -- Of an open invitation alone: where its letter goes, the keyed digest of that, and the token, of which no secret is stored.
    email            text,
    address_hash     bytea,
    token_id         uuid,
    expires_at       timestamptz,
    -- Null of the owner, and once that person is erased.
    invited_by       uuid        references users (id),
    invited_at       timestamptz not null,
    answered_at      timestamptz,
    check ((organization_id is null) = (status = 'INVITED')),
    check (num_nonnulls(email, address_hash, token_id, expires_at) = case status when 'INVITED' then 4 else 0 end)
);

create index consolidation_members_by_consolidation on consolidation_members (consolidation_id, id);
create unique index consolidation_members_accepted on consolidation_members (consolidation_id, organization_id)
    where status = 'ACCEPTED';
create unique index consolidation_members_invited on consolidation_members (consolidation_id, address_hash)
    where status = 'INVITED';
create unique index consolidation_members_by_token on consolidation_members (token_id) where token_id is not null;
-- The list of an organization's consolidations.
create index consolidation_members_by_organization on consolidation_members (organization_id, consolidation_id)
    where status = 'ACCEPTED';
-- What is erased with an organization, and with whoever has an address.
create index consolidation_members_by_any_organization on consolidation_members (organization_id) where organization_id is not null;
create index consolidation_members_by_address on consolidation_members (address_hash) where address_hash is not null;
create index consolidation_members_by_inviter on consolidation_members (invited_by) where invited_by is not null;
create index consolidation_members_to_end on consolidation_members (expires_at) where status = 'INVITED';

-- House shipments.
create table consolidation_parts (
    id                     uuid        primary key,
    consolidation_id       uuid        not null references consolidations (id) on delete cascade,
    organization_id        uuid        not null references organizations (id),
    -- Null once that person is erased.
    created_by             uuid        references users (id),
    house_number           text,
    origin                 text        not null,
    pieces                 integer     not null check (pieces > 0),
    weight_hg              bigint      not null check (weight_hg > 0),
    volume_l               bigint      not null check (volume_l > 0),
    -- The volume was never given: it follows the weight.
    volume_defaulted       boolean     not null,
    positions              bigint      not null check (positions >= 0),
    special_handling_codes text[]      not null,
    description            text,
    shipper                jsonb,
    consignee              jsonb,
    ready_at               timestamptz,
    status                 text        not null check (status in ('DRAFT', 'READY', 'WITHDRAWN')),
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null
) with (fillfactor = 80);

create index consolidation_parts_by_consolidation on consolidation_parts (consolidation_id, id);
create index consolidation_parts_by_organization on consolidation_parts (organization_id);
create index consolidation_parts_by_creator on consolidation_parts (created_by) where created_by is not null;
create index consolidations_by_creator on consolidations (created_by) where created_by is not null;
create index consolidations_by_organization on consolidations (organization_id);

-- The hold or booking of each origin. Only what never changes again is copied: the booking that the hold became.
create table consolidation_masters (
    consolidation_id uuid        not null references consolidations (id) on delete cascade,
    origin           text        not null,
    hold_id          uuid        not null unique,
    booking_id       uuid        unique,
    booking_ref      text,
    held_at          timestamptz not null,
    -- The parts that it carries: those that were ready when it was held, booked or amended last.
    part_ids         uuid[]      not null,
    primary key (consolidation_id, origin),
    check ((booking_id is null) = (booking_ref is null))
);

-- Those whose bookings are to be noted, if their holds become some.
create index consolidation_masters_unbooked on consolidation_masters (held_at) where booking_id is null;

-- What was done, without texts: it is shown to all members.
create table consolidation_events (
    consolidation_id uuid        not null references consolidations (id) on delete cascade,
    sequence         integer     not null,
    event_type       text        not null check (event_type in ('CREATED', 'CHANGED', 'BOOKED', 'CANCELLED')),
    -- Of a change: of what.
    change           text,
    origins          text[]      not null,
    part_id          uuid,
    -- The organization whose part or membership it is.
    organization_id  uuid,
    -- Null once that person is erased.
    actor_id         uuid,
    created_at       timestamptz not null,
    primary key (consolidation_id, sequence)
);

create index consolidation_events_by_actor on consolidation_events (actor_id) where actor_id is not null;

-- The letters of invitations: at most so many to an address, and of an organization.
create index notifications_to_invited on notifications ((data ->> 'address_hash'), created_at) where type = 'consolidation_invitation';
create index notifications_of_inviters on notifications (organization_id, created_at) where type = 'consolidation_invitation';
