//! A look at several days.
use chrono::{DateTime, Months, NaiveDate, Utc};
use loadmaster_capacity::{OwnSpace, Space};
use loadmaster_kernel::{AirportCode, Fault, FaultCode, HandlingCode, Money, Pieces, Positions, Rate, Volume, Weight};
use loadmaster_platform::web::{Fields, Raw, list, read, request, with};
use loadmaster_pricing::{Product, read_product};
use loadmaster_reference::{Place, Reference};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::model::{MOST_STOPS_NEAR, Payer, Request},
    MOST_HANDLING_CODES, PlaceSearch, Search, read_price,
};

/// A month at most.
const MOST_DAYS: u8 = 31;
const DEFAULT_DAYS: u8 = 7;

request! {
    /// A look at several days, each as `GET /routes` would answer it. `pieces` is accepted for convenience and has no effect.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    pub(crate) struct SearchDays in body(reference: &Reference, most_stops: u8, now: DateTime<Utc>) {
        /// IATA code of an airport, or of a city of `GET /cities`: all its active airports.
        #[schema(value_type = AirportCode)]
        #[param(value_type = AirportCode)]
        origin: Place = |raw| reference.read_place(raw),
        /// IATA code of an airport, or of a city of `GET /cities`: all its active airports.
        #[schema(value_type = AirportCode)]
        #[param(value_type = AirportCode)]
        destination: Place = |raw| reference.read_other_place(raw, origin),
        /// The first local calendar date at the origin; with `price`, not in the past. Needed without `month`.
        from: Option<NaiveDate> = with(|fields| read_from(fields)),
        /// In place of `from`: the days of this month at the origin, which must not be over.
        #[param(value_type = Option<String>, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-12")]
        month: Option<NaiveDate> = with(|fields| read_month(fields, from, today(reference, origin, now))),
        /// Number of days. Default: 7, or all days of the month.
        #[param(minimum = 1, maximum = 31)]
        days: Option<u8> = read::integer(1, MOST_DAYS),
        /// Weight of the freight in kg: options say whether it fits.
        #[param(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        weight_kg: Option<Weight> = read::weight,
        /// Volume of the freight in m³. Default: by the weight, at 166.667 kg per m³.
        #[param(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
        volume_m3: Option<Volume> = read::volume,
        /// Number of whole ULD positions of the freight.
        #[param(value_type = Option<u32>, minimum = 0, maximum = 9999)]
        positions: Option<Positions> = read::positions,
        /// Number of pieces of the freight.
        #[param(value_type = Option<u32>, minimum = 1, maximum = 99_999)]
        pieces: Option<Pieces> = read::pieces,
        /// At most nine codes, separated by commas.
        #[param(value_type = Option<String>, min_length = 1, pattern = "^[A-Za-z]{3}(,[A-Za-z]{3}){0,8}$")]
        special_handling_codes: Vec<HandlingCode> = list(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// Maximum number of connections of an option.
        #[param(value_type = Option<u8>, default = 1, minimum = 0, maximum = 3)]
        max_stops: Option<u8> = read::integer(0, most_stops),
        /// Adds the price to each day; needs `weight_kg`. Sales that need no code lower it.
        #[param(default = false)]
        price: Option<bool> = with(|fields| read_price_of_days(fields, from, today(reference, origin, now))),
        /// The product as which prices rate the freight; it has no effect without them.
        #[param(value_type = Option<String>, min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$", default = "GENERAL")]
        product: Option<Product> = read_product,
    }
}

/// Returns the date at the origin.
fn today(reference: &Reference, origin: Option<Place>, now: DateTime<Utc>) -> Option<NaiveDate> {
    origin.map(|origin| reference.local_date(origin.first(), now))
}

fn read_from(fields: &mut Fields<'_>) -> Option<NaiveDate> {
    if fields.is_absent("from") && fields.is_absent("month") {
        fields.missing("from");
    }
    fields.optional("from", read::date)
}

