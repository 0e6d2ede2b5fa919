-- Flights in the order of their arrival: all, those that have arrived, those under way, and those yet to leave. The order of
-- departure has the same indexes. The cancelled ones are few, and are sorted. Writers of flights wait while the indexes are built:
-- about a second per million rows each.
create index flights_by_arrival on flights (arrival_at, id);
create index flights_arrived_by_arrival on flights (arrival_at, id) where actual_arrival_at is not null;
create index flights_under_way_by_arrival on flights (arrival_at, id)
    where actual_departure_at is not null and actual_arrival_at is null;
create index flights_to_leave_by_arrival on flights (arrival_at, id) where cancelled_at is null and actual_departure_at is null;
