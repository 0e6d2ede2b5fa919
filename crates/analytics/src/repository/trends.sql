with stations as (
    select * from unnest($1::text[], $2::date[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
        as s (station, today, before_from, week_from, week_to)
), asked as (
    select destination, asked_on, sum(searches) as searches
    from searches where asked_on >= $6::date and destination <> '*' group by destination, asked_on
    union all
    select destination, asked_on, sum(searches)
    from search_days where asked_on >= $6 and destination <> '*' group by destination, asked_on
), searched as (
    select s.station,
           coalesce(sum(a.searches) filter (where a.asked_on >= s.today - 7), 0)::bigint as searches,
           coalesce(sum(a.searches) filter (where a.asked_on < s.today - 7), 0)::bigint as former
    from stations s join asked a on a.destination = s.station and a.asked_on between s.today - 35 and s.today - 1
    group by s.station
), booked as (
    select s.station, count(*) filter (where b.created_at >= s.week_from) as bookings,
           count(*) filter (where b.created_at < s.week_from) as former
    from bookings b
    join stations s on s.station = b.destination and b.created_at >= s.before_from and b.created_at < s.week_to
    where b.id >= uuid_v7_floor($7::timestamptz)
    group by s.station
), summed as (
    select q.station, q.searches, coalesce(b.bookings, 0) as bookings, q.former + coalesce(b.former, 0) as former
    from searched q left join booked b using (station)
    where q.searches >= $8::bigint
), ranked as (
    -- A mean of less than one a week counts as one.
    select *, row_number() over (order by (4 * (searches + bookings))::numeric / greatest(former, 4) desc,
                                          searches + bookings desc, station) as rank
    from summed where 4 * (searches + bookings) > greatest(former, 4)
)
insert into station_trends (station, rank, searches, bookings, former, computed_at)
select station, rank, searches, bookings, former, $9::timestamptz from ranked where rank <= $10::bigint
