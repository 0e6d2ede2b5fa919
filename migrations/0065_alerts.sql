-- Alerts on prices and space: what somebody waits to be informed of, and what its last check found.
create table alerts (
    id                     uuid        primary key,
    organization_id        uuid        not null references organizations (id),
    created_by             uuid        not null references users (id),
    kind                   text        not null check (kind in ('PRICE', 'SPACE')),
    status                 text        not null check (status in ('ACTIVE', 'PAUSED', 'EXPIRED')),
    origin                 text        not null,
    destination            text        not null check (destination <> origin),
    -- Local to the origin. Null: always the next 30 days.
    date_from              date,
    date_to                date,
    weight_hg              bigint      not null check (weight_hg > 0),
    volume_l               bigint      check (volume_l > 0),
    positions              bigint      check (positions >= 0),
    special_handling_codes text[]      not null,
    below_amount           bigint      check (below_amount >= 0),
    drop_percent           integer     check (drop_percent between 5 and 50),
    -- That of `below`, or of the price that a drop is counted from.
    currency               text,
    -- The price that a drop is counted from; null until there is one.
    base_amount            bigint,
    expires_at             timestamptz,
    -- The earlier of the end of `date_to` and `expires_at`.
    ends_at                timestamptz,
    ended_at               timestamptz check ((ended_at is not null) = (status = 'EXPIRED')),
    deleted_at             timestamptz check (deleted_at is null or ended_at is not null),
    is_met                 boolean     not null,
    -- The next check that finds it true counts as a crossing.
    is_armed               boolean     not null,
    -- A crossing of which nobody has been informed yet.
    is_pending             boolean     not null,
    -- No check has judged these terms: what is true already is no crossing.
    is_fresh               boolean     not null,
    times_met              integer     not null default 0,
    found_date     date,
    found_amount         bigint,
    found_currency       text,
    found_flight_ids     uuid[]      not null default '{}',
    last_checked_at        timestamptz,
    last_notified_at       timestamptz,
    next_check_at          timestamptz not null,
    -- By the database's clock: until then one process judges it. Left over, it says that a check was broken off.
    lease_until            timestamptz,
    lease_holder           uuid,
    -- The number of its last message.
    event_sequence         integer     not null default 0,
    version                integer     not null default 1,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    check ((date_from is null) = (date_to is null)),
    check (date_to - date_from between 0 and 30),
    check (num_nonnulls(below_amount, drop_percent) = case kind when 'PRICE' then 1 else 0 end)
) with (fillfactor = 70);

create index alerts_by_organization on alerts (organization_id, id);
create index alerts_by_creator on alerts (created_by);
create index alerts_active on alerts (organization_id) where status = 'ACTIVE';
create index alerts_due on alerts (next_check_at) where status = 'ACTIVE';
create index alerts_leased on alerts (lease_until) where lease_until is not null;
create index alerts_by_origin on alerts (origin) where status = 'ACTIVE';
create index alerts_by_destination on alerts (destination) where status = 'ACTIVE';
create index alerts_to_end on alerts (ends_at) where ended_at is null;
create index alerts_ended on alerts (ended_at) where ended_at is not null;
