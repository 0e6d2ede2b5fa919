with zone as materialized (
    select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::integer[])
        as z (name, starts_at, ends_at, seconds)
), made as (
    select 'QUOTE' as step, created_at, organization_id, body #>> '{inputs,legs,0,origin}' as origin,
           body #>> '{inputs,legs,-1,destination}' as destination,
           left(body #>> '{inputs,legs,0,flight_number}', 2) as airline,
           body #>> '{inputs,product}' as product, is_taken as is_done, channel
    from quotes
    where id >= uuid_v7_floor($5) and id < uuid_v7_floor($6)
    union all
    select 'HOLD', h.created_at, h.organization_id, h.origin, h.destination, l.airline, h.product,
           h.status = 'COMMITTED', h.channel
    from holds h
    left join lateral (
        select left(flight_number, 2) as airline from hold_legs
        where hold_id = h.id and $10::text is not null order by sequence limit 1
    ) l on true
    where h.id >= uuid_v7_floor($5) and h.id < uuid_v7_floor($6) and h.kind <> 'ALLOTMENT'
    union all
    select 'BOOKING', b.created_at, b.organization_id, b.origin, b.destination, l.airline,
           coalesce(h.product, 'GENERAL'), b.status = 'DELIVERED', b.channel
    from bookings b
    left join lateral (
        select left(flight_number, 2) as airline from booking_legs
        where booking_id = b.id and $10::text is not null
        order by status in ('BOOKED', 'DEPARTED', 'ARRIVED', 'RELEASED') desc, sequence, id limit 1
    ) l on true
    left join lateral (
        select product from holds
        where id = b.hold_id and ($7 = 'product' or $11::text is not null) offset 0
    ) h on true
    where b.id >= uuid_v7_floor($5) and b.id < uuid_v7_floor($6)
), searched as (
    select asked_on, origin, destination, channel, sum(searches) as searches, sum(bookable) as bookable
    from searches where asked_on between $14 and $15 and num_nonnulls($10::text, $11::text, $12::uuid) = 0
    group by asked_on, origin, destination, channel
    union all
    select asked_on, origin, destination, channel, searches, bookable from search_days
    where asked_on between $14 and $15 and num_nonnulls($10::text, $11::text, $12::uuid) = 0
), counted as (
    select coalesce(case $7::text
               when 'lane' then m.origin || '-' || m.destination
               when 'product' then m.product
               when 'channel' then m.channel
           end, '') as key,
           date_trunc($13, d.date::timestamp)::date as period, m.step, 1::bigint as made, m.is_done::integer::bigint as done
    from made m
    join airports a on a.iata_code = m.origin
    left join zone z on z.name = a.time_zone and m.created_at >= z.starts_at and m.created_at < z.ends_at
    cross join lateral (
        select (m.created_at at time zone 'UTC' + make_interval(secs => coalesce(z.seconds, 0)))::date as date
    ) d
    where d.date between $14 and $15
      and ($8::text is null or m.origin = $8)
      and ($9::text is null or m.destination = $9)
      and ($10::text is null or m.airline = $10)
      and ($11::text is null or m.product = $11)
      and ($12::uuid is null or m.organization_id = $12)
    union all
    select coalesce(case $7::text
               when 'lane' then case when origin = '*' then '*' else origin || '-' || destination end
               when 'channel' then channel
           end, ''),
           date_trunc($13, asked_on::timestamp)::date, 'SEARCH', searches, bookable
    from searched
    where ($8::text is null or origin = $8)
      and ($9::text is null or destination = $9)
), summed as (
    select key, period, step, sum(made) as made, sum(done) as done from counted group by key, period, step
), ranked as (
    -- No join with the sums of each key: plans for any parameters take their number to be 1.
    select *, dense_rank() over (order by bookings desc, of_key desc, key) as rank
    from (select *, coalesce(sum(made) filter (where step = 'BOOKING') over (partition by key), 0) as bookings,
                 sum(made) over (partition by key) as of_key
          from summed) keyed
), placed as (
    select rank <= $16 as is_named, case when rank <= $16 then rank end as place,
           case when rank <= $16 then key end as name, case when rank <= $16 then period end as time,
           step, made, done
    from ranked
)
select grouping(is_named) = 1 as "is_total!", time, place, name,
       coalesce(sum(made) filter (where step = 'SEARCH'), 0)::bigint as "searches!",
       coalesce(sum(done) filter (where step = 'SEARCH'), 0)::bigint as "bookable!",
       coalesce(sum(made) filter (where step = 'QUOTE'), 0)::bigint as "quotes!",
       coalesce(sum(done) filter (where step = 'QUOTE'), 0)::bigint as "taken!",
       coalesce(sum(made) filter (where step = 'HOLD'), 0)::bigint as "holds!",
       coalesce(sum(done) filter (where step = 'HOLD'), 0)::bigint as "committed!",
       coalesce(sum(made) filter (where step = 'BOOKING'), 0)::bigint as "bookings!",
       coalesce(sum(done) filter (where step = 'BOOKING'), 0)::bigint as "delivered!"
from placed
group by grouping sets ((is_named, time, place, name), ())
