-- 100 000 flights in the next 30 days on 2 000 lanes between 120 airports, and 10 000 alerts of 200 organizations, five for each lane:
-- three of four on a price. All of them are due. None of them is armed: what is measured are checks, not letters.
create temp table place as
select row_number() over (order by md5(iata_code)) - 1 as n, iata_code as code, time_zone
from (select * from airports order by md5(iata_code) limit 120) a;

create temp table lane as
select row_number() over (order by md5(o.code || d.code)) - 1 as n, o.code as origin, d.code as destination, o.time_zone
from place o join place d on d.n <> o.n
order by md5(o.code || d.code) limit 2000;

create temp table new as
select gen_random_uuid() as id, 'AI' || (1000 + 2 * lane.n + turn % 2) as number, origin, destination, time_zone,
       timestamptz '2026-11-20 12:00Z' + (lane.n % 14) * interval '1 hour' + turn * interval '14 hours' as departure
from lane cross join generate_series(0, 49) turn;

insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at, scheduled_departure_at,
                     scheduled_arrival_at, scheduled_date, is_freighter, created_at, updated_at)
select id, number, 'AI', origin, destination, departure, departure + interval '6 hours', departure, departure + interval '6 hours',
       (departure at time zone time_zone)::date, true, now(), now()
from new;

insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions)
select id, 'SCHEDULED', departure - interval '1 hour', 1000000, 600000, 30 from new;

create temp table forwarder as select n, gen_random_uuid() as id, gen_random_uuid() as user_id from generate_series(0, 199) n;
insert into organizations (id, name, created_at) select id, 'Forwarder ' || n, now() from forwarder;
insert into users (id, organization_id, email, email_key, name, role, password_hash, created_at, updated_at)
select user_id, id, 'user' || n || '@forwarder.example', 'user' || n || '@forwarder.example', 'User ' || n, 'customer', 'none', now(), now()
from forwarder;

insert into alerts (id, organization_id, created_by, kind, status, origin, destination, weight_hg, special_handling_codes, below_amount,
                    currency, is_met, is_armed, is_pending, is_fresh, next_check_at, created_at, updated_at)
select gen_random_uuid(), f.id, f.user_id, case when g % 4 = 0 then 'SPACE' else 'PRICE' end, 'ACTIVE', lane.origin, lane.destination,
       1000 + g % 7 * 1000, '{}', case when g % 4 <> 0 then 100 end, case when g % 4 <> 0 then 'USD' end, false, false, false, false,
       '2026-01-01', now(), now()
from generate_series(0, 9999) g join lane on lane.n = g / 5 join forwarder f on f.n = g % 200;

analyze flights; analyze flight_capacity; analyze alerts; analyze users;
