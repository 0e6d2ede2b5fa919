-- Amending a shipment changes what its leg takes of a flight: an entry of its own kind, with the difference.
alter table capacity_ledger drop constraint capacity_ledger_kind_check;
alter table capacity_ledger add constraint capacity_ledger_kind_check
    check (kind in ('CAPACITY_SET', 'BOOKED', 'AMENDED', 'RELEASED'));

-- Times are the best known ones: what is told of a departure and of an arrival may be the same instant.
alter table flights drop constraint flights_check1;
alter table flights add constraint flights_arrive_after_departure check (arrival_at >= departure_at);

-- A flight's name also finds those of it that were cancelled.
create index flights_by_name on flights (flight_number, origin, scheduled_date);
