use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_flights::Lane;
use loadmaster_kernel::{AirlineCode, AirportCode, Currency, Money, Rate};
use loadmaster_platform::postgres::{PgSession, column};

use crate::model::{Answer, Answered, Answers, DAYS_AHEAD, DEMO, DaySums, OFFERED};

/// Returns the last slot of each lane.
pub(crate) async fn last_slots(db: &mut PgSession) -> sqlx::Result<HashMap<Lane, DateTime<Utc>>> {
    let lanes = sqlx::query!(
        r#"select origin as "origin: AirportCode", destination as "destination: AirportCode", slot from rate_lanes"#
    );
    let lanes = lanes.fetch_all(db).await?.into_iter();
    Ok(lanes.map(|row| ((row.origin, row.destination), row.slot)).collect())
}

/// Returns those of these lanes of which the last answer has a price for any of these weights and any departure from this date on.
pub(crate) async fn still_priced(
    db: &mut PgSession,
    lanes: &[(Lane, NaiveDate)],
    weights: &[i32],
) -> sqlx::Result<Vec<Lane>> {
    let found = sqlx::query!(
        r#"select l.origin as "origin!: AirportCode", l.destination as "destination!: AirportCode"
           from unnest($1::text[], $2::text[], $3::date[]) as l (origin, destination, today)
           where exists (
               select from unnest($4::int[]) as w (weight_kg)
               cross join generate_series(0, $5::int) as a (ahead)
               cross join lateral (
                   select p.currency from rate_points p
                   where p.origin = l.origin and p.destination = l.destination and p.source = $6
                     and p.weight_kg = w.weight_kg and p.departure_date = l.today + a.ahead
                   order by p.sampled_at desc limit 1
               ) last
               where last.currency is not null)"#,
        &column(lanes, |((origin, _), _)| origin.as_str()) as &[&str],
        &column(lanes, |((_, destination), _)| destination.as_str()) as &[&str],
        &column(lanes, |(_, today)| *today),
        weights,
        i32::try_from(DAYS_AHEAD).unwrap_or_default(),
        OFFERED,
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (row.origin, row.destination)).collect())
}

/// Takes the slot of a lane. Returns false if it was taken before, or a later one.
pub(crate) async fn take_slot(
    db: &mut PgSession,
    (origin, destination): Lane,
    slot: DateTime<Utc>,
    sampled_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "insert into rate_lanes as l (origin, destination, slot, sampled_at) values ($1, $2, $3, $4)
         on conflict (origin, destination) do update set slot = excluded.slot, sampled_at = excluded.sampled_at
         where l.slot < excluded.slot",
        origin.as_str(),
        destination.as_str(),
        slot,
        sampled_at,
    );
    Ok(taken.execute(db).await?.rows_affected() > 0)
}

/// Returns the last answers for these weights about departures from this date to 30 days later.
pub(crate) async fn last_answers(
    db: &mut PgSession,
    (origin, destination): Lane,
    from: NaiveDate,
    weights: &[i32],
) -> sqlx::Result<Answers> {
    let rows = sqlx::query!(
        r#"select w.weight_kg as "weight_kg!", $4::date + a.ahead as "departure_date!", last.currency as "currency?: Currency",
                  last.amount, last.per_kg, last.airline_code as "airline_code?: AirlineCode"
           from unnest($5::int[]) as w (weight_kg)
           cross join generate_series(0, $6::int) as a (ahead)
           cross join lateral (
               select p.currency, p.amount, p.per_kg, p.airline_code from rate_points p
               where p.origin = $1 and p.destination = $2 and p.source = $3 and p.weight_kg = w.weight_kg
                 and p.departure_date = $4::date + a.ahead
               order by p.sampled_at desc limit 1
           ) last"#,
        origin.as_str(),
        destination.as_str(),
        OFFERED,
        from,
        weights,
        i32::try_from(DAYS_AHEAD).unwrap_or_default(),
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let answer = row.currency.zip(row.amount).zip(row.per_kg.zip(row.airline_code));
        let answer = answer.map(|((currency, amount), (per_kg, airline))| Answer {
            price: Money::new(amount, currency),
            per_kg: Rate::from_ten_thousandths(per_kg),
            airline,
        });
        ((row.weight_kg, row.departure_date), answer)
    });
    Ok(rows.collect())
}

/// Adds answers that differ from those before.
pub(crate) async fn add_points(
    db: &mut PgSession,
    (origin, destination): Lane,
    sampled_at: DateTime<Utc>,
    answers: &[Answered],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rate_points (origin, destination, source, sampled_at, weight_kg, departure_date, currency, amount, per_kg,
                                  airline_code)
         select $1::text, $2::text, $3::text, $4::timestamptz, p.*
         from unnest($5::int[], $6::date[], $7::text[], $8::bigint[], $9::bigint[], $10::text[]) as p
         on conflict do nothing",
        origin.as_str(),
        destination.as_str(),
        OFFERED,
        sampled_at,
        &column(answers, |it| it.weight_kg),
        &column(answers, |it| it.departure_date),
        &column(answers, |it| it.answer.map(|answer| answer.price.currency().as_str())) as &[Option<&str>],
        &column(answers, |it| it.answer.map(|answer| answer.price.minor())) as &[Option<i64>],
        &column(answers, |it| it.answer.map(|answer| answer.per_kg.ten_thousandths())) as &[Option<i64>],
        &column(answers, |it| it.answer.as_ref().map(|answer| answer.airline.as_str())) as &[Option<&str>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Adds sums to those of their days.
pub(crate) async fn add_days(
    db: &mut PgSession,
    (origin, destination): Lane,
    source: &str,
    days: &[(NaiveDate, DaySums)],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rate_days as d (origin, destination, source, day, weight_kg, currency, low, high, sum, samples)
         select $1::text, $2::text, $3::text, s.*
         from unnest($4::date[], $5::int[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::int[]) as s
         on conflict (origin, destination, weight_kg, source, currency, day) do update
         set low = least(d.low, excluded.low), high = greatest(d.high, excluded.high), sum = d.sum + excluded.sum,
             samples = d.samples + excluded.samples",
        origin.as_str(),
        destination.as_str(),
        source,
        &column(days, |(day, _)| *day),
        &column(days, |(_, sums)| sums.weight_kg),
        &column(days, |(_, sums)| sums.currency.as_str()) as &[&str],
        &column(days, |(_, sums)| sums.low.ten_thousandths()),
        &column(days, |(_, sums)| sums.high.ten_thousandths()),
        &column(days, |(_, sums)| sums.sum),
        &column(days, |(_, sums)| sums.samples),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Lets one transaction at a time invent a past.
pub(crate) async fn lock_invented(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.invented_rates', 0))")
        .execute(db)
        .await
        .map(drop)
}

/// Returns whether a past was invented for any lane.
pub(crate) async fn has_invented(db: &mut PgSession) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(r#"select exists (select from rate_days where source = $1) as "exists!""#, DEMO);
    found.fetch_one(db).await
}

/// Deletes up to `most` answers that are older. Returns their number.
pub(crate) async fn delete_points(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from rate_points where ctid = any(array(
             select ctid from rate_points where sampled_at < $1 order by sampled_at limit $2))",
        before,
        most,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Deletes up to `most` sums of earlier days. Returns their number.
pub(crate) async fn delete_days(db: &mut PgSession, before: NaiveDate, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from rate_days where ctid = any(array(select ctid from rate_days where day < $1 order by day limit $2))",
        before,
        most,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
