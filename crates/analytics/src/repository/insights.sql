with stations as (
    select * from unnest($1::text[], $2::date[], $3::timestamptz[], $4::timestamptz[])
        as s (station, today, since, until)
), lanes as (
    select s.station, s.today, f.destination, count(*) as departures,
           count(f.actual_departure_at) as departed,
           count(*) filter (where f.actual_departure_at <= f.scheduled_departure_at + interval '15 minutes') as on_time,
           coalesce(sum(c.booked_weight_hg) filter (where f.actual_departure_at is not null), 0) as booked_hg,
           coalesce(sum(coalesce(c.physical_weight_hg, c.capacity_weight_hg))
                        filter (where f.actual_departure_at is not null), 0) as capacity_hg
    from stations s
    join flights f on f.origin = s.station and f.departure_at >= s.since and f.departure_at < s.until
                  and f.cancelled_at is null
    left join flight_capacity c on c.flight_id = f.id
    group by s.station, s.today, f.destination
), ranked as (
    select *, row_number() over (partition by station order by departures desc, destination) as place from lanes
), rated as (
    select distinct on (d.origin, d.destination) d.origin, d.destination, d.currency, min(d.low) as low, max(d.high) as high,
           (sum(d.sum) / sum(d.samples))::bigint as average
    from ranked r
    join rate_days d on d.origin = r.station and d.destination = r.destination and d.weight_kg = $5::integer
                    and d.source = 'offered' and d.day >= r.today - 90
    where r.place <= $6::bigint
    group by d.origin, d.destination, d.currency
    order by d.origin, d.destination, sum(d.samples) desc, d.currency
)
insert into station_insights (station, first_date, last_date, departures, departed, on_time, booked_hg, capacity_hg, lanes,
                              computed_at)
select r.station, r.today - 28, r.today - 1, sum(r.departures)::bigint, sum(r.departed)::bigint, sum(r.on_time)::bigint,
       sum(r.booked_hg)::bigint, sum(r.capacity_hg)::bigint,
       jsonb_agg(jsonb_build_object('destination', r.destination, 'departures', r.departures, 'currency', t.currency,
                                    'low', t.low, 'average', t.average, 'high', t.high)
                 order by r.place) filter (where r.place <= $6),
       $7::timestamptz
from ranked r
left join rated t on t.origin = r.station and t.destination = r.destination
group by r.station, r.today
