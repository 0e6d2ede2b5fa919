use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, Fault, FaultCode, FlightNumber, Money, Rate, SaleId};
use loadmaster_platform::web::{
    Condition, Fields, Patch, Raw,
    condition::{absent, all, any, given},
    object, read, request, set, with,
};
use loadmaster_reference::{Reference, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MOST_FLIGHT_NUMBERS, patched_reach, reach_of, read_rule_code};

use crate::{
    change::{PatchOf, checked, patched},
    model::{Faults, Reach, Reduction, Rule, Sale, fault_of_percent},
};

const MOST_USES: i64 = 1_000_000_000;

/// A lower weight charge for what is quoted within some days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sale)]
pub struct SaleBody<'a> {
    /// Permanent identifier.
    pub id: SaleId,
    /// Null: it applies without a code.
    #[schema(required = true)]
    pub code: Option<&'a str>,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// Of the weight charge; null: `amount`.
    #[schema(required = true)]
    pub percent: Option<Rate>,
    /// In quotes of its currency only; null: `percent`.
    #[schema(required = true)]
    pub amount: Option<Money>,
    /// First UTC date of quoting.
    pub sale_from: NaiveDate,
    /// Last UTC date of quoting.
    pub sale_to: NaiveDate,
    #[schema(required = true)]
    pub airline_code: Option<AirlineCode>,
    pub origin: &'a Scope,
    pub destination: &'a Scope,
    /// One leg has one of these; empty: any.
    pub flight_numbers: &'a [FlightNumber],
    /// First local date of departure.
    pub valid_from: NaiveDate,
    /// Last local date of departure.
    #[schema(required = true)]
    pub valid_to: Option<NaiveDate>,
    /// How many holds and bookings may use it; null: any number.
    #[schema(required = true)]
    pub max_uses: Option<i64>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When this version was made.
    pub updated_at: DateTime<Utc>,
    /// Set in the answer to its deletion only.
    #[schema(required = true)]
    pub ended_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Rule<Sale>> for SaleBody<'a> {
    fn from(rule: &'a Rule<Sale>) -> Self {
        let (terms, reach) = (&rule.terms, &rule.terms.reach);
        let (percent, amount) = match terms.reduction {
            Reduction::Percent(percent) => (Some(percent), None),
            Reduction::Amount(amount) => (None, Some(amount)),
        };
        Self {
            id: rule.id.into(),
            code: terms.code.as_deref(),
            version: rule.version,
            percent,
            amount,
            sale_from: terms.sale_from,
            sale_to: terms.sale_to,
            airline_code: reach.airline_code,
            origin: &reach.origin,
            destination: &reach.destination,
            flight_numbers: &reach.flight_numbers,
            valid_from: reach.valid_from,
            valid_to: reach.valid_to,
            max_uses: terms.max_uses,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
            ended_at: rule.ended_at,
        }
    }
}

request! {
    /// A sale to put into force, by `percent` or by `amount`. What is left out matches all.
    pub struct CreateSale in body(reference: &Reference) {
        /// Without a code, it applies to every quote that it matches, unless another sale lowers that more. Unique among
        /// the sales in force: letters, digits, `-`, `_` and `.`.
        #[schema(max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
        code: Option<String> = read_rule_code,
        /// Of the weight charge, at most 100, with at most two decimals.
        percent: Option<Rate> = read_percent,
        /// Only for quotes in its currency.
        amount: Option<Money> = with(|fields| read_amount(fields, percent)),
        /// First UTC date of quoting.
        sale_from: NaiveDate = read::date,
        /// Last UTC date of quoting.
        sale_to: NaiveDate = |raw| read::last_date(raw, sale_from, "sale_from"),
        /// It flies every leg.
        airline_code: Option<AirlineCode> = |raw| reference.read_airline(raw),
        /// Origin of the shipment.
        origin: Scope = |raw| reference.read_scope(raw),
        /// Destination of the shipment.
        destination: Scope = |raw| reference.read_scope(raw),
        /// Only flights with one of these numbers; empty: any flight.
        #[schema(max_items = 50)]
        flight_numbers: Vec<FlightNumber> = set(MOST_FLIGHT_NUMBERS, |raw| reference.read_flight_number(raw)),
        /// First local date of departure.
        valid_from: NaiveDate = read::date,
        /// Last local date of departure.
        valid_to: Option<NaiveDate> = |raw| read::last_date(raw, valid_from, "valid_from"),
        /// How many holds and bookings may use it.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        max_uses: Option<i64> = read::integer(1, MOST_USES),
    }
}

