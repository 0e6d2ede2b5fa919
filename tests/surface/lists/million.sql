-- A million bookings of 360 days before the tests' start of time, and what comes with them, as the product leaves them: 2 800
-- bookings a day by 5 000 organizations on 100 000 flights. A few organizations and routes have much of it; half of the
-- organizations ship from their own airports only. The caller has switched triggers off and made the partitions.
select setseed(0.5);

-- An id as of a moment. Things of one kind have one tag.
create function pg_temp.v7(moment timestamptz, tag integer, n bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(tag), 3, '0') || '8'
            || lpad(to_hex(n), 15, '0'))::uuid
$$;

-- For what has no moment of its own.
create function pg_temp.early(tag integer, n bigint) returns uuid language sql immutable as $$
    select pg_temp.v7('2025-11-01T00:00:00Z'::timestamptz + n * interval '1 second', tag, n)
$$;

create temp table place as
select row_number() over (order by iata_code <> 'DEL', iata_code <> 'BOM', md5(iata_code)) - 1 as n, iata_code as code
from airports order by n limit 120;
create index on place (n);

insert into organizations (id, name, created_at)
select pg_temp.early(1, n), 'Forwarder ' || n || ' ' || substr(md5(n::text), 1, 6), '2025-11-01T00:00:00Z'::timestamptz + n * interval '1 second'
from generate_series(0, 4999) n;

-- Two of each organization: some of them staff, one in a hundred disabled.
insert into users (id, organization_id, email, email_key, name, role, password_hash, disabled_at, created_at, updated_at)
select pg_temp.early(2, n), pg_temp.early(1, n / 2), 'user' || n || '@' || md5(n::text) || '.example', 'user' || n || '@' || md5(n::text) || '.example',
       'User ' || n, case when n % 500 = 7 then 'operator' when n % 5000 = 9 then 'admin' else 'customer' end, 'none',
       case when n % 100 = 99 then '2026-01-01T00:00:00Z'::timestamptz end, '2025-11-01T00:00:00Z', '2025-11-01T00:00:00Z'
from generate_series(0, 9999) n;

-- Guests, who hold and go.
insert into users (id, organization_id, role, created_at, updated_at)
select pg_temp.v7(at, 3, n), pg_temp.v7(at, 4, n), 'guest', at, at
from generate_series(0, 49999) n cross join lateral (select '2026-11-01T00:00:00Z'::timestamptz + n * interval '30 seconds' as at) m;
insert into organizations (id, name, created_at, founder_id, is_of_guest)
select organization_id, 'Guest', created_at, id, true from users where role = 'guest';

-- 1 000 of one user, who lets programs make them.
insert into api_keys (id, user_id, name, role, key_hash, created_at)
select pg_temp.early(5, n), pg_temp.early(2, case when n < 1000 then 9 else n % 10000 end), 'Key ' || n, 'customer', sha256(n::text::bytea), '2025-12-01T00:00:00Z'
from generate_series(0, 49999) n;

insert into admin_acts (id, act, actor_id, subject_kind, subject_id, data, acted_at)
select pg_temp.v7(at, 6, n), case when n % 1000 = 0 then 'organization.renamed' when n % 3 = 0 then 'user.changed' else 'bookings.exported' end,
       pg_temp.early(2, 9 + 5000 * (n % 2)), 'user', pg_temp.early(2, n % 10000)::text, '{}', at
from generate_series(0, 299999) n cross join lateral (select '2025-12-01T00:00:00Z'::timestamptz + n * interval '100 seconds' as at) m;

insert into jobs (id, kind, payload, priority, state, run_at, max_attempts, attempts, last_error, created_at, updated_at)
select pg_temp.v7(at, 7, n), case when n % 500 = 0 then 'old_quotes' else 'expire_hold' end, '{}', 100,
       case when n >= 4990 then 'QUEUED' else 'DEAD' end, '2027-01-01T00:00:00Z', 5, 5, 'refused', at, at
