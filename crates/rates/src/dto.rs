use chrono::{DateTime, Days, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, AirportCode, Currency, Fault, FaultCode, Money, Rate, Tenths, Weight};
use loadmaster_platform::web::{Fields, read, request, with};
use loadmaster_reference::Reference;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{BookingWindow, Change, History, Level, Period, PeriodSums, Series, Span, Subject};

/// Days of a history for which none are named.
const DEFAULT_DAYS: u64 = 90;
/// Most days of a history: as long as they are kept.
const MOST_DAYS: i64 = 1_461;

request! {
    /// The lane, weight and period of a price history.
    pub struct HistoryParams in query(reference: &Reference, now: DateTime<Utc>) {
        /// IATA airport code.
        origin: AirportCode = |raw| reference.read_airport(raw),
        /// IATA airport code.
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// Weight of the freight in kg. The history is that of the highest weight that is asked for and not above it
        /// (`rates.weights_kg`). Default: the lowest of these.
        #[param(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        weight_kg: Option<Weight> = read::weight,
        /// First local date at the origin. Default: 89 days before `to`.
        from: Option<NaiveDate> = read::date,
        /// Last local date at the origin, at most 1460 days after `from`. Default: today.
        to: Option<NaiveDate> = with(|fields| read_end(fields, from, today(reference, origin, now))),
        /// What a point is about: a day, a week from Monday, or a month. Default: `day`. Only the dates from `from` to `to` count.
        #[param(inline)]
        by: Option<Period> = read::word(Period::WORDS),
        /// Only prices in this currency.
        #[param(value_type = Option<String>, pattern = "^[A-Z]{3}$")]
        currency: Option<Currency> = read::code,
        /// Adds `changes`: what was offered for this departure date, local to the origin, in the last 122 days.
        departure_date: Option<NaiveDate> = read::date,
    }
}

request! {
    /// The lane and weight of a booking window.
    pub struct WindowParams in query(reference: &Reference) {
        /// IATA airport code.
        origin: AirportCode = |raw| reference.read_airport(raw),
        /// IATA airport code.
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// Weight of the freight in kg, as of a history. Default: the lowest that is asked for.
        #[param(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        weight_kg: Option<Weight> = read::weight,
    }
}

/// Returns the date at the origin; in UTC if that is faulty.
fn today(reference: &Reference, origin: Option<AirportCode>, now: DateTime<Utc>) -> NaiveDate {
    origin.map_or_else(|| now.date_naive(), |origin| reference.local_date(origin, now))
}

/// Returns the span of these dates. Without a last one it ends today, or with a later first one.
fn span_of(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Span {
    let to = to.unwrap_or_else(|| from.map_or(today, |from| from.max(today)));
    Span { from: from.unwrap_or_else(|| to - Days::new(DEFAULT_DAYS - 1)), to }
}

fn read_end(fields: &mut Fields<'_>, from: Option<NaiveDate>, today: NaiveDate) -> Option<NaiveDate> {
    let fault_of = |to: Option<NaiveDate>| {
        let Span { from, to } = span_of(from, to, today);
        let text = || format!("must be at most {} days after `from`", MOST_DAYS - 1);
        ((to - from).num_days() >= MOST_DAYS).then(|| Fault::new(FaultCode::OutOfOrder, text()))
    };
    let mut is_given = false;
    let to = fields.optional("to", |raw| {
        is_given = true;
        let to = read::last_date(raw, from, "from")?;
        fault_of(Some(to)).map_or(Ok(to), Err)
    });
    if !is_given && fault_of(None).is_some() {
        let text = format!("must be at most {} days ago", MOST_DAYS - 1);
        fields.fault("from", &Fault::new(FaultCode::TooSmall, text));
    }
    to
}

impl HistoryParams {
    pub fn span(&self, today: NaiveDate) -> Span {
        span_of(self.from, self.to, today)
    }
}

/// What an anonymous caller was offered over time: the first option of `GET /routes?sort=price`.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateHistory {
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The weight in kg that was asked for, of 166.667 kg a m³.
    #[schema(minimum = 1)]
    pub weight_kg: i32,
    /// When the lane was asked last; null if it never was.
    #[schema(required = true)]
    pub as_of: Option<DateTime<Utc>>,
    /// By source, then currency.
    pub series: Vec<RateSeries>,
    /// Only with `departure_date`: the answers about it that differed from those before, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub changes: Option<Vec<RateChange>>,
}

