use chrono::NaiveDate;
use loadmaster_kernel::Currency;
use loadmaster_platform::postgres::{PgSession, column};

use crate::model::{DAYS_AHEAD, OFFERED, SamplingDay, Subject, WindowSums};

/// Returns what was offered on each of the days before the departures from `first` to the day before `today`, of which any was
/// ever offered. On a day, which begins with the last answer before, the lowest price in the currency of its last one counts.
pub(crate) async fn windows(
    db: &mut PgSession,
    Subject { lane: (origin, destination), weight_kg }: Subject,
    first: NaiveDate,
    today: NaiveDate,
    sampling_days: &[SamplingDay],
) -> sqlx::Result<Vec<WindowSums>> {
    let rows = sqlx::query_as!(
        WindowSums,
        r#"with departures as (
               select distinct departure_date from rate_points
               where origin = $1 and destination = $2 and source = $3 and weight_kg = $4
                 and departure_date >= $5 and departure_date < $6 and currency is not null
           ), sampling_days as (
               select * from unnest($7::date[], $8::timestamptz[], $9::timestamptz[]) as a (date, begins, ends)
           )
           select d.departure_date - a.date as "days_before!", o.currency as "currency?: Currency",
                  count(*) as "departures!", min(o.per_kg) as "low?", coalesce(sum(o.per_kg), 0)::bigint as "sum!"
           from departures d
           join sampling_days a on a.date <= d.departure_date and a.date >= d.departure_date - $10::int
           cross join lateral (
               select n.currency, n.per_kg
               from (
                   select p.currency, p.per_kg,
                          first_value(p.currency) over (order by p.currency is null, p.sampled_at desc) as last_currency
                   from rate_points p
                   where p.origin = $1 and p.destination = $2 and p.source = $3 and p.weight_kg = $4
                     and p.departure_date = d.departure_date and p.sampled_at < a.ends
                     and p.sampled_at >= coalesce(
                         (select max(q.sampled_at) from rate_points q
                          where q.origin = $1 and q.destination = $2 and q.source = $3 and q.weight_kg = $4
                            and q.departure_date = d.departure_date and q.sampled_at <= a.begins),
                         '-infinity')
               ) n
               where n.currency is not distinct from n.last_currency
               order by n.per_kg nulls last limit 1
           ) o
           group by 1, 2 order by 1, 2"#,
        origin.as_str(),
        destination.as_str(),
        OFFERED,
        weight_kg,
        first,
        today,
        &column(sampling_days, |it| it.date),
        &column(sampling_days, |it| it.begins),
        &column(sampling_days, |it| it.ends),
        i32::try_from(DAYS_AHEAD).unwrap_or_default(),
    );
    rows.fetch_all(db).await
}
