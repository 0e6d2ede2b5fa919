with spans (period, days) as (
    values ('day', 1), ('week', 7), ('month', 30)
), counted as (
    select origin, destination, sum(searches) as searches, date_trunc('hour', counted_at) as at
    from searches where id >= uuid_v7_floor($1::timestamptz - interval '60 days') and origin <> '*'
    group by origin, destination, date_trunc('hour', counted_at)
    union all
    select origin, destination, searches, (asked_on + time '12:00') at time zone 'UTC'
    from search_days where asked_on >= ($1::timestamptz at time zone 'UTC')::date - 60 and origin <> '*'
), summed as (
    select s.period, c.origin, c.destination,
           coalesce(sum(c.searches) filter (where c.at > $1::timestamptz - make_interval(days => s.days)), 0) as searches,
           coalesce(sum(c.searches) filter (where c.at <= $1::timestamptz - make_interval(days => s.days)), 0) as former
    from spans s
    join counted c on c.at > $1::timestamptz - make_interval(days => 2 * s.days)
    group by 1, 2, 3
), ranked as (
    select *,
           row_number() over (partition by period order by searches desc, origin, destination) as rank,
           row_number() over (partition by period order by former desc, origin, destination) as former_rank,
           row_number() over (partition by period, origin order by searches desc, destination) as rank_at_origin,
           row_number() over (partition by period, origin order by former desc, destination) as former_rank_at_origin
    from summed where searches >= $2::bigint or former >= $2
), booked as (
    select s.period, b.origin, b.destination, count(*) as bookings
    from spans s
    join bookings b on b.created_at > $1::timestamptz - make_interval(days => s.days)
    where b.id >= uuid_v7_floor($1::timestamptz - interval '31 days')
    group by 1, 2, 3
)
insert into popular_lanes (period, origin, destination, rank, former_rank, rank_at_origin, former_rank_at_origin, searches, bookings)
select r.period, r.origin, r.destination, r.rank, case when r.former >= $2 then r.former_rank end, r.rank_at_origin,
       case when r.former >= $2 then r.former_rank_at_origin end, r.searches, coalesce(b.bookings, 0)
from ranked r
left join booked b using (period, origin, destination)
where r.searches >= $2 and r.rank <= $3::bigint
