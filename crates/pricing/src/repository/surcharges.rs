use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, Currency, FlightNumber, HandlingCode, Rate, from_column};
use loadmaster_platform::postgres::{PgSession, column};
use loadmaster_reference::Scope;
use uuid::Uuid;

use super::{Read, Stored, joined, reach_of, rule_of};

use crate::model::{Per, Reach, Rule, Surcharge, SurchargeBasis};

struct Row {
    id: Uuid,
    version: i32,
    code: String,
    basis: String,
    rate: i64,
    currency: Option<Currency>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    per: String,
    handling_codes: Vec<HandlingCode>,
    airline_code: Option<AirlineCode>,
    origin: Scope,
    destination: Scope,
    flight_numbers: Vec<FlightNumber>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn rule(self) -> sqlx::Result<(Rule<Surcharge>, i64)> {
        let revision = self.revision;
        let terms = Surcharge {
            code: self.code,
            basis: from_column(SurchargeBasis::WORDS, &self.basis)?,
            rate: Rate::from_ten_thousandths(self.rate),
            currency: self.currency,
            minimum: self.minimum.map(Rate::from_ten_thousandths),
            maximum: self.maximum.map(Rate::from_ten_thousandths),
            per: from_column(Per::WORDS, &self.per)?,
            handling_codes: self.handling_codes,
            reach: reach_of!(self),
        };
        Ok((rule_of!(self, terms), revision))
    }
}

/// A checked query for surcharges; `$tail` selects and orders them.
macro_rules! select_surcharges {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, version, code, basis, rate, currency as "currency: _", minimum, maximum, per,
                      handling_codes as "handling_codes: _", airline_code as "airline_code: _", origin as "origin: _",
                      destination as "destination: _", flight_numbers as "flight_numbers: _", valid_from, valid_to,
                      revision, created_at, updated_at, ended_at
               from surcharges "# + $tail
            $(, $argument)*
        )
    };
}

fn rules(rows: Vec<Row>) -> sqlx::Result<Vec<Rule<Surcharge>>> {
    rows.into_iter().map(|row| Ok(row.rule()?.0)).collect()
}

impl Stored for Surcharge {
    async fn last(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Rule<Self>>> {
        let row = select_surcharges!("where id = $1 order by version desc limit 1", id).fetch_optional(db).await?;
        row.map(|row| Ok(row.rule()?.0)).transpose()
    }

    async fn list(db: &mut PgSession, after: Option<Uuid>, offset: u32, fetch: i64) -> sqlx::Result<Vec<Rule<Self>>> {
        let page = select_surcharges!(
            "where is_current and ($1::uuid is null or id > $1) order by id limit $2 offset $3",
            after,
            fetch,
            i64::from(offset),
        );
        rules(page.fetch_all(db).await?)
    }

    async fn in_force(db: &mut PgSession) -> sqlx::Result<Read<Self>> {
        select_surcharges!("where is_current").fetch_all(db).await?.into_iter().map(Row::rule).collect()
    }

    async fn since(db: &mut PgSession, revision: i64) -> sqlx::Result<Read<Self>> {
        let rows = select_surcharges!("where revision > $1", revision).fetch_all(db).await?;
        rows.into_iter().map(Row::rule).collect()
    }

    async fn write(db: &mut PgSession, versions: &[Rule<Self>], revision: i64) -> sqlx::Result<()> {
        let ids = column(versions, |rule| rule.id);
        sqlx::query!("update surcharges set is_current = false where is_current and id = any($1)", &ids)
            .execute(&mut *db)
            .await?;
        let units = |rate: Option<Rate>| rate.map(Rate::ten_thousandths);
        sqlx::query!(
            r#"insert into surcharges (id, version, code, basis, rate, currency, minimum, maximum, per, handling_codes,
                                       airline_code, origin, destination, flight_numbers, valid_from, valid_to,
                                       created_at, updated_at, ended_at, is_current, revision)
               select new.id, new.version, new.code, new.basis, new.rate, new.currency, new.minimum, new.maximum, new.per,
                      string_to_array(new.handling_codes, ' '), new.airline_code, new.origin, new.destination,
                      string_to_array(new.flight_numbers, ' '), new.valid_from, new.valid_to, new.created_at,
                      new.updated_at, new.ended_at, new.ended_at is null, $20
               from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
                           $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                           $15::date[], $16::date[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[])
                    as new (id, version, code, basis, rate, currency, minimum, maximum, per, handling_codes, airline_code,
                            origin, destination, flight_numbers, valid_from, valid_to, created_at, updated_at, ended_at)"#,
            &ids,
            &column(versions, |rule| rule.version),
            &column(versions, |rule| rule.terms.code.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.basis.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.rate.ten_thousandths()),
            &column(versions, |rule| rule.terms.currency) as &[Option<Currency>],
            &column(versions, |rule| units(rule.terms.minimum)) as &[Option<i64>],
            &column(versions, |rule| units(rule.terms.maximum)) as &[Option<i64>],
            &column(versions, |rule| rule.terms.per.as_str()) as &[&str],
            &column(versions, |rule| joined(&rule.terms.handling_codes)),
            &column(versions, |rule| rule.terms.reach.airline_code) as &[Option<AirlineCode>],
            &column(versions, |rule| rule.terms.reach.origin.as_str()) as &[&str],
            &column(versions, |rule| rule.terms.reach.destination.as_str()) as &[&str],
            &column(versions, |rule| joined(&rule.terms.reach.flight_numbers)),
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
