use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{
    AirlineCode, Currency, Fault, FaultCode, FlightNumber, HandlingCode, Money, OrganizationId, Rate, TariffId, Weight,
};
use loadmaster_platform::web::{Fields, Patch, Raw, objects, read, request, set, with};
use loadmaster_reference::{Reference, Scope};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{MOST_FLIGHT_NUMBERS, amount_in, patched_reach, reach_of, read_amount, read_rule_code};

use crate::{
    change::{PatchOf, checked, patched},
    model::{Break, Faults, Product, Reach, Rule, Tariff, faults_of_breaks, read_product},
};

const MOST_BREAKS: usize = 30;

/// What a kilogram costs on certain ways.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tariff)]
pub struct TariffBody<'a> {
    /// Permanent identifier.
    pub id: TariffId,
    /// A name of your own for it, unique among its kind.
    pub code: &'a str,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    #[schema(required = true)]
    pub airline_code: Option<AirlineCode>,
    pub origin: &'a Scope,
    pub destination: &'a Scope,
    /// One leg has one of these; empty: any.
    pub flight_numbers: &'a [FlightNumber],
    /// The only organization that it is for.
    #[schema(required = true)]
    pub organization_id: Option<OrganizationId>,
    pub product: Product,
    #[schema(required = true)]
    pub handling_code: Option<HandlingCode>,
    pub currency: Currency,
    /// The least weight charge, in the currency.
    pub minimum: String,
    /// For a kilogram, from 0 kg on.
    pub normal: Rate,
    /// Rates by weight: each is valid from its weight on, and the rates fall as the weight rises.
    pub breaks: Vec<RateBreakBody>,
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

/// From this weight on, a kilogram has this rate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TariffBreak)]
pub struct RateBreakBody {
    pub from_kg: Weight,
    pub rate: Rate,
}

impl From<&Break> for RateBreakBody {
    fn from(of: &Break) -> Self {
        Self { from_kg: of.from, rate: of.rate }
    }
}

impl TariffBody<'_> {
    /// Returns the members as the cells of a table are written.
    pub fn cells(&self) -> Value {
        let breaks = self.breaks.iter().map(|step| format!("{}={}", serde_json::json!(step.from_kg), step.rate));
        let breaks = breaks.collect::<Vec<_>>().join(";");
        let mut row = serde_json::to_value(self).unwrap_or_default();
        row["breaks"] = if breaks.is_empty() { Value::Null } else { breaks.into() };
        for amount in ["minimum", "normal"] {
            row[amount] = as_number(row[amount].take());
        }
        row
    }
}

/// Returns the number that is written as a text: as a text of a workbook, `1.125` could be two numbers.
fn as_number(text: Value) -> Value {
    let Some(digits) = text.as_str() else { return text };
    let number = digits.parse().map(|whole: i64| whole.into()).or_else(|_| digits.parse().map(|part: f64| part.into()));
    number.unwrap_or(text)
}

impl<'a> From<&'a Rule<Tariff>> for TariffBody<'a> {
    fn from(rule: &'a Rule<Tariff>) -> Self {
        let (terms, reach) = (&rule.terms, &rule.terms.reach);
        Self {
            id: rule.id.into(),
            code: &terms.code,
            version: rule.version,
            airline_code: reach.airline_code,
            origin: &reach.origin,
            destination: &reach.destination,
            flight_numbers: &reach.flight_numbers,
            organization_id: terms.organization_id,
            product: terms.product,
            handling_code: terms.handling_code,
            currency: terms.currency(),
            minimum: terms.minimum.amount(),
            normal: terms.normal,
            breaks: terms.breaks.iter().map(RateBreakBody::from).collect(),
            valid_from: reach.valid_from,
            valid_to: reach.valid_to,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
            ended_at: rule.ended_at,
        }
    }
}

/// How lists are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As JSON.
    Members,
    /// As cells of a table: flight numbers with blanks between them, breaks as `45=10;100=9`.
    Cells,
}

