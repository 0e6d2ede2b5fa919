-- What is going on at stations, for the local dates of each: replaced every day.

-- Stations to which more is searched and booked than before, by the growth.
create table station_trends (
    station     text        primary key,
    rank        integer     not null,
    -- Of the last seven dates.
    searches    bigint      not null,
    bookings    bigint      not null,
    -- Searches and bookings of the four weeks before.
    former      bigint      not null,
    computed_at timestamptz not null
);

create index station_trends_by_rank on station_trends (rank);

-- Sums of the flights that were to leave a station on the last 28 dates, and its lanes with most of them.
create table station_insights (
    station     text        primary key,
    first_date  date        not null,
    last_date   date        not null,
    departures  bigint      not null,
    departed    bigint      not null,
    on_time     bigint      not null,
    booked_hg   bigint      not null,
    capacity_hg bigint      not null,
    lanes       jsonb       not null,
    computed_at timestamptz not null
);