from generate_series(0, 4999) n cross join lateral (select '2026-05-01T00:00:00Z'::timestamptz + n * interval '10 minutes' as at) m;

-- 1 000 routes from 60 airports to 60 others, and 200 that go on from there; each has a flight every four days.
create temp table route as
select n, (case when n < 1000 then n % 60 else 60 + n % 60 end) as origin,
       (case when n < 1000 then 60 + n * 7 % 60 else n * 11 % 60 end) as destination,
       case when n < 1000 then 'AI' else 'BA' end as airline
from generate_series(0, 1199) n;

create temp table flown as
select r.n as route, turn, pg_temp.early(8, r.n * 100 + turn) as id, airline || (1 + r.n % 1000) as flight_number, airline, o.code as origin,
       d.code as destination, at as departure, at + interval '5 hours' as arrival,
       case when (r.n + turn) % 40 = 0 then 'CANCELLED' when at < '2026-11-20T00:00:00Z' then 'ARRIVED'
            when at < '2026-11-20T08:00:00Z' then 'DEPARTED' else 'SCHEDULED' end as status
from route r join place o on o.n = r.origin join place d on d.n = r.destination cross join generate_series(0, 99) turn
cross join lateral (select '2025-11-20T00:00:00Z'::timestamptz + turn * interval '4 days' + r.n * interval '70 seconds' as at) m;
create unique index on flown (route, turn);

insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at, scheduled_departure_at,
                     scheduled_arrival_at, scheduled_date, is_freighter, cancelled_at, actual_departure_at, actual_arrival_at, created_at, updated_at)
select id, flight_number, airline, origin, destination, departure, arrival, departure, arrival, departure::date, false,
       case when status = 'CANCELLED' then departure end, case when status in ('DEPARTED', 'ARRIVED') then departure end,
       case when status = 'ARRIVED' then arrival end, departure - interval '60 days', departure - interval '60 days'
from flown;

insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions)
select id, status, departure - interval '1 hour', 10000000, 10000000, 20 from flown;

-- Who ships what where: from the oldest to the newest. Routes of every other organization begin at its own airports.
create temp table shipped as
select n, at, organization, pg_temp.v7(at, 9, n) as id,
       case when organization % 2 = 0 then route - route % 10 + organization % 10 else route end as route,
       case when n % 20 = 3 then 'CANCELLED' when n > 972000 then 'BOOKED' when n > 967000 then 'DEPARTED'
            when n > 965000 then 'ARRIVED' else 'DELIVERED' end as status
from (select n, '2026-11-20T08:00:00Z'::timestamptz - interval '360 days' + n * interval '360 days' / 1000001 as at,
             floor(5000 * power(random(), 2.5))::integer as organization, floor(1000 * power(random(), 1.5))::integer as route
      from generate_series(1, 1000000) n offset 0) drawn;

create temp table leg as
select s.n, s.id as booking, 1 as sequence, f.* from shipped s
join flown f on f.route = s.route and f.turn = least(99, greatest(0, extract(epoch from s.at - '2025-11-10T00:00:00Z'::timestamptz)::bigint / 345600));
-- One in five goes on.
insert into leg
select l.n, l.booking, 2, f.* from leg l
join route r on r.n = l.route
join flown f on f.route = 1020 + r.destination - 60 + 60 * (l.n % 3) and f.turn = least(99, l.turn + 1)
where l.n % 5 = 1 and f.origin = l.destination and f.destination <> l.origin;
create index on leg (booking);
analyze shipped;
analyze leg;

insert into bookings (id, ref_id, organization_id, created_by, status, origin, destination, pieces, weight_hg, volume_l, volume_defaulted,
                      positions, special_handling_codes, awb_number, needs_rerouting, event_sequence, created_at, updated_at)
