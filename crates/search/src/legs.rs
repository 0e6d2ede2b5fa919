//! Several legs in one search, with the same freight on each.
use std::time::Instant;

use bytes::Bytes;
use chrono::NaiveDate;
use loadmaster_accounts::Principal;
use loadmaster_capacity::OwnSpace;
use loadmaster_kernel::{AirportCode, Fault, FaultCode, HandlingCode, Pieces, Positions, Volume, Weight};
use loadmaster_platform::{
    rate_limit::Verdict,
    telemetry::{Traced, span},
    web::{ClientAddress, Coding, Condition, Fields, Problem, Raw, list, objects, read, request, with},
};
use loadmaster_pricing::{Product, read_product};
use loadmaster_reference::Reference;
use utoipa::ToSchema;

use super::{
    SearchError, SearchService,
    cache::CacheStatus,
    counter::{Answered, Asker},
    dto::{MOST, MOST_HANDLING_CODES, Search, SearchResult, SearchRoutes, read_price, weight_for_prices},
    model::{Form, Payer},
};

/// Most legs of one search.
const MOST_LEGS: usize = 6;

type Legs = Vec<SearchLeg>;

request! {
    /// A leg of a search.
    pub(super) struct SearchLeg in body(reference: &Reference) {
        /// IATA airport code.
        origin: AirportCode = |raw| reference.read_airport(raw),
        /// IATA airport code.
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// Local calendar date at the origin.
        departure_date: NaiveDate = read::date,
    }
}

request! {
    /// A search on several legs, each as if it were searched alone; the freight is the same on all of them. `pieces` is
    /// accepted for convenience and has no effect.
    pub(super) struct SearchLegs in body(reference: &Reference, most_stops: u8) {
        /// The legs, in the order of the answer. They need not meet each other.
        #[schema(value_type = Vec<SearchLeg>, min_items = 1, max_items = 6)]
        legs: Legs = with(|fields| read_legs(fields, reference)),
        /// Weight of the freight in kg: options say whether it fits.
        #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        weight_kg: Option<Weight> = read::weight,
        /// Volume of the freight in m³. Default: by the weight, at 166.667 kg per m³.
        #[schema(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
        volume_m3: Option<Volume> = read::volume,
        /// Number of whole ULD positions of the freight.
        positions: Option<Positions> = read::positions,
        /// Number of pieces of the freight.
        pieces: Option<Pieces> = read::pieces,
        /// At most nine codes.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = list(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// Maximum number of connections of an option.
        #[schema(default = 1, minimum = 0, maximum = 3)]
        max_stops: Option<u8> = read::integer(0, most_stops),
        /// Adds the price to each option; needs `weight_kg`. Sales that need no code lower it.
        #[schema(default = false)]
        price: Option<bool> = with(|fields| read_price(fields)),
        /// The product as which prices rate the freight; it has no effect without them.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$", default = "GENERAL")]
        product: Option<Product> = read_product,
        /// Maximum number of options in each list of each leg.
        #[schema(default = 50, minimum = 1, maximum = 200)]
        limit: Option<u32> = read::integer(1, MOST),
    }
}

/// A search on one leg, or on several.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "declares the body")]
pub(super) enum SearchQuestion {
    One(SearchRoutes),
    Several(SearchLegs),
}

/// The result of a search on one leg or, with `legs`, on several.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "declares the answer")]
pub(super) enum SearchAnswer {
    One(SearchResult),
    Several(SearchLegsResult),
}

/// The results of the legs.
#[derive(ToSchema)]
#[allow(dead_code, reason = "declares the answer, which is put together from those of its legs")]
pub(super) struct SearchLegsResult {
    /// One for each leg of the request, in its order.
    #[schema(min_items = 1, max_items = 6)]
    pub legs: Vec<SearchResult>,
}

/// What was asked for.
pub(super) enum Requested {
    One(SearchRoutes),
    /// One search for each leg.
    Several(Vec<SearchRoutes>),
}

impl Requested {
    /// Reads a search: on several legs if there is a member `legs`.
    pub fn read(fields: &mut Fields<'_>, reference: &Reference, most_stops: u8) -> Option<Self> {
        if !fields.is_absent("legs") {
            return SearchLegs::read(fields, reference, most_stops).map(|asked| Self::Several(asked.each()));
        }
        // Known, so that it is no unknown member where it is null.
        _ = fields.optional("legs", apart);
        SearchRoutes::read(fields, reference, most_stops).map(Self::One)
    }
}

impl SearchLegs {
    /// A weight, if prices are asked for.
    pub const NEEDS: Condition = Condition::of::<Self>(&["price"], weight_for_prices);

    fn each(self) -> Vec<SearchRoutes> {
        let Self { legs, weight_kg, volume_m3, positions, pieces, special_handling_codes, .. } = self;
        let (max_stops, price, product, limit) = (self.max_stops, self.price, self.product, self.limit);
        let each = |leg: SearchLeg| SearchRoutes {
            origin: leg.origin,
            destination: leg.destination,
            departure_date: leg.departure_date,
            weight_kg,
            volume_m3,
            positions,
            pieces,
            special_handling_codes: special_handling_codes.clone(),
            max_stops,
            price,
            product,
            limit,
        };
        legs.into_iter().map(each).collect()
    }
}

/// Reads the legs, and refuses the members of a search on one.
fn read_legs(fields: &mut Fields<'_>, reference: &Reference) -> Option<Legs> {
    for member in ["origin", "destination", "departure_date"] {
        _ = fields.optional(member, apart);
    }
    let legs = fields.optional("legs", objects(MOST_LEGS, |leg| SearchLeg::read(leg, reference)))?;
    if fields.is_empty("legs") {
        fields.fault("legs", &Fault::new(FaultCode::TooShort, "must have at least one entry"));
        return None;
    }
    Some(legs)
}

/// Refuses a member that does not stand beside legs.
fn apart(_: Raw<'_>) -> Result<(), Fault> {
    Err(Fault::format("cannot be combined with `legs`"))
}

impl SearchService {
    /// Counts the legs after the first, whose request is counted already, against the quota of the caller. Returns what is
    /// left of it, if there is a limit.
    pub(super) async fn admit_legs(
        &self,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
        legs: usize,
    ) -> Result<Option<Verdict>, Problem> {
        self.admit(caller, address, legs, ["leg", "legs"]).await
    }

    /// Searches each leg, in order. The cache status is a hit if all are: then with the least remaining time.
    pub(super) async fn find_legs(
        &self,
        legs: Vec<SearchRoutes>,
        space: &OwnSpace,
        payer: Payer,
        asker: Asker,
    ) -> Result<(Bytes, CacheStatus), SearchError> {
        let mut body = br#"{"legs":["#.to_vec();
        let mut status: Option<CacheStatus> = None;
        for (index, leg) in legs.into_iter().enumerate() {
            let began = Instant::now();
            let search: Search = leg.complete(self.max_stops(), space.clone(), payer);
            let (answer, found) = self.find(&search, Form::Lists).in_span(span("search.find")).await?;
            let took = began.elapsed();
            let (leg, _, seen) = self.lists(&search, Coding::Identity, answer).await?;
            self.count_for(asker, Answered { search: &search, seen, status: found, took });
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&leg);
            status = Some(status.map_or(found, |status| status.and(found)));
        }
        body.extend_from_slice(b"]}");
        Ok((body.into(), status.unwrap_or(CacheStatus::Miss)))
    }
}
