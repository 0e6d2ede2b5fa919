-- What an anonymous caller is offered over time: the first option by price, for a lane, a departure date and a weight. Nothing here
-- is from prices that were made for an organization.

-- The lanes that were asked, each with the last quarter of an hour in which it was: a repeated run of it changes nothing.
create table rate_lanes (
    origin      text        not null,
    destination text        not null,
    slot        timestamptz not null,
    -- When it was asked.
    sampled_at  timestamptz not null,
    primary key (origin, destination)
);

-- A row for each answer that differs from the one before. Kept for 122 days.
create table rate_points (
    origin         text        not null,
    destination    text        not null,
    -- `offered`.
    source         text        not null,
    weight_kg      integer     not null,
    -- Local date at the origin.
    departure_date date        not null,
    sampled_at     timestamptz not null,
    -- These four are null where nothing can be booked, or has a price.
    currency       text,
    -- In minor units.
    amount         bigint,
    -- For a kilogram of chargeable weight, in ten-thousandths.
    per_kg         bigint,
    airline_code   text,
    primary key (origin, destination, source, weight_kg, departure_date, sampled_at),
    check (num_nulls(currency, amount, per_kg, airline_code) in (0, 4))
) with (autovacuum_vacuum_scale_factor = 0.05);

create index rate_points_by_time on rate_points (sampled_at);

-- The sums of the answers of one day, over all departure dates. Kept for four years.
create table rate_days (
    origin      text    not null,
    destination text    not null,
    weight_kg   integer not null,
    -- `offered`, or `demo`: invented for a demonstration.
    source      text    not null,
    currency    text    not null,
    -- The local date at the origin on which was asked.
    day         date    not null,
    -- For a kilogram of chargeable weight, in ten-thousandths.
    low         bigint  not null,
    high        bigint  not null check (high >= low),
    sum         bigint  not null,
    samples     integer not null check (samples > 0),
    primary key (origin, destination, weight_kg, source, currency, day)
) with (fillfactor = 80);

create index rate_days_by_day on rate_days (day);