request! {
    /// A tariff to put into force. What is left out matches all.
    pub struct CreateTariff in body(reference: &Reference, shape: Shape) {
        /// Unique among the tariffs in force: letters, digits, `-`, `_` and `.`.
        #[schema(max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
        code: String = read_rule_code,
        /// It flies every leg of the way.
        airline_code: Option<AirlineCode> = |raw| reference.read_airline(raw),
        /// Origin of the shipment, or of a leg that is rated alone.
        origin: Scope = |raw| reference.read_scope(raw),
        /// Destination of the shipment, or of a leg that is rated alone.
        destination: Scope = |raw| reference.read_scope(raw),
        /// One leg has one of these.
        #[schema(max_items = 50)]
        flight_numbers: Vec<FlightNumber> = with(|fields| read_flight_numbers(fields, reference, shape)),
        /// The only organization that it is for.
        #[schema(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = read::code,
        /// Default: `GENERAL`, which rates every product that has no tariff of its own.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<Product> = read_product,
        /// The freight has this special handling code.
        handling_code: Option<HandlingCode> = |raw| reference.read_handling_code(raw),
        currency: Currency = read::code,
        /// The least weight charge, with at most the decimals of the currency.
        #[schema(value_type = String, pattern = r"^[0-9]{1,12}(\.[0-9]{1,3})?$", example = "75.00")]
        minimum: Money = with(|fields| read_amount(fields, "minimum", currency)),
        /// For a kilogram, from 0 kg on.
        normal: Rate = read::code,
        /// Ascending weights with falling rates.
        #[schema(max_items = 30)]
        breaks: Vec<RateBreak> = with(|fields| read_breaks(fields, shape, normal)),
        /// First local date of departure.
        valid_from: NaiveDate = read::date,
        /// Last local date of departure.
        valid_to: Option<NaiveDate> = |raw| read::last_date(raw, valid_from, "valid_from"),
    }
}

request! {
    /// From this weight on, a kilogram has this rate.
    #[derive(Copy, PartialEq)]
    pub struct RateBreak in body {
        from_kg: Weight = read::weight,
        rate: Rate = read::code,
    }
}

request! {
    /// Changes to a tariff: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member, which then matches all. The code remains.
    pub struct ChangeTariff in patch(reference: &Reference) {
        airline_code: Patch<AirlineCode> = |raw| reference.read_airline(raw),
        origin: Option<Scope> = |raw| reference.read_scope(raw),
        destination: Option<Scope> = |raw| reference.read_scope(raw),
        /// Only flights with one of these numbers; empty: any flight.
        #[schema(max_items = 50)]
        flight_numbers: Patch<Vec<FlightNumber>> = set(MOST_FLIGHT_NUMBERS, |raw| reference.read_flight_number(raw)),
        /// The organization that it is for; null: all.
        organization_id: Patch<OrganizationId> = read::code,
        /// `null`: `GENERAL`.
        #[schema(max_length = 20)]
        product: Patch<Product> = read_product,
        handling_code: Patch<HandlingCode> = |raw| reference.read_handling_code(raw),
        currency: Option<Currency> = read::code,
        /// With at most the decimals of the currency.
        #[schema(pattern = r"^[0-9]{1,12}(\.[0-9]{1,3})?$")]
        minimum: Option<String> = read::any,
        normal: Option<Rate> = read::code,
        /// Rates by weight: each is valid from its weight on, and the rates fall as the weight rises.
        #[schema(max_items = 30)]
        breaks: Patch<Vec<RateBreak>> = objects(MOST_BREAKS, RateBreak::read),
        /// First local date of departure.
        valid_from: Option<NaiveDate> = read::date,
        /// Last local date of departure; null: without end.
        valid_to: Patch<NaiveDate> = read::date,
    }
}