/// Prices of one source in one currency, for a kilogram of chargeable weight.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateSeries {
    /// `offered`: what could be booked here; `reference`: what others publish, by a feed, for comparison; `demo`: invented for a
    /// demonstration. There may be others.
    pub source: String,
    pub currency: Currency,
    /// In order.
    pub points: Vec<RatePoint>,
    /// The lowest price that is offered now for a departure from today at the origin to 30 days later; null if none is.
    #[schema(required = true)]
    pub now: Option<Rate>,
    /// By how many percent the average of the last 28 days is more than that of the 28 before; null where nothing was asked.
    #[schema(value_type = Option<f64>, required = true)]
    pub change_percent: Option<Tenths>,
    /// How `now` compares with the lowest prices of the last 60 days; null if fewer than 14 of these have one.
    #[schema(required = true)]
    pub level: Option<Level>,
}

/// Prices that were offered in a period, whatever the departure date.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatePoint {
    /// Its first date.
    pub period: NaiveDate,
    pub low: Rate,
    pub average: Rate,
    pub high: Rate,
    /// Number of answers with a price: one for each departure date each time that the lane was asked.
    #[schema(minimum = 1)]
    pub samples: i64,
}

/// An answer that differed from the one before.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateChange {
    /// When it was asked for.
    pub sampled_at: DateTime<Utc>,
    /// The total; null from when on nothing could be booked, or had a price.
    #[schema(required = true)]
    pub price: Option<Money>,
    /// By chargeable weight.
    #[schema(required = true)]
    pub per_kg: Option<Rate>,
    /// The airline of the first flight.
    #[schema(required = true)]
    pub airline_code: Option<AirlineCode>,
}

/// The offers at one number of days before departure, from the departures of the last 90 days. Prices are per kilogram of
/// chargeable weight.
#[derive(Debug, Serialize, ToSchema)]
pub struct RateWindow {
    /// Days before the departure date; 0 is that date.
    #[schema(minimum = 0, maximum = 30)]
    pub days_before: i32,
    /// Of the departures that were asked for then and could be booked at some time, those that could be booked on that day; null
    /// if none was asked for.
    #[schema(value_type = Option<f64>, required = true, minimum = 0, maximum = 100)]
    pub bookable_percent: Option<Tenths>,
    /// That of most offers; null without one on that day.
    #[schema(required = true)]
    pub currency: Option<Currency>,
    /// The lowest price.
    #[schema(required = true)]
    pub low: Option<Rate>,
    /// The average of the departures' lowest prices on that day.
    #[schema(required = true)]
    pub average: Option<Rate>,
}

impl RateHistory {
    pub fn new(subject: Subject, history: History, changes: Option<Vec<Change>>) -> Self {
        let Subject { lane: (origin, destination), weight_kg } = subject;
        Self {
            origin,
            destination,
            weight_kg,
            as_of: history.as_of,
            series: history.series.into_iter().map(RateSeries::from).collect(),
            changes: changes.map(|changes| changes.into_iter().map(RateChange::from).collect()),
        }
    }
}

impl From<Series> for RateSeries {
    fn from(series: Series) -> Self {
        let Series { source, currency, points, now, change_percent, level } = series;
        let points = points.iter().map(RatePoint::from).collect();
        Self { source, currency, points, now: now.map(Rate::from_ten_thousandths), change_percent, level }
    }
}

impl From<&PeriodSums> for RatePoint {
    fn from(sums: &PeriodSums) -> Self {
        Self {
            period: sums.period,
            low: Rate::from_ten_thousandths(sums.low),
            average: sums.average(),
            high: Rate::from_ten_thousandths(sums.high),
            samples: sums.samples,
        }
    }
}

impl From<Change> for RateChange {
    fn from(Change { sampled_at, offer }: Change) -> Self {
        let (price, per_kg, airline_code) = match offer {
            Some((price, per_kg, airline)) => (Some(price), Some(per_kg), Some(airline)),
            None => (None, None, None),
        };
        Self { sampled_at, price, per_kg, airline_code }
    }
}

impl From<BookingWindow> for RateWindow {
    fn from(window: BookingWindow) -> Self {
        let BookingWindow { days_before, bookable_percent, currency, low, average } = window;
        Self { days_before, bookable_percent, currency, low, average }
    }
}
