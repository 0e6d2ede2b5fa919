use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_flights::{Lane, TypicalRate};
use loadmaster_kernel::{AirlineCode, AirportCode, Currency, Money, Rate};
use loadmaster_platform::postgres::{PgSession, column};

use crate::model::{Change, DAYS_AHEAD, OFFERED, Period, PeriodSums, Span, Subject, Trend};

/// Returns when a lane was asked last.
pub(crate) async fn sampled_at(db: &mut PgSession, (origin, destination): Lane) -> sqlx::Result<Option<DateTime<Utc>>> {
    let found = sqlx::query_scalar!(
        "select sampled_at from rate_lanes where origin = $1 and destination = $2",
        origin.as_str(),
        destination.as_str(),
    );
    found.fetch_optional(db).await
}

/// Returns the sums of each period, by source, currency and period.
pub(crate) async fn periods(
    db: &mut PgSession,
    Subject { lane: (origin, destination), weight_kg }: Subject,
    Span { from, to }: Span,
    by: Period,
    currency: Option<Currency>,
) -> sqlx::Result<Vec<PeriodSums>> {
    let rows = sqlx::query_as!(
        PeriodSums,
        r#"select source, currency as "currency: Currency", date_trunc($7::text, day::timestamp)::date as "period!",
                  min(low) as "low!", max(high) as "high!", sum(sum)::bigint as "sum!", sum(samples)::bigint as "samples!"
           from rate_days
           where origin = $1 and destination = $2 and weight_kg = $3 and day between $4 and $5
             and ($6::text is null or currency = $6)
           group by 1, 2, 3 order by 1, 2, 3"#,
        origin.as_str(),
        destination.as_str(),
        weight_kg,
        from,
        to,
        currency.map(|currency| currency.as_str()),
        by.as_str(),
    );
    rows.fetch_all(db).await
}

/// Returns how each series has moved in the 60 days up to this one.
pub(crate) async fn trends(
    db: &mut PgSession,
    Subject { lane: (origin, destination), weight_kg }: Subject,
    today: NaiveDate,
    currency: Option<Currency>,
) -> sqlx::Result<Vec<Trend>> {
    let rows = sqlx::query_as!(
        Trend,
        r#"select source, currency as "currency: Currency",
                  coalesce(sum(sum) filter (where day > $4::date - 28), 0)::bigint as "sum!",
                  coalesce(sum(samples) filter (where day > $4 - 28), 0)::bigint as "samples!",
                  coalesce(sum(sum) filter (where day <= $4 - 28 and day > $4 - 56), 0)::bigint as "former_sum!",
                  coalesce(sum(samples) filter (where day <= $4 - 28 and day > $4 - 56), 0)::bigint as "former_samples!",
                  array_agg(low) as "lows!"
           from rate_days
           where origin = $1 and destination = $2 and weight_kg = $3 and day > $4 - 60 and day <= $4
             and ($5::text is null or currency = $5)
           group by source, currency"#,
        origin.as_str(),
        destination.as_str(),
        weight_kg,
        today,
        currency.map(|currency| currency.as_str()),
    );
    rows.fetch_all(db).await
}

/// Returns the lowest price for a kilogram in each currency that departures from this date to 30 days later are offered for now.
pub(crate) async fn lowest(
    db: &mut PgSession,
    Subject { lane: (origin, destination), weight_kg }: Subject,
    today: NaiveDate,
    currency: Option<Currency>,
) -> sqlx::Result<Vec<(Currency, i64)>> {
    let rows = sqlx::query!(
        r#"select last.currency as "currency!: Currency", min(last.per_kg) as "per_kg!"
           from generate_series(0, $7::int) as a (ahead)
           cross join lateral (
               select p.currency, p.per_kg from rate_points p
               where p.origin = $1 and p.destination = $2 and p.source = $3 and p.weight_kg = $4
                 and p.departure_date = $5::date + a.ahead
               order by p.sampled_at desc limit 1
           ) last
           where last.currency is not null and ($6::text is null or last.currency = $6)
           group by last.currency"#,
        origin.as_str(),
        destination.as_str(),
        OFFERED,
        weight_kg,
        today,
        currency.map(|currency| currency.as_str()),
        i32::try_from(DAYS_AHEAD).unwrap_or_default(),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.currency, row.per_kg)).collect())
}

/// Returns the answers about a departure date that differed from those before, in order.
pub(crate) async fn changes(
    db: &mut PgSession,
    Subject { lane: (origin, destination), weight_kg }: Subject,
    departure_date: NaiveDate,
) -> sqlx::Result<Vec<Change>> {
    let rows = sqlx::query!(
        r#"select sampled_at, currency as "currency: Currency", amount, per_kg, airline_code as "airline_code: AirlineCode"
           from rate_points
           where origin = $1 and destination = $2 and source = $3 and weight_kg = $4 and departure_date = $5
           order by sampled_at"#,
        origin.as_str(),
        destination.as_str(),
        OFFERED,
        weight_kg,
        departure_date,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let offer = row.currency.zip(row.amount).zip(row.per_kg.zip(row.airline_code));
        let offer = offer.map(|((currency, amount), (per_kg, airline))| {
            (Money::new(amount, currency), Rate::from_ten_thousandths(per_kg), airline)
        });
        Change { sampled_at: row.sampled_at, offer }
    });
    Ok(rows.collect())
}

/// Returns what these lanes have cost from this day on, in the currency with the most samples.
pub(crate) async fn typical(
    db: &mut PgSession,
    lanes: &[Lane],
    weight_kg: i32,
    from: NaiveDate,
) -> sqlx::Result<HashMap<Lane, TypicalRate>> {
    let rows = sqlx::query!(
        r#"select distinct on (d.origin, d.destination)
                  d.origin as "origin!: AirportCode", d.destination as "destination!: AirportCode",
                  d.currency as "currency!: Currency", min(d.low) as "low!", max(d.high) as "high!",
                  (sum(d.sum) / sum(d.samples))::bigint as "average!"
           from (select distinct origin, destination from unnest($1::text[], $2::text[]) as a (origin, destination)) l
           join rate_days d on d.origin = l.origin and d.destination = l.destination and d.weight_kg = $3 and d.source = $4
                           and d.day >= $5
           group by d.origin, d.destination, d.currency
           order by d.origin, d.destination, sum(d.samples) desc, d.currency"#,
        &column(lanes, |lane| lane.0.as_str()) as &[&str],
        &column(lanes, |lane| lane.1.as_str()) as &[&str],
        weight_kg,
        OFFERED,
        from,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let rate = TypicalRate {
            low: Rate::from_ten_thousandths(row.low),
            average: Rate::from_ten_thousandths(row.average),
            high: Rate::from_ten_thousandths(row.high),
            currency: row.currency,
        };
        ((row.origin, row.destination), rate)
    });
    Ok(rows.collect())
}
