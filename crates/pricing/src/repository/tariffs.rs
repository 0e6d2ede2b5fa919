use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, Currency, FlightNumber, HandlingCode, Money, OrganizationId, Rate, Weight};
use loadmaster_platform::postgres::{PgSession, column};
use loadmaster_reference::Scope;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Read, Stored, joined, reach_of, rule_of};

use crate::model::{Break, Product, Reach, Rule, Tariff};

struct Row {
    id: Uuid,
    version: i32,
    code: String,
    airline_code: Option<AirlineCode>,
    origin: Scope,
    destination: Scope,
    flight_numbers: Vec<FlightNumber>,
    organization_id: Option<Uuid>,
    product: Product,
    handling_code: Option<HandlingCode>,
    currency: Currency,
    minimum: i64,
    normal: i64,
    breaks: Json<Vec<(i64, i64)>>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for (Rule<Tariff>, i64) {
    fn from(row: Row) -> Self {
        let revision = row.revision;
        let break_of = |(weight, rate): (i64, i64)| Break {
            from: Weight::from_hectograms(weight),
            rate: Rate::from_ten_thousandths(rate),
        };
        let terms = Tariff {
            code: row.code,
            reach: reach_of!(row),
            organization_id: row.organization_id.map(OrganizationId::from),
            product: row.product,
            handling_code: row.handling_code,
            minimum: Money::new(row.minimum, row.currency),
            normal: Rate::from_ten_thousandths(row.normal),
            breaks: row.breaks.0.into_iter().map(break_of).collect(),
        };
        (rule_of!(row, terms), revision)
    }
}

/// A checked query for tariffs; `$tail` selects and orders them.
macro_rules! select_tariffs {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, version, code, airline_code as "airline_code: _", origin as "origin: _",
                      destination as "destination: _", flight_numbers as "flight_numbers: _", organization_id,
                      product as "product: _", handling_code as "handling_code: _", currency as "currency: _", minimum,
                      normal, breaks as "breaks: Json<Vec<(i64, i64)>>", valid_from, valid_to, revision, created_at,
                      updated_at, ended_at
               from tariffs "# + $tail
            $(, $argument)*
        )
    };
}

fn rules(rows: Vec<Row>) -> Vec<Rule<Tariff>> {
    rows.into_iter().map(|row| <(Rule<Tariff>, i64)>::from(row).0).collect()
}

/// Returns the tariffs in force with these codes.
pub async fn find_by_codes(db: &mut PgSession, codes: &[&str]) -> sqlx::Result<Vec<Rule<Tariff>>> {
    let found = select_tariffs!("where is_current and code = any($1)", codes as &[&str]);
    Ok(rules(found.fetch_all(db).await?))
}

/// Returns the number of tariffs in force.
pub(crate) async fn count_tariffs(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from tariffs where is_current"#).fetch_one(db).await
}

impl Stored for Tariff {
    async fn last(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Rule<Self>>> {
        let row = select_tariffs!("where id = $1 order by version desc limit 1", id).fetch_optional(db).await?;
        Ok(row.map(|row| <(Rule<Self>, i64)>::from(row).0))
    }

    async fn list(db: &mut PgSession, after: Option<Uuid>, offset: u32, fetch: i64) -> sqlx::Result<Vec<Rule<Self>>> {
        let page = select_tariffs!(
            "where is_current and ($1::uuid is null or id > $1) order by id limit $2 offset $3",
            after,
            fetch,
            i64::from(offset),
        );
        Ok(rules(page.fetch_all(db).await?))
    }

    async fn in_force(db: &mut PgSession) -> sqlx::Result<Read<Self>> {
        Ok(select_tariffs!("where is_current").fetch_all(db).await?.into_iter().map(Into::into).collect())
    }

    async fn since(db: &mut PgSession, revision: i64) -> sqlx::Result<Read<Self>> {
        let rows = select_tariffs!("where revision > $1", revision).fetch_all(db).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    async fn write(db: &mut PgSession, versions: &[Rule<Self>], revision: i64) -> sqlx::Result<()> {
        let ids = column(versions, |rule| rule.id);
        sqlx::query!("update tariffs set is_current = false where is_current and id = any($1)", &ids)
            .execute(&mut *db)
            .await?;
        let numbers = |rule: &Rule<Self>| joined(&rule.terms.reach.flight_numbers);
        let breaks = |rule: &Rule<Self>| {
            let pairs = rule.terms.breaks.iter().map(|each| (each.from.hectograms(), each.rate.ten_thousandths()));
            Json(pairs.collect::<Vec<_>>())
        };
        sqlx::query!(
            r#"insert into tariffs (id, version, code, airline_code, origin, destination, flight_numbers, organization_id,
                                    product, handling_code, currency, minimum, normal, breaks, valid_from, valid_to,
                                    created_at, updated_at, ended_at, is_current, revision)
               select new.id, new.version, new.code, new.airline_code, new.origin, new.destination,
                      string_to_array(new.flight_numbers, ' '), new.organization_id, new.product, new.handling_code,
                      new.currency, new.minimum, new.normal, new.breaks, new.valid_from, new.valid_to, new.created_at,
                      new.updated_at, new.ended_at, new.ended_at is null, $20
               from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[],
                           $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::jsonb[],
                           $15::date[], $16::date[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[])
                    as new (id, version, code, airline_code, origin, destination, flight_numbers, organization_id,
                            product, handling_code, currency, minimum, normal, breaks, valid_from, valid_to, created_at,
                            updated_at, ended_at)"#,
            &ids,
            &column(versions, |rule| rule.version),
            &column(versions, |rule| rule.terms.code.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.reach.airline_code) as &[Option<AirlineCode>],
            &column(versions, |rule| rule.terms.reach.origin.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.reach.destination.as_str()) as &[&str],
            &column(versions, numbers),
            &column(versions, |rule| rule.terms.organization_id.map(OrganizationId::uuid)) as &[Option<Uuid>],
            &column(versions, |rule| rule.terms.product.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.handling_code) as &[Option<HandlingCode>],
            &column(versions, |rule| rule.terms.currency().as_str()) as &[&str],
            &column(versions, |rule| rule.terms.minimum.minor()),
            &column(versions, |rule| rule.terms.normal.ten_thousandths()),
            &column(versions, breaks) as &[Json<Vec<(i64, i64)>>],
            &column(versions, |rule| rule.terms.reach.valid_from),
            &column(versions, |rule| rule.terms.reach.valid_to) as &[Option<NaiveDate>],
            &column(versions, |rule| rule.created_at),
            &column(versions, |rule| rule.updated_at),
            &column(versions, |rule| rule.ended_at) as &[Option<DateTime<Utc>>],
            revision,
        )
        .execute(db)
        .await
        .map(drop)
    }
}
