-- The releases of the IANA time zone database by which the dates of flights were computed.
create table time_zone_releases (
    -- Such as 2026b; ordered by it.
    version    text primary key,
    -- Flights that got another date.
    flights    integer     not null,
    -- Flights whose date stayed at the last time, because another flight has their name.
    kept       integer     not null,
    applied_at timestamptz not null
);
