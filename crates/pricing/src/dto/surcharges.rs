use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, Currency, Fault, FlightNumber, HandlingCode, Rate, SurchargeId};
use loadmaster_platform::web::{
    Condition, Fields, Raw,
    condition::{absent, all, among, any, given},
    read, request, set, with,
};
use loadmaster_reference::{Reference, Scope};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{MOST_FLIGHT_NUMBERS, MOST_HANDLING_CODES, patched_reach, reach_of, written};

use crate::{
    change::{PatchOf, checked, patched},
    model::{Faults, Per, Reach, Rule, Surcharge, SurchargeBasis, fault_of_bound, fault_of_currency, fault_of_maximum},
};

/// What is charged besides the weight charge.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Surcharge)]
pub struct SurchargeBody<'a> {
    /// Permanent identifier.
    pub id: SurchargeId,
    /// A name of your own for it, unique among its kind.
    pub code: &'a str,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    pub basis: SurchargeBasis,
    /// For a kilogram, for all, or in percent of the weight charge before the discount.
    pub rate: Rate,
    /// Null: that of the tariff.
    #[schema(required = true)]
    pub currency: Option<Currency>,
    /// Minimum charge.
    #[schema(required = true)]
    pub minimum: Option<String>,
    /// Maximum charge; null: no maximum.
    #[schema(required = true)]
    pub maximum: Option<String>,
    pub per: Per,
    /// For freight with any of these; empty: all freight.
    pub handling_codes: &'a [HandlingCode],
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
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When this version was made.
    pub updated_at: DateTime<Utc>,
    /// Set in the answer to its deletion only.
    #[schema(required = true)]
    pub ended_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Rule<Surcharge>> for SurchargeBody<'a> {
    fn from(rule: &'a Rule<Surcharge>) -> Self {
        let (terms, reach) = (&rule.terms, &rule.terms.reach);
        Self {
            id: rule.id.into(),
            code: &terms.code,
            version: rule.version,
            basis: terms.basis,
            rate: terms.rate,
            currency: terms.currency,
            minimum: written(terms.minimum, terms.currency),
            maximum: written(terms.maximum, terms.currency),
            per: terms.per,
            handling_codes: &terms.handling_codes,
            airline_code: reach.airline_code,
            origin: &reach.origin,
            destination: &reach.destination,
            flight_numbers: &reach.flight_numbers,
            valid_from: reach.valid_from,
            valid_to: reach.valid_to,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
            ended_at: rule.ended_at,
        }
    }
}

request! {
    /// A surcharge to put into force. What is left out matches all.
    pub struct CreateSurcharge in body(reference: &Reference) {
        /// Two letters of IATA, then `C` (due carrier) or `A` (due agent): `MYC` fuel, `SCC` security, `RAC` dangerous
        /// goods. Several surcharges may have one code: the first that applies is charged.
        #[schema(pattern = "^[A-Z]{2}[AC]$")]
        code: String = read_code,
        basis: SurchargeBasis = read::word(SurchargeBasis::WORDS),
        /// For a kilogram, for all, or in percent of the weight charge before the discount.
        rate: Rate = read::code,
        /// Required, but for `PERCENT`: that is in the tariff's currency.
        currency: Option<Currency> = with(|fields| read_currency(fields, basis)),
        /// The least amount.
        minimum: Option<Rate> = |raw| read_bound(raw, currency),
        /// The largest amount.
        maximum: Option<Rate> = |raw| read_maximum(raw, minimum, currency),
        per: Per = read::word(Per::WORDS),
        /// For freight with any of these special handling codes.
        #[schema(max_items = 50)]
        handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// It flies the leg, or every leg of the shipment.
        airline_code: Option<AirlineCode> = |raw| reference.read_airline(raw),
        /// Origin of the shipment, or of the leg.
        origin: Scope = |raw| reference.read_scope(raw),
        /// Destination of the shipment, or of the leg.
        destination: Scope = |raw| reference.read_scope(raw),
        /// Only flights with one of these numbers; empty: any flight.
        #[schema(max_items = 50)]
        flight_numbers: Vec<FlightNumber> = set(MOST_FLIGHT_NUMBERS, |raw| reference.read_flight_number(raw)),
        /// First local date of departure.
        valid_from: NaiveDate = read::date,
        /// Last local date of departure.
        valid_to: Option<NaiveDate> = |raw| read::last_date(raw, valid_from, "valid_from"),
    }
}