select s.id, 'ACB' || lpad((s.n::bigint * 387420489 % 1000000007)::text, 10, '0'), pg_temp.early(1, organization), pg_temp.early(2, organization * 2 + s.n % 2), s.status,
       a.origin, z.destination, 1 + s.n % 9, 10 + s.n % 9000, 10 + s.n % 9000, false, 0, '{}',
       case when s.n % 5 < 3 then '020-' || lpad(s.n::text, 7, '0') || s.n % 7 end, s.status in ('BOOKED', 'ARRIVED') and s.n % 150 = 0, 2, s.at, s.at
from shipped s
join leg a on a.booking = s.id and a.sequence = 1
cross join lateral (select destination from leg where booking = s.id order by sequence desc limit 1) z;

insert into booking_refs select ref_id, id from bookings;
insert into awb_claims select awb_number, id from bookings where awb_number is not null and status <> 'CANCELLED';

insert into booking_legs (booking_id, id, sequence, flight_id, flight_number, origin, destination, departure_at, arrival_at, status,
                          pieces, weight_hg, volume_l, positions)
select l.booking, pg_temp.v7(s.at, 9 + l.sequence, l.n), l.sequence, l.id, l.flight_number, l.origin, l.destination, l.departure, l.arrival,
       case s.status when 'BOOKED' then 'BOOKED' when 'CANCELLED' then 'RELEASED'
            when 'DEPARTED' then case l.sequence when 1 then 'DEPARTED' else 'BOOKED' end else 'ARRIVED' end,
       1 + s.n % 9, 10 + s.n % 9000, 10 + s.n % 9000, 0
from leg l join shipped s on s.id = l.booking;

-- Most have a description of two words of forty, and a number of the shipper's.
insert into booking_texts (booking_id, description, customer_reference)
select id, case when n % 5 < 3 then initcap(substr(md5((n * 7 % 40)::text), 1, 6)) || ' parts, ' || substr(md5((n * 13 % 40)::text), 1, 6) end,
       case when n % 10 < 7 then 'PO-' || n end
from shipped where n % 5 < 3 or n % 10 < 7;

insert into booking_events (booking_id, sequence, id, event_type, status, location, flight_id, flight_number, leg_id, pieces, weight_hg,
                            data_version, data, occurred_at, created_at)
select s.id, step, pg_temp.v7(s.at, 12 + step, s.n), case step when 1 then 'BOOKED' when 2 then 'AMENDED' end, 'BOOKED', l.origin,
       l.id, l.flight_number, pg_temp.v7(s.at, 10, s.n), 1 + s.n % 9, 10 + s.n % 9000, 1, '{"legs": []}', s.at, s.at
from shipped s join leg l on l.booking = s.id and l.sequence = 1 cross join generate_series(1, 2) step;

-- Holds: as many as a third of the bookings, most of them over.
create temp table held as
select n, at, pg_temp.v7(at, 15, n) as id, organization,
       case when n > 298500 then 'ACTIVE' when n % 3 = 0 then 'COMMITTED' when n % 3 = 1 then 'EXPIRED' else 'RELEASED' end as status,
       case when n % 50 = 0 then 'RESERVATION' when n % 75 = 1 then 'OFFER' when n % 400 = 3 then 'ALLOTMENT' else 'ITINERARY' end as kind, route, turn
from (select n, '2025-12-01T00:00:00Z'::timestamptz + n * interval '102 seconds' as at, floor(5000 * power(random(), 3))::integer as organization,
             floor(1000 * power(random(), 2.5))::integer as route, least(99, 3 + n / 3400) as turn
      from generate_series(1, 300000) n offset 0) drawn;
analyze held;

insert into holds (id, kind, status, end_reason, organization_id, created_by, is_guest, is_counted, origin, destination, weight_hg, volume_l,
                   volume_defaulted, positions, product, special_handling_codes, booking_id, booking_ref, expires_at, latest_expires_at, ended_at,
                   created_at, updated_at)
