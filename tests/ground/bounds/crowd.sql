-- :aboard bookings with one leg each on the flight :flight, as the product leaves them: 1 kg and 10 l each. The flight was
-- made through the API and nothing is booked on it yet. The caller has switched triggers off.
create temp table crowd as
select n, (lpad(to_hex(1795161600000 + n), 12, '0') || '70008001' || lpad(to_hex(n), 12, '0'))::uuid as id,
       (lpad(to_hex(1795161600000 + n), 12, '0') || '70008002' || lpad(to_hex(n), 12, '0'))::uuid as leg,
       'ACB' || 100000000 + n as ref_id
from generate_series(1, :aboard) n;

insert into organizations values ('01900000-0000-7000-8000-000000000001', 'Crowd', now());

insert into capacity_ledger
select c.flight_id, 1 + n, 'BOOKED', id, leg, null, 10, 10, 0, c.capacity_weight_hg, c.capacity_volume_l,
       c.capacity_positions, n * 10, n * 10, 0, 0, 0, 0, '2026-11-20T08:00:00Z'
from crowd cross join flight_capacity c where c.flight_id = ':flight';

update flight_capacity
set booked_weight_hg = :aboard * 10, booked_volume_l = :aboard * 10, ledger_seq = 1 + :aboard
where flight_id = ':flight';

insert into bookings
select c.id, c.ref_id, '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002', 'BOOKED', f.origin,
       f.destination, 1, 10, 10, false, 0, '{}', null, false, 1, null, 1, '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z'
from crowd c cross join flights f where f.id = ':flight';

insert into booking_refs select ref_id, id from crowd;

insert into booking_legs
select c.id, c.leg, 1, f.id, f.flight_number, f.origin, f.destination, f.departure_at, f.arrival_at, 'BOOKED', null,
       'KK', 1, 10, 10, 0
from crowd c cross join flights f where f.id = ':flight';

insert into booking_events
select b.id, 1, gen_random_uuid(), 'BOOKED', 'BOOKED', b.origin, l.flight_id, l.flight_number, l.id, 1, 10, b.created_by,
       1, jsonb_build_object(
           'ref_id', b.ref_id, 'organization_id', b.organization_id, 'created_by', b.created_by, 'origin', b.origin,
           'destination', b.destination, 'pieces', 1, 'weight_hg', 10, 'volume_l', 10, 'volume_defaulted', false,
           'positions', 0, 'special_handling_codes', '[]'::jsonb, 'awb_number', null, 'needs_rerouting', false,
           'legs', jsonb_build_array(jsonb_build_object(
               'id', l.id, 'sequence', 1, 'flight_id', l.flight_id, 'flight_number', l.flight_number,
               'origin', l.origin, 'destination', l.destination, 'departure_at', l.departure_at,
               'arrival_at', l.arrival_at, 'status', 'BOOKED', 'offload_reason', null, 'space_code', 'KK', 'pieces', 1,
               'weight_hg', 10, 'volume_l', 10, 'positions', 0))),
       '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z'
from bookings b join booking_legs l on l.booking_id = b.id where l.flight_id = ':flight';

insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
select 'booking', e.booking_id, e.sequence, e.event_type, '{}'::jsonb, e.occurred_at
from booking_events e join crowd on crowd.id = e.booking_id;

analyze;