fn read_flight_numbers(fields: &mut Fields<'_>, reference: &Reference, shape: Shape) -> Option<Vec<FlightNumber>> {
    if shape == Shape::Members {
        let read = set(MOST_FLIGHT_NUMBERS, |raw: Raw<'_>| reference.read_flight_number(raw));
        return fields.optional("flight_numbers", read);
    }
    let text = fields.optional("flight_numbers", read::any)?;
    let numbers = numbers_of(&text);
    let numbers = numbers.iter().map(|number| reference.read_flight_number(Raw::Text(number)));
    let numbers: Result<Vec<_>, Fault> = numbers.collect();
    match numbers.and_then(|numbers| bounded(numbers, MOST_FLIGHT_NUMBERS)) {
        Ok(mut numbers) => {
            numbers.sort_unstable();
            numbers.dedup();
            Some(numbers)
        }
        Err(fault) => {
            fields.fault("flight_numbers", &fault);
            None
        }
    }
}

/// Splits a cell at its blanks. One after a mere designator is a part of the number: `AI 0101 AI103` are two.
fn numbers_of(text: &str) -> Vec<String> {
    let mut numbers = Vec::<String>::new();
    for part in text.split_whitespace() {
        match numbers.last_mut() {
            Some(designator) if designator.len() == 2 => designator.push_str(part),
            _ => numbers.push(part.to_owned()),
        }
    }
    numbers
}

fn read_breaks(fields: &mut Fields<'_>, shape: Shape, normal: Option<Rate>) -> Option<Vec<RateBreak>> {
    let breaks = match shape {
        Shape::Members => fields.optional("breaks", objects(MOST_BREAKS, RateBreak::read)),
        Shape::Cells => read_cell_of_breaks(fields),
    }?;
    let steps: Vec<Break> = breaks.iter().map(break_of).collect();
    for (at, member, fault) in faults_of_breaks(normal, &steps) {
        match shape {
            Shape::Members => fields.fault_of_member(("breaks", at), member, &fault),
            Shape::Cells => fields.fault("breaks", &fault),
        }
    }
    Some(breaks)
}

fn read_cell_of_breaks(fields: &mut Fields<'_>) -> Option<Vec<RateBreak>> {
    let text = fields.optional("breaks", read::any)?;
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let breaks: Result<Vec<_>, Fault> = parts.map(read_break).collect();
    match breaks.and_then(|breaks| bounded(breaks, MOST_BREAKS)) {
        Ok(breaks) => Some(breaks),
        Err(fault) => {
            fields.fault("breaks", &fault);
            None
        }
    }
}

fn read_break(part: &str) -> Result<RateBreak, Fault> {
    let (weight, rate) =
        part.split_once('=').ok_or_else(|| Fault::format("must be weights and rates such as 45=10;100=9"))?;
    Ok(RateBreak { from_kg: read::weight(Raw::Text(weight))?, rate: rate.trim().parse()? })
}

fn bounded<T>(values: Vec<T>, most: usize) -> Result<Vec<T>, Fault> {
    if values.len() > most {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {most} entries")));
    }
    Ok(values)
}

fn break_of(of: &RateBreak) -> Break {
    Break { from: of.from_kg, rate: of.rate }
}

impl From<CreateTariff> for Tariff {
    fn from(new: CreateTariff) -> Self {
        Self {
            code: new.code,
            reach: reach_of!(new),
            organization_id: new.organization_id,
            product: new.product.unwrap_or_default(),
            handling_code: new.handling_code,
            minimum: new.minimum,
            normal: new.normal,
            breaks: new.breaks.iter().map(break_of).collect(),
        }
    }
}

impl PatchOf<Tariff> for ChangeTariff {
    fn applied(&self, terms: &Tariff) -> Result<Tariff, Faults> {
        let currency = self.currency.unwrap_or_else(|| terms.currency());
        let text = self.minimum.clone().unwrap_or_else(|| terms.minimum.amount());
        let minimum = amount_in(&text, currency).map_err(|fault| vec![("/minimum".into(), fault)])?;
        let breaks = match &self.breaks {
            Patch::Set(breaks) => breaks.iter().map(break_of).collect(),
            Patch::Clear => Vec::new(),
            Patch::Keep => terms.breaks.clone(),
        };
        checked(Tariff {
            code: terms.code.clone(),
            reach: patched_reach!(self, &terms.reach),
            organization_id: self.organization_id.or(terms.organization_id),
            product: self.product.or(Some(terms.product)).unwrap_or_default(),
            handling_code: self.handling_code.or(terms.handling_code),
            minimum,
            normal: self.normal.unwrap_or(terms.normal),
            breaks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_designator_alone_belongs_to_the_number_after_it() {
        for (text, numbers) in [
            ("AI101 AI103", &["AI101", "AI103"][..]),
            ("AI 0101 AI103 5X 7", &["AI0101", "AI103", "5X7"]),
            (" AI\u{a0}101\n", &["AI101"]),
            ("AI", &["AI"]),
            ("", &[]),
        ] {
            assert_eq!(numbers_of(text), numbers, "{text}");
        }
    }
}