select h.id, kind, h.status, case h.status when 'RELEASED' then 'CALLER' end, pg_temp.early(1, organization), pg_temp.early(2, organization * 2), false, true,
       f.origin, f.destination, 1000, 1000, false, 0, 'GENERAL', '{}', case h.status when 'COMMITTED' then pg_temp.v7(at, 16, n) end,
       case h.status when 'COMMITTED' then 'ACB' || 100000000 + n end, case h.status when 'ACTIVE' then '2026-11-21T00:00:00Z' else at + interval '15 minutes' end,
       '2026-11-21T00:00:00Z', case h.status when 'ACTIVE' then null else at + interval '10 minutes' end, at, at
from held h join flown f using (route, turn);

insert into hold_legs (hold_id, sequence, flight_id, flight_number, origin, destination, departure_at, arrival_at, weight_hg, volume_l, positions, is_open)
select h.id, 1, f.id, f.flight_number, f.origin, f.destination, f.departure, f.arrival, 1000, 1000, 0, h.status = 'ACTIVE'
from held h join flown f using (route, turn);

insert into hold_texts (hold_id, description) select id, 'Parts' from held where n % 4 = 0;

-- Those who wait, and waited, by a flight's name.
insert into waitlist_entries (id, organization_id, created_by, status, origin, destination, flight_ids, departure_date, weight_hg, volume_l,
                              volume_defaulted, positions, special_handling_codes, priority, rank, queued_at, hold_id, created_at, updated_at)
select pg_temp.v7(m.at, 17, w.n), pg_temp.early(1, w.n % 5000), pg_temp.early(2, w.n % 5000 * 2), word, f.origin, f.destination, array[f.id], null, 1000, 1000, false,
       0, '{}', 5, w.n, m.at, case when word in ('OFFERED', 'BOOKED', 'DECLINED') then h.id end, m.at, m.at
from generate_series(1, 30000) w (n)
cross join lateral (select '2025-12-01T00:00:00Z'::timestamptz + w.n * interval '1020 seconds' as at,
                           case when w.n > 29000 then 'WAITING' when w.n > 28900 then 'OFFERED' when w.n % 4 = 0 then 'DECLINED' when w.n % 4 = 1 then 'EXPIRED' when w.n % 50 = 2 then 'DECLINED'
                                when w.n % 4 = 2 then 'BOOKED' else 'CANCELLED' end as word) m
join held h on h.n = w.n * 2
join flown f on f.route = w.n % 1000 and f.turn = least(99, 3 + w.n / 330);
insert into waitlist_flights select flight_ids[1], id from waitlist_entries where status = 'WAITING';

insert into allotments (id, organization_id, name, origin, destination, weekdays, date_from, date_to, weight_hg, volume_l, volume_defaulted,
                        positions, release_hours, created_by, created_at, updated_at)
select pg_temp.early(18, t.n), pg_temp.early(1, t.n % 2000), 'Season', a.code, z.code, '{1,2,3,4,5,6,7}', '2025-12-01', '2026-12-31', 1000, 1000, false, 0, 24,
       pg_temp.early(2, 9), '2025-12-01T00:00:00Z', '2025-12-01T00:00:00Z'
from generate_series(0, 19999) t (n) join place a on a.n = t.n % 60 join place z on z.n = 60 + t.n % 60;
insert into allotment_flights (allotment_id, flight_id, hold_id, revision, tried_at)
select pg_temp.early(18, h.n / 5 % 500), f.id, h.id, 1, h.at
from held h join flown f using (route, turn) where h.n % 5 = 0
on conflict do nothing;

insert into notifications (id, message_id, receiver, user_id, organization_id, channel, type, ref_id, due_at, expires_at, status, reason, next_at,
                           created_at, sent_at)
