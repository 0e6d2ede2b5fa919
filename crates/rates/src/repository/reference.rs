use loadmaster_platform::postgres::{PgSession, column};

use crate::model::{REFERENCE, ReferenceRate};

/// Lets one import of reference rates at a time compare and write.
pub(crate) async fn lock_reference(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.reference_rates', 0))")
        .execute(db)
        .await
        .map(drop)
}

/// Returns those of these rates that there are, each with its place among them and its present amount in ten-thousandths.
pub(crate) async fn reference(db: &mut PgSession, rates: &[ReferenceRate]) -> sqlx::Result<Vec<(usize, i64)>> {
    let rows = sqlx::query!(
        r#"select r.place as "place!", d.low
           from unnest($1::text[], $2::text[], $3::date[], $4::int[], $5::text[]) with ordinality
                as r (origin, destination, day, weight_kg, currency, place)
           join rate_days d on d.origin = r.origin and d.destination = r.destination and d.weight_kg = r.weight_kg
                           and d.source = $6 and d.currency = r.currency and d.day = r.day"#,
        &column(rates, |rate| rate.lane.0.as_str()) as &[&str],
        &column(rates, |rate| rate.lane.1.as_str()) as &[&str],
        &column(rates, |rate| rate.day),
        &column(rates, |rate| rate.weight_kg),
        &column(rates, |rate| rate.currency.as_str()) as &[&str],
        REFERENCE,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.filter_map(|row| Some((usize::try_from(row.place - 1).ok()?, row.low))).collect())
}

/// Adds rates, or replaces them.
pub(crate) async fn save_reference(db: &mut PgSession, rates: &[ReferenceRate]) -> sqlx::Result<()> {
    let saved = sqlx::query!(
        "insert into rate_days as d (origin, destination, source, day, weight_kg, currency, low, high, sum, samples)
         select r.origin, r.destination, $1::text, r.day, r.weight_kg, r.currency, r.per_kg, r.per_kg, r.per_kg, 1
         from unnest($2::text[], $3::text[], $4::date[], $5::int[], $6::text[], $7::bigint[])
              as r (origin, destination, day, weight_kg, currency, per_kg)
         on conflict (origin, destination, weight_kg, source, currency, day) do update
         set low = excluded.low, high = excluded.high, sum = excluded.sum, samples = 1
         where d.low <> excluded.low",
        REFERENCE,
        &column(rates, |rate| rate.lane.0.as_str()) as &[&str],
        &column(rates, |rate| rate.lane.1.as_str()) as &[&str],
        &column(rates, |rate| rate.day),
        &column(rates, |rate| rate.weight_kg),
        &column(rates, |rate| rate.currency.as_str()) as &[&str],
        &column(rates, |rate| rate.per_kg.ten_thousandths()),
    );
    saved.execute(db).await.map(drop)
}
