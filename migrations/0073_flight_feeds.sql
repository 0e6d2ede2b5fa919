-- Which feed gives a flight. Its own table: what a booking decides on, and what shows flights, is not touched by it.
create table flight_feeds (
    flight_id uuid        primary key references flights (id),
    -- The feed whose run last gave the flight.
    feed_id   uuid        not null,
    -- When a run that changed the schedule last gave it.
    seen_at   timestamptz not null,
    -- A person has changed it: no run of a feed changes it any more.
    is_kept   boolean     not null default false
) with (fillfactor = 80);

create index flight_feeds_by_feed on flight_feeds (feed_id, flight_id);
create index flight_feeds_kept on flight_feeds (flight_id) where is_kept;