select pg_temp.v7(at, 19, n), 'm' || n, 'user:' || person, pg_temp.early(2, person), pg_temp.early(1, person / 2), case when n % 9 = 0 then 'sms' else 'email' end,
       case when n % 2 = 0 then 'booking.confirmed' else 'booking.departed' end, 'ACB' || lpad(((n / 4 + 1)::bigint * 387420489 % 1000000007)::text, 10, '0'), at, at + interval '1 day',
       word, case when word in ('FAILED', 'SUPPRESSED') then 'bounced' end, at, at, case when word = 'SENT' then at end
from (select n, '2026-08-25T00:00:00Z'::timestamptz + n * interval '7.5 seconds' as at, floor(10000 * power(random(), 3))::integer as person,
             case when n > 999950 then 'WAITING' when n % 100 = 0 then 'FAILED' when n % 33 = 0 then 'SUPPRESSED' else 'SENT' end as word
      from generate_series(1, 1000000) n offset 0) drawn;

insert into webhooks (id, organization_id, url, types, origins, destinations, scope, status, disabled_reason, secret, created_by, changed_by,
                      by_operator, created_at, updated_at, deleted_at)
select pg_temp.early(20, n), pg_temp.early(1, n % 4000), 'https://hooks.example/' || n, '{loadmaster.booking.*}', '{}', '{}', 'organization', word,
       case word when 'DISABLED' then 'manual' end, '\x00', pg_temp.early(2, n % 4000 * 2), pg_temp.early(2, n % 4000 * 2), false, '2025-12-01T00:00:00Z',
       '2025-12-01T00:00:00Z', case when n % 50 = 1 then '2026-01-01T00:00:00Z'::timestamptz end
from generate_series(0, 19999) n cross join lateral (select case when n % 700 = 0 then 'FAILING' when n % 10 = 0 then 'DISABLED' else 'ACTIVE' end as word) w;
insert into webhook_messages (id, event_id, type, subject, sequence, body, is_replay, created_at)
select pg_temp.v7(at, 21, n), 'e' || n, case when n % 5000 = 0 then 'loadmaster.booking.cancelled.v1' else 'loadmaster.booking.booked.v1' end,
       'ACB' || lpad(((n / 4 + 1)::bigint * 387420489 % 1000000007)::text, 10, '0'), n % 4, '{}', false, at
from generate_series(1, 400000) n cross join lateral (select '2026-10-21T00:00:00Z'::timestamptz + n * interval '6.5 seconds' as at) m;
-- A quarter of them to the webhook of one great shipper.
insert into webhook_deliveries (id, webhook_id, message_id, type, subject, sequence, is_own, status, next_attempt_at, created_at, delivered_at)
select pg_temp.v7(m.created_at, 22, n), pg_temp.early(20, case when n % 4 = 0 then 10 else n % 20000 end), m.id, m.type, m.subject, m.sequence, true,
       word, case word when 'WAITING' then '2026-11-21T00:00:00Z'::timestamptz end, m.created_at, case word when 'DELIVERED' then m.created_at end
from (select row_number() over (order by id) as n, m.* from webhook_messages m) m
cross join lateral (select case when n > 399900 then 'WAITING' when n % 3000 = 0 then 'FAILED' else 'DELIVERED' end as word) w;

insert into credit_accounts (organization_id, currency, credit_limit, used, entries, created_at, updated_at)
select pg_temp.early(1, n), 'USD', 100000000, 0, case when n = 0 then 50000 else 150 end, '2025-12-01T00:00:00Z', '2025-12-01T00:00:00Z' from generate_series(0, 999) n;
insert into credit_entries (organization_id, seq, kind, amount, used, credit_limit, reference, created_at)
select pg_temp.early(1, n), seq, case when seq = 1 then 'LIMIT' else 'PAYMENT' end, 100, 0, 100000000, 'r' || seq, '2025-12-01T00:00:00Z'::timestamptz + seq * interval '10 minutes'
from generate_series(0, 999) n cross join lateral generate_series(1, case when n = 0 then 50000 else 150 end) seq;

-- Every fifth booking is paid: some at the second attempt, few still under way, and a refund of few is not made yet.
insert into payments (id, organization_id, created_by, method, booking_id, booking_ref, provider, status, currency, amount, captured,
                      failure_code, failure_message, created_at, updated_at)