/// Reads a month as its first date.
fn read_month(fields: &mut Fields<'_>, from: Option<NaiveDate>, today: Option<NaiveDate>) -> Option<NaiveDate> {
    fields.optional("month", |raw| {
        let first = first_date(raw)?;
        if from.is_some() {
            return Err(Fault::format("cannot be combined with `from`"));
        }
        if today.is_some_and(|today| first + Months::new(1) <= today) {
            return Err(Fault::new(FaultCode::TooSmall, "must not be over"));
        }
        Ok(first)
    })
}

fn first_date(raw: Raw<'_>) -> Result<NaiveDate, Fault> {
    let first = format!("{}-01", read::any(raw)?.trim());
    read::date(Raw::Text(&first)).map_err(|fault| match fault.code {
        FaultCode::InvalidFormat => Fault::format("must be a month in the form YYYY-MM"),
        _ => fault,
    })
}

/// Prices are of days on which freight can still leave.
fn read_price_of_days(fields: &mut Fields<'_>, from: Option<NaiveDate>, today: Option<NaiveDate>) -> Option<bool> {
    let wanted = read_price(fields, None)?;
    if wanted && from.zip(today).is_some_and(|(from, today)| from < today) {
        fields.fault("from", &Fault::new(FaultCode::TooSmall, "must not be in the past if `price` is asked for"));
    }
    Some(wanted)
}

impl SearchDays {
    /// The search of the first day, and the number of days. Of its options, only the first is looked at for the price.
    pub fn complete(self, most_stops: u8, own: OwnSpace, payer: Payer) -> (PlaceSearch, usize) {
        let (date, days) = match self.month {
            Some(first) => {
                let all = (first + Months::new(1) - first).num_days();
                (first, self.days.map_or(all, |days| all.min(days.into())))
            }
            // One of the two was read.
            None => (self.from.unwrap_or_default(), self.days.unwrap_or(DEFAULT_DAYS).into()),
        };
        let search = Search {
            origin: self.origin.first(),
            destination: self.destination.first(),
            date,
            request: Request {
                weight: self.weight_kg,
                volume: self.volume_m3,
                positions: self.positions,
                dimensions: None,
                special_handling_codes: self.special_handling_codes,
                product: self.product.unwrap_or_default(),
                own,
                priced_for: self.price.unwrap_or_default().then_some(payer),
            },
            max_stops: self.max_stops.unwrap_or(most_stops.min(MOST_STOPS_NEAR)),
            limit: 1,
            earliest: None,
        };
        (PlaceSearch::between(self.origin, self.destination, search), usize::try_from(days).unwrap_or_default())
    }
}

/// A member that is absent unless it is asked for, and null where there is none.
#[allow(clippy::option_option, reason = "three cases")]
type OnRequest<T> = Option<Option<T>>;

/// What leaves on one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteDay {
    /// Local calendar date at the origin.
    pub departure_date: NaiveDate,
    /// Number of options; with prices 0 for a day that is over.
    pub options: usize,
    /// Number of options that can be booked as requested.
    pub bookable: usize,
    /// The earliest arrival of a bookable option.
    #[schema(required = true)]
    pub best_arrival_datetime: Option<DateTime<Utc>>,
    /// What is available on the roomiest option: the bookable one with the most weight available, or without a bookable
    /// one any. Null without options.
    #[schema(required = true)]
    pub available: Option<Space>,
    /// The utilization of the fullest flight of that option.
    #[schema(required = true)]
    pub utilization_percent: Option<f64>,
    /// Only if prices are asked for: the total of the first option of `GET /routes?sort=price`; null if it cannot be booked as
    /// requested, no rate applies, or the day is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub price: OnRequest<Money>,
    /// Only if prices are asked for: that total by the kilogram of chargeable weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Rate>)]
    pub per_kg: OnRequest<Rate>,
    /// Only if prices are asked for: whether no other of these days has a lower price in the same currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_cheapest: Option<bool>,
}