impl CreateSale {
    /// A percentage, or an amount.
    pub const NEEDS: Condition = Condition::of::<Self>(&["origin"], || {
        any(&[
            all(&[given("percent", "string"), absent("amount")]),
            all(&[given("amount", "object"), absent("percent")]),
        ])
    });
}

request! {
    /// Changes to a sale: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member. `percent` replaces an amount, and `amount` a percentage. The code remains.
    pub struct ChangeSale in patch(reference: &Reference) {
        percent: Patch<Rate> = read::code,
        amount: Patch<Money> = object(read::money),
        /// The first day on which it can be used, in UTC.
        sale_from: Option<NaiveDate> = read::date,
        /// The last day on which it can be used, in UTC.
        sale_to: Option<NaiveDate> = read::date,
        airline_code: Patch<AirlineCode> = |raw| reference.read_airline(raw),
        origin: Option<Scope> = |raw| reference.read_scope(raw),
        destination: Option<Scope> = |raw| reference.read_scope(raw),
        /// Only flights with one of these numbers; empty: any flight.
        #[schema(max_items = 50)]
        flight_numbers: Patch<Vec<FlightNumber>> = set(MOST_FLIGHT_NUMBERS, |raw| reference.read_flight_number(raw)),
        /// First local date of departure.
        valid_from: Option<NaiveDate> = read::date,
        /// Last local date of departure; null: without end.
        valid_to: Patch<NaiveDate> = read::date,
        /// Not below the number of uses.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        max_uses: Patch<i64> = read::integer(1, MOST_USES),
    }
}

impl ChangeSale {
    /// No more than one of the two.
    pub const NEEDS: Condition = Condition::of::<Self>(&["percent"], || any(&[absent("percent"), absent("amount")]));
}

fn read_percent(raw: Raw<'_>) -> Result<Rate, Fault> {
    let percent = read::code(raw)?;
    fault_of_percent(percent).map_or(Ok(percent), Err)
}

/// Reads the amount, in place of a percentage.
fn read_amount(fields: &mut Fields<'_>, percent: Option<Rate>) -> Option<Money> {
    let is_percent = !fields.is_absent("percent");
    if fields.is_absent("amount") {
        if !is_percent {
            fields.fault("percent", &Fault::new(FaultCode::Required, "is required without `amount`"));
        }
        // Known, so that it is no unknown member.
        return fields.optional("amount", object(read::money));
    }
    let amount = fields.optional("amount", object(read::money));
    if percent.is_some() {
        fields.fault("amount", &Fault::format("cannot be combined with `percent`"));
    }
    amount
}

impl From<CreateSale> for Sale {
    fn from(new: CreateSale) -> Self {
        Self {
            code: new.code,
            reduction: new.amount.map_or(Reduction::Percent(new.percent.unwrap_or_default()), Reduction::Amount),
            sale_from: new.sale_from,
            sale_to: new.sale_to,
            reach: reach_of!(new),
            max_uses: new.max_uses,
        }
    }
}

impl ChangeSale {
    fn reduction(&self, before: Reduction) -> Result<Reduction, Faults> {
        let required = || vec![("/percent".into(), Fault::new(FaultCode::Required, "is required without `amount`"))];
        match (self.percent, self.amount, before) {
            (Patch::Set(_), Patch::Set(_), _) => {
                Err(vec![("/amount".into(), Fault::format("cannot be combined with `percent`"))])
            }
            (Patch::Set(percent), _, _) => Ok(Reduction::Percent(percent)),
            (_, Patch::Set(amount), _) => Ok(Reduction::Amount(amount)),
            (Patch::Clear, _, Reduction::Percent(_)) | (_, Patch::Clear, Reduction::Amount(_)) => Err(required()),
            _ => Ok(before),
        }
    }
}

impl PatchOf<Sale> for ChangeSale {
    fn applied(&self, terms: &Sale) -> Result<Sale, Faults> {
        checked(Sale {
            code: terms.code.clone(),
            reduction: self.reduction(terms.reduction)?,
            sale_from: self.sale_from.unwrap_or(terms.sale_from),
            sale_to: self.sale_to.unwrap_or(terms.sale_to),
            reach: patched_reach!(self, &terms.reach),
            max_uses: self.max_uses.or(terms.max_uses),
        })
    }
}
