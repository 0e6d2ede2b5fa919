with zone as materialized (
    select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::integer[])
        as z (name, starts_at, ends_at, seconds)
), made as (
    select coalesce(case $5::text
               when 'lane' then b.origin || '-' || b.destination
               when 'product' then coalesce(h.product, 'GENERAL')
               when 'airline' then l.airline
               when 'organization' then b.organization_id::text
               when 'channel' then b.channel
           end, '') as key,
           date_trunc($6, (case when d.date < $8 then d.date + ($9::date - $8::date + 1) else d.date end)::timestamp)::date
               as period,
           d.date < $8 as is_before, b.status = 'CANCELLED' as is_cancelled, b.pieces, b.weight_hg,
           greatest((b.weight_hg + 4) / 5, (b.volume_l + 2) / 3) * 5 as chargeable_hg,
           e.co2e, b.bill #>> '{price,total,currency}' as currency,
           case when b.status = 'CANCELLED' then coalesce((b.bill ->> 'fee')::bigint, 0)
                else replace(b.bill #>> '{price,total,amount}', '.', '')::bigint end as minor
    from bookings b
    join airports a on a.iata_code = b.origin
    left join zone z on z.name = a.time_zone and b.created_at >= z.starts_at and b.created_at < z.ends_at
    cross join lateral (
        select (b.created_at at time zone 'UTC' + make_interval(secs => coalesce(z.seconds, 0)))::date as date
    ) d
    left join lateral (
        select left(flight_number, 2) as airline from booking_legs
        where booking_id = b.id and ($5 = 'airline' or $14::text is not null)
        order by status in ('BOOKED', 'DEPARTED', 'ARRIVED', 'RELEASED') desc, sequence, id limit 1
    ) l on true
    left join lateral (
        select product from holds
        where id = b.hold_id and ($5 = 'product' or $15::text is not null) offset 0
    ) h on true
    left join lateral (
        -- As a booking shows it, in hectograms x kilometres x ten-thousandths of a kilogram. Null: the emissions of a leg are unknown.
        -- Row by row through the keys, as the joins above: work in proportion to the bookings.
        select case when count(*) = count(flown.per_tonne) then b.weight_hg * sum(flown.per_tonne) end as co2e
        from booking_legs leg
        join flights f on f.id = leg.flight_id
        left join aircraft_types t on t.iata_code = f.aircraft_code
        left join airports p on p.iata_code = leg.origin
        left join airports q on q.iata_code = leg.destination
        cross join lateral (
            select round(2 * 6371.0088 * asin(least(1, sqrt(
                       power(sin(radians(q.latitude - p.latitude) / 2), 2)
                       + cos(radians(p.latitude)) * cos(radians(q.latitude))
                         * power(sin(radians(q.longitude - p.longitude) / 2), 2)))))::bigint as km
        ) circle
        cross join lateral (
            select (circle.km + 95) * coalesce(t.co2e_per_tkm, case
                       when not f.is_freighter and circle.km < $18::bigint then $19::bigint
                       when not f.is_freighter then $20::bigint
                       when circle.km < $18::bigint then $21::bigint
                       else $22::bigint
                   end) as per_tonne
        ) flown
        where leg.booking_id = b.id and leg.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
          and b.status <> 'CANCELLED' and d.date >= $8
    ) e on true
    where b.id >= uuid_v7_floor($10) and b.id < uuid_v7_floor($11)
      and d.date between $7 and $9
      and ($12::text is null or b.origin = $12)
      and ($13::text is null or b.destination = $13)
      and ($14::text is null or l.airline = $14)
      and ($15::text is null or coalesce(h.product, 'GENERAL') = $15)
      and ($16::uuid is null or b.organization_id = $16)
), sums as (
    select key, period, currency,
           count(*) filter (where not is_before) as bookings,
           count(*) filter (where not is_before and is_cancelled) as cancelled,
           sum(pieces) filter (where not is_before and not is_cancelled) as pieces,
           sum(weight_hg) filter (where not is_before and not is_cancelled) as weight_hg,
           sum(chargeable_hg) filter (where not is_before and not is_cancelled) as chargeable_hg,
           sum(weight_hg) filter (where is_before and not is_cancelled) as before_hg,
           sum(co2e) as co2e,
           sum(minor) filter (where not is_before) as minor,
           sum(minor) filter (where not is_before and not is_cancelled) as agreed
    from made group by key, period, currency
), ranked as (
    -- No join with the sums of each key: plans for any parameters take their number to be 1.
    select *, case when of_key > 0 then dense_rank() over (order by of_key > 0 desc, weight_of_key desc, of_key desc, key) end as rank
    from (select *, sum(bookings) over (partition by key) as of_key,
                 coalesce(sum(weight_hg) over (partition by key), 0) as weight_of_key
          from sums) keyed
), placed as (
    select coalesce(rank <= $17, false) as is_named, case when rank <= $17 then rank end as rank,
           case when rank <= $17 then key end as key, case when rank <= $17 then period end as period,
           currency, bookings, cancelled, pieces, weight_hg, chargeable_hg, before_hg, co2e, minor, agreed
    from ranked
)
select grouping(is_named) = 1 as "is_total!", period, rank, key, currency,
       sum(bookings)::bigint as "bookings!", sum(cancelled)::bigint as "cancelled!",
       coalesce(sum(pieces), 0)::bigint as "pieces!", coalesce(sum(weight_hg), 0)::bigint as "weight_hg!: Weight",
       coalesce(sum(chargeable_hg), 0)::bigint as "chargeable_hg!: Weight",
       coalesce(sum(before_hg), 0)::bigint as "before_hg!: Weight", sum(co2e)::text as co2e,
       coalesce(sum(minor), 0)::bigint as "minor!",
       coalesce(sum(agreed), 0)::bigint as "agreed!"
from placed
group by grouping sets ((is_named, period, rank, key, currency), (currency))
