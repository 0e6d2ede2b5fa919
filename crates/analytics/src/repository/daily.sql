with zone as materialized (
    select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::integer[])
        as z (name, starts_at, ends_at, seconds)
), made as (
    select 'QUOTE' as step, created_at, created_by, body #>> '{inputs,legs,0,origin}' as origin, null as status,
           0::bigint as weight_hg, null as currency, 0::bigint as minor
    from quotes
    where id >= uuid_v7_floor($5) and id < uuid_v7_floor($6)
    union all
    select 'HOLD', created_at, case when kind <> 'OFFER' then created_by end, origin, null, 0, null, 0
    from holds
    where id >= uuid_v7_floor($5) and id < uuid_v7_floor($6) and kind <> 'ALLOTMENT'
    union all
    select 'BOOKING', created_at, created_by, origin, status, weight_hg, bill #>> '{price,total,currency}',
           case when status = 'CANCELLED' then coalesce((bill ->> 'fee')::bigint, 0)
                else replace(bill #>> '{price,total,amount}', '.', '')::bigint end
    from bookings
    where id >= uuid_v7_floor($5) and id < uuid_v7_floor($6)
), dated as (
    select m.*, date_trunc($7, d.date::timestamp)::date as period, u.id as user_id
    from made m
    join airports a on a.iata_code = m.origin
    left join zone z on z.name = a.time_zone and m.created_at >= z.starts_at and m.created_at < z.ends_at
    cross join lateral (
        select (m.created_at at time zone 'UTC' + make_interval(secs => coalesce(z.seconds, 0)))::date as date
    ) d
    left join users u on u.id = m.created_by and u.role <> 'guest'
    where d.date between $8 and $9
), searched as (
    select date_trunc($7, asked_on::timestamp)::date as period, searches, took_us, cache_hits
    from searches where asked_on between $8 and $9
    union all
    select date_trunc($7, asked_on::timestamp)::date, searches, took_us, cache_hits
    from search_days where asked_on between $8 and $9
), registered as (
    select date_trunc($7, d.date::timestamp)::date as period
    from users u
    cross join lateral (select (u.created_at at time zone 'UTC')::date as date) d
    where u.id >= uuid_v7_floor($5) and u.id < uuid_v7_floor($6) and u.role <> 'guest' and d.date between $8 and $9
)
select grouping(period) = 1 as "is_total!", period,
       0::bigint as "searches!", 0::bigint as "took_us!", 0::bigint as "cache_hits!",
       count(*) filter (where step = 'QUOTE') as "quotes!",
       count(*) filter (where step = 'HOLD') as "holds!",
       count(*) filter (where step = 'BOOKING') as "bookings!",
       count(*) filter (where status = 'CANCELLED') as "cancelled!",
       count(*) filter (where status = 'DELIVERED') as "delivered!",
       coalesce(sum(weight_hg) filter (where status <> 'CANCELLED'), 0)::bigint as "weight_hg!: Weight",
       count(distinct user_id) as "active_users!", 0::bigint as "new_users!", null as currency, 0::bigint as "minor!"
from dated group by grouping sets ((period), ())
union all
select grouping(period) = 1, period, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, currency, sum(minor)::bigint
from dated where currency is not null group by grouping sets ((period, currency), (currency))
union all
select grouping(period) = 1, period, coalesce(sum(searches), 0)::bigint, coalesce(sum(took_us), 0)::bigint,
       coalesce(sum(cache_hits), 0)::bigint, 0, 0, 0, 0, 0, 0, 0, 0, null, 0
from searched group by grouping sets ((period), ())
union all
select grouping(period) = 1, period, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), null, 0
from registered group by grouping sets ((period), ())
