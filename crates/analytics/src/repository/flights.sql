with flown as (
    select coalesce(case $1::text
               when 'flight_number' then f.flight_number
               when 'airline' then f.airline_code
               when 'lane' then f.origin || '-' || f.destination
               when 'station' then f.origin
           end, '') as key,
           date_trunc($2, f.scheduled_date::timestamp)::date as period,
           c.status = 'CANCELLED' as is_cancelled, c.status = 'SCHEDULED' as is_ahead,
           c.status = 'SCHEDULED' and c.cutoff_at > $9 as is_open,
           extract(epoch from f.actual_departure_at - f.scheduled_departure_at)::bigint as departed_after,
           extract(epoch from f.actual_arrival_at - f.scheduled_arrival_at)::bigint as arrived_after,
           coalesce(c.physical_weight_hg, c.capacity_weight_hg) as capacity_hg,
           coalesce(c.physical_volume_l, c.capacity_volume_l) as capacity_l,
           coalesce(c.physical_positions, c.capacity_positions) as capacity_positions,
           c.booked_weight_hg as carried_hg, c.booked_volume_l as carried_l, c.booked_positions as carried_positions,
           c.held_weight_hg as held_hg, c.held_volume_l as held_l, c.held_positions,
           c.capacity_weight_hg - c.booked_weight_hg - c.held_weight_hg as available_hg,
           c.capacity_volume_l - c.booked_volume_l - c.held_volume_l as available_l,
           c.capacity_positions - c.booked_positions - c.held_positions as available_positions
    from flights f
    join flight_capacity c on c.flight_id = f.id
    where f.scheduled_date between $3 and $4
      and ($5::text is null or f.origin = $5)
      and ($6::text is null or f.destination = $6)
      and ($7::text is null or f.airline_code = $7)
), sums as (
    select key, period, count(*) as flights,
           count(*) filter (where is_cancelled) as cancelled,
           count(departed_after) as departed,
           count(*) filter (where departed_after <= 900) as departed_on_time,
           sum(departed_after) filter (where departed_after > 0) as departed_late,
           count(arrived_after) as arrived,
           count(*) filter (where arrived_after <= 900) as arrived_on_time,
           sum(arrived_after) filter (where arrived_after > 0) as arrived_late,
           sum(capacity_hg) filter (where not is_cancelled) as capacity_hg,
           sum(capacity_l) filter (where not is_cancelled) as capacity_l,
           sum(capacity_positions) filter (where not is_cancelled) as capacity_positions,
           sum(carried_hg) filter (where not is_cancelled) as carried_hg,
           sum(carried_l) filter (where not is_cancelled) as carried_l,
           sum(carried_positions) filter (where not is_cancelled) as carried_positions,
           sum(held_hg) filter (where is_ahead) as held_hg,
           sum(held_l) filter (where is_ahead) as held_l,
           sum(held_positions) filter (where is_ahead) as held_positions,
           sum(available_hg) filter (where is_open) as available_hg,
           sum(available_l) filter (where is_open) as available_l,
           sum(available_positions) filter (where is_open) as available_positions
    from flown group by key, period
), ranked as (
    -- No join with the sums of each key: plans for any parameters take their number to be 1.
    select *, dense_rank() over (order by of_key desc, key) as rank
    from (select *, sum(flights) over (partition by key) as of_key from sums) keyed
), placed as (
    select rank <= $8 as is_named, case when rank <= $8 then rank end as place,
           case when rank <= $8 then key end as name, case when rank <= $8 then period end as time, ranked.*
    from ranked
)
select grouping(is_named) = 1 as "is_total!", time, place, name,
       coalesce(sum(flights), 0)::bigint as "flights!",
       coalesce(sum(cancelled), 0)::bigint as "cancelled!",
       coalesce(sum(departed), 0)::bigint as "departed!",
       coalesce(sum(departed_on_time), 0)::bigint as "departed_on_time!",
       coalesce(sum(departed_late), 0)::bigint as "departed_late!",
       coalesce(sum(arrived), 0)::bigint as "arrived!",
       coalesce(sum(arrived_on_time), 0)::bigint as "arrived_on_time!",
       coalesce(sum(arrived_late), 0)::bigint as "arrived_late!",
       coalesce(sum(capacity_hg), 0)::bigint as "capacity_hg!: Weight",
       coalesce(sum(capacity_l), 0)::bigint as "capacity_l!: Volume",
       coalesce(sum(capacity_positions), 0)::bigint as "capacity_positions!: Positions",
       coalesce(sum(carried_hg), 0)::bigint as "carried_hg!: Weight",
       coalesce(sum(carried_l), 0)::bigint as "carried_l!: Volume",
       coalesce(sum(carried_positions), 0)::bigint as "carried_positions!: Positions",
       coalesce(sum(held_hg), 0)::bigint as "held_hg!: Weight",
       coalesce(sum(held_l), 0)::bigint as "held_l!: Volume",
       coalesce(sum(held_positions), 0)::bigint as "held_positions!: Positions",
       coalesce(sum(available_hg), 0)::bigint as "available_hg!: Weight",
       coalesce(sum(available_l), 0)::bigint as "available_l!: Volume",
       coalesce(sum(available_positions), 0)::bigint as "available_positions!: Positions"
from placed
group by grouping sets ((is_named, time, place, name), ())