impl CreateSurcharge {
    /// A currency, unless it is a share of the weight charge.
    pub const NEEDS: Condition = Condition::of::<Self>(&["basis"], || {
        let share = all(&[among("basis", &json!(["PERCENT"])), absent("currency")]);
        any(&[share, given("currency", "string")])
    });
}

request! {
    /// Changes to a surcharge: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member. The code remains.
    pub struct ChangeSurcharge in patch(reference: &Reference) {
        basis: Option<SurchargeBasis> = read::word(SurchargeBasis::WORDS),
        rate: Option<Rate> = read::code,
        currency: Patch<Currency> = read::code,
        minimum: Patch<Rate> = read::code,
        maximum: Patch<Rate> = read::code,
        per: Option<Per> = read::word(Per::WORDS),
        /// Only freight with any of these codes; empty: all freight.
        #[schema(max_items = 50)]
        handling_codes: Patch<Vec<HandlingCode>> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
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
    }
}

/// Reads the currency, which all but a percentage have.
fn read_currency(fields: &mut Fields<'_>, basis: Option<SurchargeBasis>) -> Option<Currency> {
    let is_absent = fields.is_absent("currency");
    let currency = fields.optional("currency", read::code);
    // What cannot be read has its fault already.
    if (is_absent || currency.is_some())
        && let Some(fault) = basis.and_then(|basis| fault_of_currency(basis, currency))
    {
        fields.fault("currency", &fault);
    }
    currency
}

fn read_bound(raw: Raw<'_>, currency: Option<Currency>) -> Result<Rate, Fault> {
    let bound = read::code(raw)?;
    fault_of_bound(Some(bound), currency).map_or(Ok(bound), Err)
}

fn read_maximum(raw: Raw<'_>, minimum: Option<Rate>, currency: Option<Currency>) -> Result<Rate, Fault> {
    let maximum = read_bound(raw, currency)?;
    fault_of_maximum(minimum, Some(maximum)).map_or(Ok(maximum), Err)
}

fn read_code(raw: Raw<'_>) -> Result<String, Fault> {
    let code = read::any(raw)?.trim().to_ascii_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_code && code.ends_with(['A', 'C']) {
        return Ok(code);
    }
    Err(Fault::format("must be two letters and `C` or `A`, such as MYC"))
}

impl From<CreateSurcharge> for Surcharge {
    fn from(new: CreateSurcharge) -> Self {
        Self {
            code: new.code,
            basis: new.basis,
            rate: new.rate,
            currency: new.currency,
            minimum: new.minimum,
            maximum: new.maximum,
            per: new.per,
            handling_codes: new.handling_codes,
            reach: reach_of!(new),
        }
    }
}

impl PatchOf<Surcharge> for ChangeSurcharge {
    fn applied(&self, terms: &Surcharge) -> Result<Surcharge, Faults> {
        checked(Surcharge {
            code: terms.code.clone(),
            basis: self.basis.unwrap_or(terms.basis),
            rate: self.rate.unwrap_or(terms.rate),
            currency: self.currency.or(terms.currency),
            minimum: self.minimum.or(terms.minimum),
            maximum: self.maximum.or(terms.maximum),
            per: self.per.unwrap_or(terms.per),
            handling_codes: patched(&self.handling_codes, &terms.handling_codes),
            reach: patched_reach!(self, &terms.reach),
        })
    }
}