select pg_temp.v7(s.at, 28, s.n * 2 + attempt), b.organization_id, b.created_by, 'TOKEN', b.id, b.ref_id, 'test', word, 'USD', 10000,
       case word when 'CAPTURED' then 10000 else 0 end, case word when 'FAILED' then 'card_declined' end,
       case word when 'FAILED' then 'The payment provider declined the payment.' end, s.at, s.at
from shipped s join bookings b on b.id = s.id
cross join lateral generate_series(case when s.n % 500 = 0 then 0 else 1 end, 1) attempt
cross join lateral (select case when attempt = 0 then 'FAILED' when s.n > 999500 then 'AUTHORIZED' when s.n % 1500 = 5 then 'VOIDED'
                                else 'CAPTURED' end as word) w
where s.n % 5 = 0;
insert into payment_operations (id, payment_id, sequence, kind, amount, status, next_attempt_at, created_at, updated_at)
select pg_temp.v7(s.at, 29, s.n), p.id, 1, 'REFUND', 1000, word, case word when 'OPEN' then '2026-11-21T00:00:00Z'::timestamptz end, s.at, s.at
from shipped s join payments p on p.id = pg_temp.v7(s.at, 28, s.n * 2 + 1)
cross join lateral (select case when s.n % 10000 = 0 then 'OPEN' else 'SUCCEEDED' end as word) w
where s.n % 100 = 0 and p.status = 'CAPTURED';

insert into test_payments (reference, operation_id, behaviour, status, currency, amount, created_at)
select 't' || n, pg_temp.early(23, n), 'OK', 'CAPTURED', 'USD', 100, '2025-12-01T00:00:00Z' from generate_series(1, 100000) n;
insert into test_operations (operation_id, reference, kind, currency, amount, outcome, acted_at)
select pg_temp.early(23, n), 't' || n, 'AUTHORIZE', 'USD', 100, 'SUCCEEDED', '2025-12-01T00:00:00Z' from generate_series(1, 100000) n;

-- Nobody took these, and they hold no more.
insert into quotes (id, organization_id, created_by, body, is_taken, expires_at, created_at)
select pg_temp.v7(at, 30, n), pg_temp.early(1, n % 5000), pg_temp.early(2, n % 5000 * 2), '{}', false, at + interval '1 hour', at
from generate_series(1, 100000) n cross join lateral (select '2026-11-13T00:00:00Z'::timestamptz + n * interval '6 seconds' as at) m;

-- Alerts of all organizations: half of them have ended, one in eight is paused.
insert into alerts (id, organization_id, created_by, kind, status, origin, destination, weight_hg, special_handling_codes, below_amount, currency,
                    ended_at, is_met, is_armed, is_pending, is_fresh, next_check_at, created_at, updated_at)
select pg_temp.v7(at, 40, g), pg_temp.early(1, g % 5000), pg_temp.early(2, g % 5000 * 2), case when g % 3 = 0 then 'PRICE' else 'SPACE' end, word,
       a.code, z.code, 1000, '{}', case when g % 3 = 0 then 45000 end, case when g % 3 = 0 then 'USD' end,
       case when word = 'EXPIRED' then at + interval '30 days' end, false, true, false, false, '2030-01-01', at, at
from generate_series(1, 20000) g
cross join lateral (select '2025-12-01T00:00:00Z'::timestamptz + g * interval '1500 seconds' as at,
                           case when g % 8 = 0 then 'PAUSED' when g % 2 = 0 then 'EXPIRED' else 'ACTIVE' end as word) m
join place a on a.n = g % 60 join place z on z.n = 60 + g * 7 % 60;

