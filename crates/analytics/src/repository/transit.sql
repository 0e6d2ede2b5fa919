with zone as materialized (
    select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::integer[])
        as z (name, starts_at, ends_at, seconds)
), moved as (
    select b.origin, b.destination, (e.legs -> 0 ->> 'departure_at')::timestamptz as departure_at,
           (e.legs -> -1 ->> 'arrival_at')::timestamptz as arrival_at, e.departed_at, e.arrived_at, e.is_as_booked
    from bookings b
    cross join lateral (
        select (array_agg(data -> 'legs') filter (where sequence = 1))[1] as legs,
               min(occurred_at) filter (where event_type = 'DEPARTED' and not is_corrected) as departed_at,
               max(occurred_at) filter (where event_type = 'ARRIVED' and location = b.destination and not is_corrected)
                   as arrived_at,
               not bool_or(event_type in ('REROUTED', 'OFFLOADED')) as is_as_booked
        from (select *, lead(event_type, 1, '') over (order by sequence) = 'CORRECTED' as is_corrected
              from booking_events where booking_id = b.id) told
    ) e
    where b.status in ('ARRIVED', 'DELIVERED') and b.moved_at >= $5
      and b.id >= uuid_v7_floor($6) and b.id < uuid_v7_floor($7)
      and e.arrived_at >= $5 and e.arrived_at < $8
      and ($9::text is null or b.origin = $9)
      and ($10::text is null or b.destination = $10)
      and ($11::uuid is null or b.organization_id = $11)
      and ($12::text is null or $12 = (
          select left(flight_number, 2) from booking_legs where booking_id = b.id
          order by status in ('BOOKED', 'DEPARTED', 'ARRIVED', 'RELEASED') desc, sequence, id limit 1))
      and ($13::text is null or $13 = coalesce((select product from holds where id = b.hold_id), 'GENERAL'))
), arrived as (
    select case when $14::text = 'lane' then m.origin || '-' || m.destination else '' end as key,
           date_trunc($15, d.date::timestamp)::date as period,
           round(extract(epoch from m.arrival_at - m.departure_at) / 60)::integer as planned,
           round(extract(epoch from m.arrived_at - m.departed_at) / 60)::integer as actual,
           m.arrived_at > m.arrival_at + interval '15 minutes' as is_late, m.is_as_booked
    from moved m
    join airports a on a.iata_code = m.destination
    left join zone z on z.name = a.time_zone and m.arrived_at >= z.starts_at and m.arrived_at < z.ends_at
    cross join lateral (
        select (m.arrived_at at time zone 'UTC' + make_interval(secs => coalesce(z.seconds, 0)))::date as date
    ) d
    where d.date between $16 and $17
), ranked as (
    -- No join with the sums of each key: plans for any parameters take their number to be 1.
    select *, dense_rank() over (order by of_key desc, key) as rank
    from (select *, count(*) over (partition by key) as of_key from arrived) keyed
), placed as (
    select rank <= $18 as is_named, case when rank <= $18 then rank end as place,
           case when rank <= $18 then key end as name, case when rank <= $18 then period end as time,
           planned, actual, is_late, is_as_booked
    from ranked
)
select grouping(is_named) = 1 as "is_total!", time, place, name, count(*) as "shipments!",
       percentile_disc(array[0.5, 0.9, 0.95]) within group (order by planned) as planned,
       percentile_disc(array[0.5, 0.9, 0.95]) within group (order by actual) as actual,
       count(*) filter (where is_late) as "late!", count(*) filter (where is_as_booked) as "as_booked!"
from placed
group by grouping sets ((is_named, time, place, name), ())
