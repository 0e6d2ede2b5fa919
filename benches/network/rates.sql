-- Ninety days of prices for the 2 000 lanes with the most flights, in three weights, and what the next 31 days are offered for.
truncate rate_lanes, rate_days, rate_points;
insert into rate_lanes (origin, destination, slot, sampled_at)
    select origin, destination, date_trunc('hour', now()), now() from flights group by origin, destination
    order by count(*) desc, origin, destination limit 2000;
insert into rate_days (origin, destination, source, day, weight_kg, currency, low, high, sum, samples)
    select l.origin, l.destination, 'offered', day::date, weight, 'USD', 40000, 60000, 1550000, 31
    from rate_lanes l cross join unnest(array[100, 300, 1000]) weight
    cross join generate_series(current_date - 90, current_date, interval '1 day') day;
insert into rate_points (origin, destination, source, weight_kg, departure_date, sampled_at, currency, amount, per_kg, airline_code)
    select l.origin, l.destination, 'offered', weight, current_date + ahead, now() - turn * interval '1 day', 'USD', 150000, 50000 + turn, 'AI'
    from rate_lanes l cross join unnest(array[100, 300, 1000]) weight cross join generate_series(0, 30) ahead
    cross join generate_series(0, 2) turn;
analyze rate_lanes; analyze rate_days; analyze rate_points;