-- Feeds, one with most runs, and a run with as many differences as are kept.
insert into feeds (id, name, kind, format, airline_codes, every_minutes, apply, cancels_absent, status, changed_by, created_at, updated_at)
select pg_temp.early(70, n), 'Feed ' || n, (array['FLIGHTS', 'SEASON', 'TARIFFS', 'REFERENCE_RATES'])[1 + n % 4], 'CSV', '{AI}', 60, 'AUTO', false,
       case when n % 50 = 0 then 'FAILING' when n % 10 = 0 then 'PAUSED' else 'ACTIVE' end, pg_temp.early(2, 9), '2025-12-01T00:00:00Z',
       '2025-12-01T00:00:00Z'
from generate_series(0, 199) n;
insert into feed_runs (id, feed_id, trigger, status, started_at, ended_at)
select pg_temp.v7(at, 71, n), pg_temp.early(70, case when n % 3 = 0 then n % 200 else 7 end), 'SCHEDULE',
       case when n % 1000 = 0 then 'FAILED' when n % 20 = 0 then 'APPLIED' else 'UNCHANGED' end, at, at
from generate_series(0, 19999) n cross join lateral (select '2026-08-25T00:00:00Z'::timestamptz + n * interval '6 minutes' as at) m;
insert into feed_differences (run_id, place, data)
select (select id from feed_runs order by id limit 1), n, '{"effect": "NEW"}' from generate_series(1, 10000) n;

-- Consolidations, each of one organization and of a large one, with five parts, and one with a long history; one in eight is cancelled.
insert into consolidations (id, organization_id, name, destination, cancelled_at, created_at, updated_at)
select pg_temp.v7(at, 60, g), pg_temp.early(1, g % 5000), 'Week ' || g, z.code, case when g % 8 = 0 then at end, at, at
from generate_series(1, 20000) g cross join lateral (select '2025-12-01T00:00:00Z'::timestamptz + g * interval '1500 seconds' as at) m
join place z on z.n = 60 + g * 7 % 60;
insert into consolidation_members (id, consolidation_id, organization_id, role, status, invited_at)
select pg_temp.v7(c.created_at, 61 + k, n), c.id, case when k = 0 then c.organization_id else pg_temp.early(1, 1) end,
       case when k = 0 then 'OWNER' else 'MEMBER' end, 'ACCEPTED', c.created_at
from (select *, row_number() over (order by id) as n from consolidations) c cross join generate_series(0, 1) k
where k = 0 or c.organization_id <> pg_temp.early(1, 1);
insert into consolidation_parts (id, consolidation_id, organization_id, origin, pieces, weight_hg, volume_l, volume_defaulted, positions,
                                 special_handling_codes, status, created_at, updated_at)
select pg_temp.v7(c.created_at, 63 + k, n), c.id, c.organization_id, a.code, 1, 1000, 600, true, 0, '{}', 'READY', c.created_at, c.created_at
from (select *, row_number() over (order by id) as n from consolidations) c cross join generate_series(0, 4) k
join place a on a.n = (c.n + k) % 60;
insert into consolidation_events (consolidation_id, sequence, event_type, change, origins, created_at)
select c.id, s, case when s = 1 then 'CREATED' else 'CHANGED' end, case when s > 1 then 'PART_ADDED' end, '{}', c.created_at
from (select *, row_number() over (order by id) as n from consolidations) c
cross join lateral generate_series(1, case when n = 1 then 20000 else 6 end) s;

-- A month of searches; few found no rate.
insert into searches (id, asked_on, origin, destination, departure_date, weight_class, role, channel, outcome, searches, options, bookable,
                      took_us, cache_hits, counted_at)
select pg_temp.v7(at, 31, n), at::date, a.code, z.code, at::date + 3, 100, null, 'ANONYMOUS',
       case when n % 3000 = 0 then 'NO_RATE' when n % 5 = 0 then 'NO_ROOM' else 'BOOKABLE' end, 1, 3, 1, 900, 1, at
from generate_series(0, 299999) n
cross join lateral (select '2026-10-22T00:00:00Z'::timestamptz + n * interval '8.6 seconds' as at) m
join place a on a.n = n % 60 join place z on z.n = 60 + n % 59;

