-- What is due is found from the flights that are about to close: a reminder leaves a row when it is sent, and none before.
create index flight_capacity_to_close on flight_capacity (cutoff_at, flight_id) where status = 'SCHEDULED';

-- One row: flights that close by then were looked at. The process that looks locks it.
create table reminder_watermark (
    looked_until timestamptz not null
);
insert into reminder_watermark (looked_until) values ('1970-01-01T00:00:00Z');

comment on table reminders is 'Bookings whose shipper was reminded. WAITING: a process of an older release may still send it.';
