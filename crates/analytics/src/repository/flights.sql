with flown as (
    select coalesce(case $1::text
               when 'flight_number' then f.flight_number
               when 'airline' then f.airline_code
               when 'lane' then f.origin || '-' || f.destination
           end, '') as key,
           date_trunc($2, f.scheduled_date::timestamp)::date as period,
           c.status = 'CANCELLED' as is_cancelled,
           extract(epoch from f.actual_departure_at - f.scheduled_departure_at)::bigint as departed_after,
           extract(epoch from f.actual_arrival_at - f.scheduled_arrival_at)::bigint as arrived_after,
           coalesce(c.physical_weight_hg, c.capacity_weight_hg) as capacity_hg,
           coalesce(c.physical_volume_l, c.capacity_volume_l) as capacity_l,
           coalesce(c.physical_positions, c.capacity_positions) as capacity_positions,
           c.booked_weight_hg as carried_hg,
           c.booked_volume_l as carried_l,
           c.booked_positions as carried_positions
    from flights f
    join flight_capacity c on c.flight_id = f.id
    where f.scheduled_date between $3 and $4
      and ($5::text is null or f.origin = $5)
      and ($6::text is null or f.destination = $6)
      and ($7::text is null or f.airline_code = $7)
), named as (
    select key, row_number() over (order by count(*) desc, key) as rank from flown group by key
), placed as (
    select rank <= $8 as is_named, case when rank <= $8 then rank end as place,
           case when rank <= $8 then key end as name, case when rank <= $8 then period end as time, flown.*
    from flown join named using (key)
)
select grouping(is_named) = 1 as "is_total!", time, place, name,
       count(*) as "flights!",
       count(*) filter (where is_cancelled) as "cancelled!",
       count(departed_after) as "departed!",
       count(*) filter (where departed_after <= 900) as "departed_on_time!",
       coalesce(sum(departed_after) filter (where departed_after > 0), 0)::bigint as "departed_late!",
       count(arrived_after) as "arrived!",
       count(*) filter (where arrived_after <= 900) as "arrived_on_time!",
       coalesce(sum(arrived_after) filter (where arrived_after > 0), 0)::bigint as "arrived_late!",
       coalesce(sum(capacity_hg) filter (where not is_cancelled), 0)::bigint as "capacity_hg!: Weight",
       coalesce(sum(capacity_l) filter (where not is_cancelled), 0)::bigint as "capacity_l!: Volume",
       coalesce(sum(capacity_positions) filter (where not is_cancelled), 0)::bigint as "capacity_positions!: Positions",
       coalesce(sum(carried_hg) filter (where not is_cancelled), 0)::bigint as "carried_hg!: Weight",
       coalesce(sum(carried_l) filter (where not is_cancelled), 0)::bigint as "carried_l!: Volume",
       coalesce(sum(carried_positions) filter (where not is_cancelled), 0)::bigint as "carried_positions!: Positions"
from placed
group by grouping sets ((is_named, time, place, name), ())
