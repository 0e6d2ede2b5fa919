//! Quotes: made on request, and read and kept in the transactions of higher rooms.
use std::sync::Arc;

use loadmaster_accounts::Principal;
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::{self as flights, Flight};
use loadmaster_kernel::{FlightId, QuoteId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::{DbError, PgSession},
    web::{Code, Problem},
    work::Command,
};

use super::{
    error::{PricingError, code},
    metric,
    model::Product,
    quote::{Quote, Rated},
    repository,
    rules::{Freight, PriceRules, RatingError},
    service::PricingService,
    ways::{On, RouteQuery},
};

/// Refusals of a quote that other flights or another day may cure.
const CURABLE: [Code; 3] = [code::FLIGHT_CLOSED, code::FLIGHT_CANCELLED, code::NO_BOOKABLE_ITINERARY];

/// Returns the existing quotes with these ids, of any owner, in no particular order.
pub async fn quotes_in_tx(tx: &mut PgSession, ids: &[QuoteId]) -> Result<Vec<Quote>, DbError> {
    Ok(repository::quotes::find(tx, ids).await?)
}

/// Writes new quotes; `is_taken`: a hold or a booking has them, and they are kept.
pub async fn insert_quotes_in_tx(tx: &mut PgSession, quotes: &[Quote], is_taken: bool) -> Result<(), DbError> {
    if quotes.is_empty() {
        return Ok(());
    }
    Ok(repository::quotes::insert(tx, quotes, is_taken).await?)
}

/// What a quote is asked for.
#[derive(Debug, Clone)]
pub(super) struct QuoteRequest {
    pub route: RouteQuery,
    pub product: Product,
    pub discount_code: Option<String>,
}

impl QuoteRequest {
    fn freight(&self) -> Freight<'_> {
        Freight {
            weight: self.route.weight,
            volume: self.route.volume,
            special_handling_codes: &self.route.special_handling_codes,
            product: self.product.as_str(),
        }
    }
}

/// Counts a quote; to be called after the commit of what made it.
pub fn count_quote() {
    metric::QUOTES.increment(1);
}

/// Makes a quote.
pub(super) struct MakeQuote {
    pub prices: PricingService,
    pub caller: Principal,
    pub asked: QuoteRequest,
    pub rated: Option<Rated>,
}

impl Command for MakeQuote {
    const NAME: &'static str = "pricing.quote";
    type Done = Quote;
    type Error = PricingError;

    async fn prepare(&mut self, _: &Key) -> Result<(), PricingError> {
        let Self { prices, caller, asked, rated } = self;
        *rated = Some(prices.rate(*caller, asked).await?);
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Quote, PricingError> {
        let Self { prices, caller, asked, rated } = self;
        let rated = rated.clone().ok_or(PricingError::Raced)?;
        let now = rated.inputs.quoted_at;
        let quote = Quote {
            id: prices.ids.next(now),
            organization_id: caller.organization_id,
            created_by: caller.user_id,
            rated: Arc::new(rated),
            dimensions: asked.route.dimensions.clone(),
            expires_at: now + prices.quote_minutes(),
            created_at: now,
            channel: Some(caller.channel()),
        };
        insert_quotes_in_tx(tx, std::slice::from_ref(&quote), false).await?;
        Ok(quote)
    }

    async fn concluded(&mut self, outcome: Result<&Quote, &PricingError>) {
        if outcome.is_ok() {
            count_quote();
        }
    }
}

impl PricingService {
    /// Rates freight on named flights, or on the cheapest way that can be booked.
    async fn rate(&self, caller: Principal, asked: &QuoteRequest) -> Result<Rated, PricingError> {
        let route = &asked.route;
        match &route.on {
            On::Flights(ids) => {
                let flights = self.named_flights(ids, route).await?;
                let rules = self.in_force().await?;
                Ok(self.rate_way(&rules, caller, asked, &flights)?)
            }
            On::Date(date) => {
                let ways = match self.ways.get() {
                    Some(finder) => finder.ways(caller, *date, route).await?,
                    None => Vec::new(),
                };
                let rules = self.in_force().await?;
                self.cheapest(&rules, caller, asked, ways)
            }
        }
    }

    /// Adds `alternatives` to a refusal where other flights or another day may help; to be called with no transaction open.
    pub(super) async fn or_alternatives(&self, route: &RouteQuery, problem: Problem) -> Problem {
        match self.ways.get() {
            Some(finder) if CURABLE.contains(&problem.code()) => {
                problem.with("alternatives", finder.alternatives(route).await)
            }
            _ => problem,
        }
    }

    fn rate_way(
        &self,
        rules: &PriceRules,
        caller: Principal,
        asked: &QuoteRequest,
        flights: &[Flight],
    ) -> Result<Rated, RatingError> {
        let (freight, code) = (asked.freight(), asked.discount_code.as_deref());
        rules.rate(flights, freight, code, caller.organization_id, self.clock.now())
    }

    /// Returns the price of the cheapest way, of equal ones of the one that arrives first.
    fn cheapest(
        &self,
        rules: &PriceRules,
        caller: Principal,
        asked: &QuoteRequest,
        ways: Vec<Vec<Flight>>,
    ) -> Result<Rated, PricingError> {
        let (mut best, mut refused) = (None, None);
        for way in ways {
            match self.rate_way(rules, caller, asked, &way) {
                Err(refusal) => drop(refused.get_or_insert(refusal)),
                Ok(rated) => {
                    let total = rated.priced.total;
                    let arrival = way.last().map(|flight| flight.arrival);
                    // Amounts of several currencies cannot be compared: then the code decides, for a certain order.
                    let order = (total.currency(), total.minor(), arrival, way.len());
                    if best.as_ref().is_none_or(|(least, _)| order < *least) {
                        best = Some((order, rated));
                    }
                }
            }
        }
        match (best, refused) {
            (Some((_, rated)), _) => Ok(rated),
            (None, Some(refusal)) => Err(refusal.into()),
            (None, None) => Err(PricingError::NoBookableItinerary),
        }
    }

    /// Returns these flights, which lead from origin to destination and still take bookings.
    async fn named_flights(&self, ids: &[FlightId], route: &RouteQuery) -> Result<Vec<Flight>, PricingError> {
        let found = self.flights.flights(ids).await?;
        let flights = flights::in_order(ids, found).map_err(PricingError::ItineraryInvalid)?;
        let rules = self.flights.connections();
        let minimum = |airport| flights::Connections::minimum_connection(rules, airport);
        if let Some(fault) = flights::chain_fault(&flights, (route.origin, route.destination), None, minimum) {
            return Err(PricingError::ItineraryInvalid(fault));
        }
        let now = self.clock.now();
        for flight in &flights {
            if flight.space.status == FlightStatus::Cancelled {
                return Err(PricingError::FlightCancelled(flight.number));
            }
            if !flight.takes_bookings(now) {
                return Err(PricingError::FlightClosed(flight.number));
            }
        }
        Ok(flights)
    }
}
