use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, Currency, FlightNumber, Money, Rate};
use loadmaster_platform::postgres::{PgSession, column};
use loadmaster_reference::Scope;
use uuid::Uuid;

use super::{Read, Stored, joined, reach_of, rule_of};

use crate::model::{Reach, Reduction, Rule, Sale};

struct Row {
    id: Uuid,
    version: i32,
    code: Option<String>,
    percent: Option<i64>,
    amount: Option<i64>,
    currency: Option<Currency>,
    sale_from: NaiveDate,
    sale_to: NaiveDate,
    airline_code: Option<AirlineCode>,
    origin: Scope,
    destination: Scope,
    flight_numbers: Vec<FlightNumber>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    max_uses: Option<i64>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for (Rule<Sale>, i64) {
    fn from(row: Row) -> Self {
        let revision = row.revision;
        // A check of the table gives it one of both.
        let amount = row.amount.zip(row.currency).map(|(minor, currency)| Money::new(minor, currency));
        let percent = Rate::from_ten_thousandths(row.percent.unwrap_or_default());
        let terms = Sale {
            code: row.code,
            reduction: amount.map_or(Reduction::Percent(percent), Reduction::Amount),
            sale_from: row.sale_from,
            sale_to: row.sale_to,
            reach: reach_of!(row),
            max_uses: row.max_uses,
        };
        (rule_of!(row, terms), revision)
    }
}

/// A checked query for sales; `$tail` selects and orders them.
macro_rules! select_sales {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, version, code, percent, amount, currency as "currency: _", sale_from, sale_to,
                      airline_code as "airline_code: _", origin as "origin: _", destination as "destination: _",
                      flight_numbers as "flight_numbers: _", valid_from, valid_to, max_uses, revision, created_at,
                      updated_at, ended_at
               from sales "# + $tail
            $(, $argument)*
        )
    };
}

impl Stored for Sale {
    async fn last(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Rule<Self>>> {
        let row = select_sales!("where id = $1 order by version desc limit 1", id).fetch_optional(db).await?;
        Ok(row.map(|row| <(Rule<Self>, i64)>::from(row).0))
    }

    async fn list(db: &mut PgSession, after: Option<Uuid>, offset: u32, fetch: i64) -> sqlx::Result<Vec<Rule<Self>>> {
        let page = select_sales!(
            "where is_current and ($1::uuid is null or id > $1) order by id limit $2 offset $3",
            after,
            fetch,
            i64::from(offset),
        );
        Ok(page.fetch_all(db).await?.into_iter().map(|row| <(Rule<Self>, i64)>::from(row).0).collect())
    }

    async fn in_force(db: &mut PgSession) -> sqlx::Result<Read<Self>> {
        Ok(select_sales!("where is_current").fetch_all(db).await?.into_iter().map(Into::into).collect())
    }

    async fn since(db: &mut PgSession, revision: i64) -> sqlx::Result<Read<Self>> {
        let rows = select_sales!("where revision > $1", revision).fetch_all(db).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    async fn write(db: &mut PgSession, versions: &[Rule<Self>], revision: i64) -> sqlx::Result<()> {
        let ids = column(versions, |rule| rule.id);
        sqlx::query!("update sales set is_current = false where is_current and id = any($1)", &ids)
            .execute(&mut *db)
            .await?;
        let percent = |rule: &Rule<Self>| match rule.terms.reduction {
            Reduction::Percent(rate) => Some(rate.ten_thousandths()),
            Reduction::Amount(_) => None,
        };
        let amount = |rule: &Rule<Self>| match rule.terms.reduction {
            Reduction::Percent(_) => None,
            Reduction::Amount(amount) => Some(amount),
        };
        sqlx::query!(
            r#"insert into sales (id, version, code, percent, amount, currency, sale_from, sale_to, airline_code, origin,
                                  destination, flight_numbers, valid_from, valid_to, max_uses, created_at, updated_at,
                                  ended_at, is_current, revision)
               select new.id, new.version, new.code, new.percent, new.amount, new.currency, new.sale_from, new.sale_to,
                      new.airline_code, new.origin, new.destination, string_to_array(new.flight_numbers, ' '),
                      new.valid_from, new.valid_to, new.max_uses, new.created_at, new.updated_at, new.ended_at,
                      new.ended_at is null, $19
               from unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::date[],
                           $8::date[], $9::text[], $10::text[], $11::text[], $12::text[], $13::date[], $14::date[],
                           $15::bigint[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[])
                    as new (id, version, code, percent, amount, currency, sale_from, sale_to, airline_code, origin,
                            destination, flight_numbers, valid_from, valid_to, max_uses, created_at, updated_at, ended_at)"#,
            &ids,
            &column(versions, |rule| rule.version),
            &column(versions, |rule| rule.terms.code.as_deref()) as &[Option<&str>],
            &column(versions, percent) as &[Option<i64>],
            &column(versions, |rule| amount(rule).map(Money::minor)) as &[Option<i64>],
            &column(versions, |rule| amount(rule).map(Money::currency)) as &[Option<Currency>],
            &column(versions, |rule| rule.terms.sale_from),
            &column(versions, |rule| rule.terms.sale_to),
            &column(versions, |rule| rule.terms.reach.airline_code) as &[Option<AirlineCode>],
            &column(versions, |rule| rule.terms.reach.origin.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.reach.destination.as_str()) as &[&str],
            &column(versions, |rule| joined(&rule.terms.reach.flight_numbers)),
            &column(versions, |rule| rule.terms.reach.valid_from),
            &column(versions, |rule| rule.terms.reach.valid_to) as &[Option<NaiveDate>],
            &column(versions, |rule| rule.terms.max_uses) as &[Option<i64>],
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
