-- Searches are counted. Each process writes its sums of equal searches every 30 seconds and at shutdown: with little traffic a row
-- is one search. A row names no user, organization, address or exact weight.
create table searches (
    id             uuid        primary key,
    -- The local date at the origin on which was asked; of the lane `*`, the date in UTC.
    asked_on       date        not null,
    -- `*`: searches beyond the number of sums that a process keeps, of any lane.
    origin         text        not null,
    destination    text        not null,
    departure_date date,
    -- The highest of 0, 45, 100, 300, 500 and 1000 kg that is not above the weight.
    weight_class   integer     not null,
    -- Null without a credential.
    role           text,
    channel        text        not null,
    outcome        text        not null,
    searches       bigint      not null check (searches > 0),
    options        bigint      not null,
    bookable       bigint      not null,
    took_us        bigint      not null,
    cache_hits     bigint      not null,
    counted_at     timestamptz not null
);

create index searches_by_date on searches (asked_on, id);
create index searches_by_origin on searches (origin, id);
create index searches_by_destination on searches (destination, id);
create index searches_by_outcome on searches (outcome, id);

-- The sums of rows that are older than `analytics.search_days`.
create table search_days (
    asked_on     date    not null,
    origin       text    not null,
    destination  text    not null,
    weight_class integer not null,
    channel      text    not null,
    outcome      text    not null,
    searches     bigint  not null,
    options      bigint  not null,
    bookable     bigint  not null,
    took_us      bigint  not null,
    cache_hits   bigint  not null,
    primary key (asked_on, origin, destination, weight_class, channel, outcome)
);
