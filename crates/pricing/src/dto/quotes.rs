use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{
    AirportCode, Dimensions, FlightId, HandlingCode, Money, OrganizationId, Positions, QuoteId, Rate, Volume, Weight,
};
use loadmaster_platform::web::{
    Condition, Fields,
    condition::{all, any, filled, given},
    freight::{self, NewDimensions},
    list, read, request, set, with,
};
use loadmaster_reference::{Carriage, Emissions, Reference};
use serde::Serialize;
use utoipa::ToSchema;

use super::read_rule_code;

use crate::{
    model::{PricedLeg, Product, SurchargeBasis, read_product},
    quote::Quote,
    quoting::QuoteRequest,
    rating::{Line, LineKind, LineRule, PriceBasis, RateClass},
    ways::{On, RouteQuery},
};

/// As many as an air waybill has boxes for.
const MOST_HANDLING_CODES: usize = 9;
const MOST_FLIGHTS: usize = 4;

/// A price that holds for this freight on these flights until it expires.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
pub struct QuoteBody {
    /// Permanent identifier.
    pub id: QuoteId,
    /// Of whoever asked for it.
    pub organization_id: OrganizationId,
    /// In order of the way.
    pub flight_ids: Vec<FlightId>,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The pieces of the freight, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    pub product: Product,
    /// The code of a sale.
    #[schema(required = true)]
    pub discount_code: Option<String>,
    pub basis: PriceBasis,
    pub chargeable_weight_kg: Weight,
    /// Each sum below is a sum of these.
    pub lines: Vec<LineBody>,
    pub weight_charge: Money,
    /// Not above 0.
    pub discount: Money,
    pub surcharges: Money,
    pub total: Money,
    /// What the freight emits on these flights, an estimate by the factors of now; null if a factor is not known.
    #[schema(required = true)]
    pub emissions: Option<Emissions>,
    /// The price is valid until this time.
    pub expires_at: DateTime<Utc>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// A line of a price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuoteLine)]
pub struct LineBody {
    pub kind: LineKind,
    /// Of the tariff, the surcharge or the sale.
    #[schema(required = true)]
    pub code: Option<String>,
    /// Counted from 1; null: the whole way.
    #[schema(required = true)]
    pub leg: Option<u16>,
    pub basis: SurchargeBasis,
    /// Kilograms, or the number of what is charged once; null for a percentage.
    #[schema(required = true)]
    pub quantity: Option<Weight>,
    /// For a kilogram, for all, or in percent; null for the minimum.
    #[schema(required = true)]
    pub rate: Option<Rate>,
    #[schema(required = true)]
    pub rate_class: Option<RateClass>,
    /// The weight that the rate is multiplied by: the chargeable weight, or that of the next break.
    #[schema(required = true)]
    pub rated_weight_kg: Option<Weight>,
    pub amount: Money,
    /// Null: of the settings.
    #[schema(required = true)]
    pub rule: Option<LineRule>,
    /// What it is for, in words.
    pub text: String,
}

impl From<&Line> for LineBody {
    fn from(line: &Line) -> Self {
        Self {
            kind: line.kind,
            code: line.code.clone(),
            leg: line.leg,
            basis: line.basis,
            quantity: line.quantity.map(Weight::from_hectograms),
            rate: line.rate,
            rate_class: line.rate_class,
            rated_weight_kg: line.rated_weight.map(Weight::from_hectograms),
            amount: line.amount,
            rule: line.rule,
            text: line.text.clone(),
        }
    }
}

impl QuoteBody {
    pub fn new(quote: &Quote, reference: &Reference) -> Self {
        let (inputs, priced) = (&quote.rated.inputs, &quote.rated.priced);
        let flights: Option<Vec<Carriage>> = inputs.legs.iter().map(PricedLeg::carriage).collect();
        Self {
            id: quote.id,
            organization_id: quote.organization_id,
            flight_ids: quote.flight_ids().collect(),
            weight_kg: inputs.load.weight,
            volume_m3: inputs.load.volume,
            dimensions: quote.dimensions.clone(),
            special_handling_codes: inputs.special_handling_codes.clone(),
            product: inputs.product,
            discount_code: inputs.discount_code.clone(),
            basis: priced.basis,
            chargeable_weight_kg: priced.chargeable(),
            lines: priced.lines.iter().map(LineBody::from).collect(),
            weight_charge: priced.weight_charge,
            discount: priced.discount,
            surcharges: priced.surcharges,
            total: priced.total,
            emissions: flights.and_then(|flights| reference.emissions(inputs.load.weight, flights)),
            expires_at: quote.expires_at,
            created_at: quote.created_at,
        }
    }
}

request! {
    /// What a price is asked for.
    pub struct AskQuote in body(reference: &Reference) {
        /// One to four flights, in order.
        #[schema(max_items = 4)]
        flight_ids: Vec<FlightId> = list(MOST_FLIGHTS, read::code),
        origin: AirportCode = |raw| reference.read_airport(raw),
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// Local calendar date at the origin; required, and used, only without `flight_ids`.
        departure_date: Option<NaiveDate> = with(read_date),
        /// The pieces of the freight, by size. They may stand for `weight_kg` and `volume_m3`. Without `flight_ids`, only flights
        /// count on which each fits.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Default: that of the dimensions, or the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Option<Positions> = read::positions,
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// Default: `GENERAL`.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<Product> = read_product,
        /// The code of a sale.
        #[schema(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
        discount_code: Option<String> = read_rule_code,
    }
}

impl AskQuote {
    /// Its flights, or a date; and a weight, which dimensions may have.
    pub const NEEDS: Condition = Condition::of::<Self>(&["weight_kg", "dimensions"], || {
        let way = any(&[filled("flight_ids"), given("departure_date", "string")]);
        all(&[way, any(&[given("weight_kg", "number"), filled("dimensions")])])
    });
}

request! {
    /// Which quotes a list shows.
    pub struct QuoteFilter in query(caller: Principal) {
        /// Only quotes of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

/// Reads the date, which named flights make unnecessary.
fn read_date(fields: &mut Fields<'_>) -> Option<NaiveDate> {
    if fields.is_empty("flight_ids") {
        return fields.required("departure_date", read::date);
    }
    fields.optional("departure_date", read::date)
}

impl From<AskQuote> for QuoteRequest {
    fn from(asked: AskQuote) -> Self {
        let on = match asked.departure_date {
            Some(date) if asked.flight_ids.is_empty() => On::Date(date),
            _ => On::Flights(asked.flight_ids),
        };
        let route = RouteQuery {
            origin: asked.origin,
            destination: asked.destination,
            on,
            weight: asked.weight_kg,
            volume: asked.volume_m3.unwrap_or_else(|| asked.weight_kg.standard_volume()),
            positions: asked.positions,
            dimensions: asked.dimensions.map(NewDimensions::into_inner),
            special_handling_codes: asked.special_handling_codes,
        };
        Self { route, product: asked.product.unwrap_or_default(), discount_code: asked.discount_code }
    }
}
