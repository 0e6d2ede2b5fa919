-- Tariffs, surcharges and sales, in versions: a row is never changed but for `is_current`, and never deleted. The last version of a
-- rule that has ended has `ended_at`.

-- Counts the changes of prices. A change moves it first, so that changes become visible in the order of their numbers.
create table price_revision (
    only_one boolean primary key default true check (only_one),
    revision bigint  not null
);

insert into price_revision (revision) values (0);

create table tariffs (
    id              uuid        not null,
    version         integer     not null check (version > 0),
    code            text        not null,
    airline_code    text references airlines (iata_code),
    -- Scopes: an airport, `city:London,GB`, `country:GB`, `region:EUROPE` or `*`.
    origin          text        not null,
    destination     text        not null,
    -- Empty: any.
    flight_numbers  text[]      not null,
    organization_id uuid references organizations (id),
    product         text        not null,
    handling_code   text references handling_codes (code),
    currency        text        not null,
    -- In minor units of the currency.
    minimum         bigint      not null check (minimum >= 0),
    -- Ten-thousandths of the currency's unit for a kilogram.
    normal          bigint      not null check (normal >= 0),
    -- Pairs of hectograms and ten-thousandths, ascending.
    breaks          jsonb       not null,
    -- Local dates of departure, inclusive.
    valid_from      date        not null,
    valid_to        date,
    is_current      boolean     not null,
    revision        bigint      not null,
    -- Of the first version, and of this one.
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    ended_at        timestamptz,
    primary key (id, version),
    check (valid_to >= valid_from),
    check (not (is_current and ended_at is not null))
);

create unique index tariffs_one_current_code on tariffs (code) where is_current;
create index tariffs_current on tariffs (id) where is_current;
create index tariffs_by_revision on tariffs (revision);

create table surcharges (
    id              uuid        not null,
    version         integer     not null check (version > 0),
    code            text        not null,
    basis           text        not null check (basis in ('PER_KG_ACTUAL', 'PER_KG_CHARGEABLE', 'FLAT', 'PERCENT')),
    -- Ten-thousandths: of the currency's unit, or of a percent.
    rate            bigint      not null check (rate >= 0),
    -- Null: that of the tariff.
    currency        text,
    -- Ten-thousandths of the currency's unit.
    minimum         bigint check (minimum >= 0),
    maximum         bigint check (maximum >= 0),
    per             text        not null check (per in ('SHIPMENT', 'LEG')),
    -- Freight with any of these. Empty: all freight.
    handling_codes  text[]      not null,
    airline_code    text references airlines (iata_code),
    origin          text        not null,
    destination     text        not null,
    flight_numbers  text[]      not null,
    valid_from      date        not null,
    valid_to        date,
    is_current      boolean     not null,
    revision        bigint      not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    ended_at        timestamptz,
    primary key (id, version),
    check (valid_to >= valid_from),
    check (maximum >= minimum),
    check ((currency is null) = (basis = 'PERCENT')),
    check (not (is_current and ended_at is not null))
);

create index surcharges_current on surcharges (id) where is_current;
create index surcharges_by_revision on surcharges (revision);

create table sales (
    id             uuid        not null,
    version        integer     not null check (version > 0),
    -- Null: for every quote that it matches.
    code           text,
    -- Ten-thousandths of a percent.
    percent        bigint check (percent between 0 and 1000000),
    amount         bigint check (amount >= 0),
    currency       text,
    -- UTC dates of quoting, inclusive.
    sale_from      date        not null,
    sale_to        date        not null,
    airline_code   text references airlines (iata_code),
    origin         text        not null,
    destination    text        not null,
    flight_numbers text[]      not null,
    valid_from     date        not null,
    valid_to       date,
    max_uses       bigint check (max_uses > 0),
    is_current     boolean     not null,
    revision       bigint      not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    ended_at       timestamptz,
    primary key (id, version),
    check (sale_to >= sale_from),
    check (valid_to >= valid_from),
    check ((percent is null) <> (amount is null)),
    check ((amount is null) = (currency is null)),
    check (not (is_current and ended_at is not null))
);

create unique index sales_one_current_code on sales (code) where is_current;
create index sales_current on sales (id) where is_current;
create index sales_by_revision on sales (revision);

-- The uses of each sale that has a limit. Without one, `used` stays 0 and only `sale_uses` counts.
create table sale_counters (
    sale_id  uuid   primary key,
    max_uses bigint check (max_uses > 0),
    used     bigint not null default 0 check (used >= 0),
    -- How often the limit was reached and lifted.
    turns    integer not null default 0,
    constraint sale_uses_within_limit check (used <= max_uses),
    check (max_uses is not null or used = 0)
) with (fillfactor = 50);

create index sale_counters_used_up on sale_counters (sale_id) where used >= max_uses;

-- What has taken a use of a sale: a hold, which keeps it when it becomes a booking.
create table sale_uses (
    sale_id    uuid not null references sale_counters (sale_id),
    subject_id uuid not null,
    primary key (sale_id, subject_id)
);

create index sale_uses_by_subject on sale_uses (subject_id);

-- Prices as they were quoted, with what they were computed from.
create table quotes (
    id              uuid        primary key,
    organization_id uuid        not null,
    created_by      uuid        not null,
    body            jsonb       not null,
    sale_id         uuid references sale_counters (sale_id),
    -- A hold or a booking has it: it is kept.
    is_taken        boolean     not null,
    expires_at      timestamptz not null,
    created_at      timestamptz not null
);

create index quotes_not_taken on quotes (created_at) where not is_taken;

-- A version is never changed but for being the current one.
create trigger tariffs_keep_versions before update on tariffs
    for each row when ((to_jsonb(old) - 'is_current') is distinct from (to_jsonb(new) - 'is_current'))
    execute function refuse_change();
create trigger surcharges_keep_versions before update on surcharges
    for each row when ((to_jsonb(old) - 'is_current') is distinct from (to_jsonb(new) - 'is_current'))
    execute function refuse_change();
create trigger sales_keep_versions before update on sales
    for each row when ((to_jsonb(old) - 'is_current') is distinct from (to_jsonb(new) - 'is_current'))
    execute function refuse_change();
