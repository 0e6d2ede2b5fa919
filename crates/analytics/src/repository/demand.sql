with counted as (
    select asked_on, origin, destination, weight_class, outcome, searches, options, bookable
    from searches where asked_on between $3 and $4
    union all
    select asked_on, origin, destination, weight_class, outcome, searches, options, bookable
    from search_days where asked_on between $3 and $4
), grouped as (
    select coalesce(case $1::text
               when 'lane' then case when origin = '*' then '*' else origin || '-' || destination end
               when 'weight_class' then weight_class::text
               when 'outcome' then outcome
           end, '') as key,
           date_trunc($2, asked_on::timestamp)::date as period,
           sum(searches) as searches, sum(options) as options, sum(bookable) as bookable
    from counted
    where ($5::text is null or origin = $5)
      and ($6::text is null or destination = $6)
    group by 1, 2
), ranked as (
    -- No join with the sums of each key: plans for any parameters take their number to be 1.
    select *, dense_rank() over (order by of_key desc, key) as rank
    from (select *, sum(searches) over (partition by key) as of_key from grouped) keyed
), placed as (
    select rank <= $7 as is_named, case when rank <= $7 then rank end as place,
           case when rank <= $7 then key end as name, case when rank <= $7 then period end as time,
           searches, options, bookable
    from ranked
)
select grouping(is_named) = 1 as "is_total!", time, place, name,
       coalesce(sum(searches), 0)::bigint as "searches!", coalesce(sum(options), 0)::bigint as "options!",
       coalesce(sum(bookable), 0)::bigint as "bookable!"
from placed
group by grouping sets ((is_named, time, place, name), ())
