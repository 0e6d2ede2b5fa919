-- The releases of the IANA time zone database with which the names of flights were compared.
create table time_zone_releases (
    -- Such as 2026b; ordered by it.
    version     text primary key,
    -- Flights to come that leave on another local date than that in their names.
    flights     integer     not null,
    compared_at timestamptz not null
);