-- Rules that came and went: a hundredth of them is in force.
insert into tariffs (id, version, code, origin, destination, flight_numbers, product, currency, minimum, normal, breaks, valid_from, is_current, revision,
                     created_at, updated_at, ended_at)
select pg_temp.early(24, t.n), 1, 'T' || t.n, a.code, z.code, '{}', 'GENERAL', 'USD', 0, 10000, '[]', '2025-12-01', t.n % 10 = 0, t.n, '2025-12-01T00:00:00Z',
       '2025-12-01T00:00:00Z', case when t.n % 10 <> 0 then '2026-01-01T00:00:00Z'::timestamptz end
from generate_series(0, 29999) t (n) join place a on a.n = t.n % 60 join place z on z.n = 60 + t.n % 60;
insert into surcharges (id, version, code, basis, rate, currency, per, handling_codes, origin, destination, flight_numbers, valid_from, is_current, revision,
                        created_at, updated_at, ended_at)
select pg_temp.early(25, n), 1, 'S' || n, 'FLAT', 100, 'USD', 'SHIPMENT', '{}', '*', '*', '{}', '2025-12-01', n % 200 = 0, n, '2025-12-01T00:00:00Z',
       '2025-12-01T00:00:00Z', case when n % 200 <> 0 then '2026-01-01T00:00:00Z'::timestamptz end
from generate_series(0, 19999) n;
insert into sales (id, version, code, percent, sale_from, sale_to, origin, destination, flight_numbers, valid_from, is_current, revision, created_at, updated_at, ended_at)
select pg_temp.early(26, n), 1, 'SALE' || n, 1000, '2025-12-01', '2026-12-31', '*', '*', '{}', '2025-12-01', n % 200 = 0, n, '2025-12-01T00:00:00Z',
       '2025-12-01T00:00:00Z', case when n % 200 <> 0 then '2026-01-01T00:00:00Z'::timestamptz end
from generate_series(0, 19999) n;
insert into embargoes (id, name, reason, origin, destination, flight_numbers, valid_from, weekdays, handling_codes, created_at, updated_at, ended_at)
select pg_temp.early(27, n), 'Embargo ' || n, 'Heat', '*', '*', '{}', '2025-12-01', '{}', '{}', '2025-12-01T00:00:00Z', '2025-12-01T00:00:00Z',
       case when n % 200 <> 0 then '2026-01-01T00:00:00Z'::timestamptz end
from generate_series(0, 19999) n;

-- Stations of all airports, and tips about some, most of them approved.
insert into stations (airport_code, summary, tags, capabilities, is_featured, version, updated_at)
select iata_code, 'Cool chain', case when n % 10 = 0 then '{hub}'::text[] else '{}' end,
       case when n % 3 = 0 then '{COOL_ROOM}'::text[] else '{}' end, n % 100 = 0, 1, '2026-01-01T00:00:00Z'
from (select iata_code, row_number() over (order by iata_code) as n from airports) a;
insert into station_collections (id, slug, name, stations, position, is_active, created_at, updated_at)
select pg_temp.early(28, 1), 'asia', 'Asia', (select array_agg(code) from (select code from place order by n limit 50) p), 0, true,
       '2025-12-01T00:00:00Z', '2025-12-01T00:00:00Z';
insert into station_tips (id, airport_code, topic, body, status, created_by, created_at)
select pg_temp.v7(at, 80, g), a.code, 'OTHER', 'Use gate 2.',
       case when g % 50 = 0 then 'PENDING' when g % 9 = 0 then 'REJECTED' else 'APPROVED' end, pg_temp.early(2, g % 5000 * 2), at
from generate_series(1, 20000) g
cross join lateral (select '2025-12-01T00:00:00Z'::timestamptz + g * interval '1500 seconds' as at) m
join place a on a.n = g % 60;

vacuum (analyze);
