-- Flights and bookings as the product leaves them: each booking is made with 100 kg and amended to and fro between 110 kg
-- and 100 kg. Entries of one flight go booking by booking.
create temp table many_flights as
select n, lpad(to_hex(1795161600000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0') as hex
from generate_series(1, :flights) n;

create temp table many_bookings as
select n, (n - 1) / :aboard + 1 as flight, (n - 1) % :aboard as place,
       (lpad(to_hex(1795161600000 + n), 12, '0') || '70008001' || lpad(to_hex(n), 12, '0'))::uuid as id,
       (lpad(to_hex(1795161600000 + n), 12, '0') || '70008002' || lpad(to_hex(n), 12, '0'))::uuid as leg,
       'ACB' || 100000000 + n as ref_id
from generate_series(1, :bookings) n;

insert into organizations values ('01900000-0000-7000-8000-000000000001', 'Large', now());

insert into flights
select hex::uuid, 'AI' || n % 9999 + 1, 'AI', 'DEL', 'LHR', '2026-11-21T10:00:00Z', '2026-11-21T19:00:00Z',
       '2026-11-21T10:00:00Z', '2026-11-21T19:00:00Z', date '2026-11-21' + n::int, null, null, null, false, null,
       '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z'
from many_flights;

insert into flight_events
select f.id, 1, 'CREATED', null, jsonb_build_object(
           'version', 1, 'flight_number', f.flight_number, 'origin', f.origin, 'destination', f.destination,
           'departure_at', f.departure_at, 'arrival_at', f.arrival_at,
           'scheduled_departure_at', f.scheduled_departure_at, 'scheduled_arrival_at', f.scheduled_arrival_at,
           'scheduled_date', f.scheduled_date, 'actual_departure_at', null, 'actual_arrival_at', null,
           'aircraft_code', null, 'is_freighter', false, 'status', 'SCHEDULED', 'capacity_weight_hg', 10000000,
           'capacity_volume_l', 10000000, 'capacity_positions', 0, 'cutoff_at', timestamptz '2026-11-21T09:00:00Z'),
       '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z'
from flights f;

-- The last of an even number of changes leaves 110 kg.
insert into flight_capacity
select hex::uuid, 'SCHEDULED', '2026-11-21T09:00:00Z', 10000000, 10000000, 0,
       :aboard * 1100, :aboard * 1000, 0, 0, 0, 0, 1, 1 + :aboard * :changes
from many_flights;

insert into capacity_ledger
select hex::uuid, 1, 'CAPACITY_SET', null, null, null, 0, 0, 0, 10000000, 10000000, 0, 0, 0, 0, 0, 0, 0,
       '2026-11-20T08:00:00Z'
from many_flights;

insert into capacity_ledger
select f.hex::uuid, 1 + b.place * :changes + c, case c when 1 then 'BOOKED' else 'AMENDED' end, b.id, b.leg, null,
       case when c = 1 then 1000 when c % 2 = 0 then 100 else -100 end, case c when 1 then 1000 else 0 end, 0,
       10000000, 10000000, 0, b.place * 1100 + 1000 + (1 - c % 2) * 100, (b.place + 1) * 1000, 0, 0, 0, 0,
       '2026-11-20T08:00:00Z'
from many_bookings b join many_flights f on f.n = b.flight cross join generate_series(1, :changes) c;

insert into bookings
select id, ref_id, '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002', 'BOOKED', 'DEL',
       'LHR', 1, 1100, 1000, false, 0, '{}', null, false, :changes, null, :changes, '2026-11-20T08:00:00Z',
       '2026-11-20T08:00:00Z'
from many_bookings;

insert into booking_refs select ref_id, id from many_bookings;

insert into booking_legs
select b.id, b.leg, 1, f.id, f.flight_number, 'DEL', 'LHR', f.departure_at, f.arrival_at, 'BOOKED', null, 'KK', 1,
       1100, 1000, 0
from many_bookings b join many_flights m on m.n = b.flight join flights f on f.id = m.hex::uuid;

insert into booking_events
select b.id, c, gen_random_uuid(), case c when 1 then 'BOOKED' else 'AMENDED' end, 'BOOKED', 'DEL', l.flight_id,
       l.flight_number, l.id, 1, 1000 + (1 - c % 2) * 100, null, 1,
       case c when 1 then jsonb_build_object(
           'ref_id', b.ref_id, 'organization_id', b.organization_id, 'created_by', b.created_by, 'origin', 'DEL',
           'destination', 'LHR', 'pieces', 1, 'weight_hg', 1000, 'volume_l', 1000, 'volume_defaulted', false,
           'positions', 0, 'special_handling_codes', '[]'::jsonb, 'awb_number', null, 'needs_rerouting', false,
           'legs', jsonb_build_array(jsonb_build_object(
               'id', l.id, 'sequence', 1, 'flight_id', l.flight_id, 'flight_number', l.flight_number, 'origin', 'DEL',
               'destination', 'LHR', 'departure_at', l.departure_at, 'arrival_at', l.arrival_at, 'status', 'BOOKED',
               'offload_reason', null, 'space_code', 'KK', 'pieces', 1, 'weight_hg', 1000, 'volume_l', 1000,
               'positions', 0)))
       else jsonb_build_object('weight_hg', 1000 + (1 - c % 2) * 100, 'legs', jsonb_build_array(
           jsonb_build_object('id', l.id, 'weight_hg', 1000 + (1 - c % 2) * 100))) end,
       '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z'
from bookings b join booking_legs l on l.booking_id = b.id cross join generate_series(1, :changes) c;

insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
select 'booking', booking_id, sequence, event_type, '{}'::jsonb, occurred_at from booking_events
union all
select 'flight', flight_id, sequence, event_type, '{}'::jsonb, occurred_at from flight_events;

analyze;
