-- Replaces the schedule by flights in the 30 days from 1 May 2027 on, {daily} a day on each of {lanes} lanes. The busiest lanes come
-- first: an airport at place n connects to twice as many others as one at place 2n. On each flight there is one booking, which is
-- like one that was made before.
create temp table if not exists a_booking as select * from bookings limit 1;
create temp table if not exists a_leg as select * from booking_legs limit 1;
truncate flight_events, capacity_ledger, outbox;
truncate bookings, booking_legs, flights cascade;
create temp table places on commit drop as
    select iata_code, latitude, longitude, place
    from (select a.*, row_number() over (order by cargo_rank nulls last, md5(iata_code)) as place from airports a) ranked
    where place <= 800;
create index on places (place);
-- Eight cities of six airports: of each eight airports in order, each city has one.
delete from cities where country_code = 'ZZ';
insert into cities (code, name, country_code, airports)
    select 'ZQ' || chr(64 + city), 'City ' || city, 'ZZ', array_agg(iata_code order by place)
    from (select iata_code::text, place, (1 + (place - 1) % 8)::int as city from places where place <= 48) busiest
    group by city;
create temp table lanes on commit drop as
    select o.iata_code as origin, d.iata_code as destination, d.place as place,
           (array['AA','AF','BA','CX','DL','EK','ET','KE','LH','NH','QR','SQ','TK','UA'])[1 + o.place % 14] as airline,
           least(1380, 40 + (12742 / 14 * asin(sqrt(
               sin(radians(d.latitude - o.latitude) / 2) ^ 2
               + cos(radians(o.latitude)) * cos(radians(d.latitude)) * sin(radians(d.longitude - o.longitude) / 2) ^ 2
           )))::int) as minutes
    from places o join places d on d.place <> o.place and d.place <= 6400 / o.place
    order by o.place * d.place, o.place
    limit {lanes};
create temp table new on commit drop as
    select gen_random_uuid() as id, airline || ((place - 1) * {daily} + turn + 1) as number, airline, origin, destination, minutes,
           timestamptz '2027-05-01 00:00Z' + day * interval '1 day'
               + ((turn * 1440 / {daily} + abs(hashtext(origin || destination)) % (1440 / {daily})) / 5 * 5) * interval '1 minute'
               as departure
    from lanes cross join generate_series(0, {daily} - 1) turn cross join generate_series(0, 29) day;
insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at, scheduled_departure_at,
                     scheduled_arrival_at, scheduled_date, is_freighter, created_at, updated_at)
    select n.id, number, airline, origin, destination, departure, departure + minutes * interval '1 minute', departure,
           departure + minutes * interval '1 minute', (departure at time zone a.time_zone)::date, true, now(), now()
    from new n join airports a on a.iata_code = n.origin on conflict do nothing;
insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions)
    select f.id, 'SCHEDULED', f.departure_at - interval '1 hour', 1000000, 600000, 30
    from flights f join new using (id);
insert into bookings
    select b.* from new n cross join a_booking a, jsonb_populate_record(null::bookings, to_jsonb(a)
        || jsonb_build_object('id', n.id, 'ref_id', 'LM' || translate(n.id::text, '-', ''), 'origin', n.origin,
                              'destination', n.destination)) b;
insert into booking_legs
    select l.* from new n cross join a_leg a, jsonb_populate_record(null::booking_legs, to_jsonb(a)
        || jsonb_build_object('booking_id', n.id, 'id', n.id, 'flight_id', n.id, 'flight_number', n.number, 'origin', n.origin,
                              'destination', n.destination)) l;
