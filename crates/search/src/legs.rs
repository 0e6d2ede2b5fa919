//! Several legs in one search, with the same freight on each.
use bytes::Bytes;
use chrono::NaiveDate;
use loadmaster_accounts::Principal;
use loadmaster_capacity::OwnSpace;
use loadmaster_kernel::{AirportCode, Fault, FaultCode, HandlingCode, Pieces, Positions, Volume, Weight};
use loadmaster_platform::{
    rate_limit::Verdict,
    web::{
        ClientAddress, Condition, Fields, Problem, Raw,
        freight::{self, NewDimensions},
        list, objects, read, request, with,
    },
};
use loadmaster_pricing::{Product, read_product};
use loadmaster_reference::{Place, Reference};
use utoipa::ToSchema;

use super::{
    SearchError, SearchService,
    cache::CacheStatus,
    counter::Asker,
    dto::{MOST, MOST_HANDLING_CODES, PlaceSearch, SearchResult, SearchRoutes, read_price, weight_for_prices},
    merged::LANES,
    model::Payer,
};

/// Most legs of one search.
const MOST_LEGS: usize = 6;

type Legs = Vec<SearchLeg>;

request! {
    /// A leg of a search.
    pub(super) struct SearchLeg in body(reference: &Reference) {
        /// IATA code of an airport, or of a city of `GET /cities`: all its active airports.
        #[schema(value_type = AirportCode)]
        origin: Place = |raw| reference.read_place(raw),
        /// IATA code of an airport, or of a city of `GET /cities`: all its active airports.
        #[schema(value_type = AirportCode)]
        destination: Place = |raw| reference.read_other_place(raw, origin),
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
        /// Its pieces, by size: options say whether each fits. They may stand for `pieces`, `weight_kg` and `volume_m3`.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Weight of the freight in kg: options say whether it fits. Default: the sum of the dimensions, if each line has a weight.
        #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        weight_kg: Option<Weight> = with(|fields| freight::weight(fields, dimensions.as_ref())),
        /// Volume of the freight in m³. Default: that of the dimensions, or by the weight, at 166.667 kg per m³.
        #[schema(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions of the freight.
        positions: Option<Positions> = read::positions,
        /// Number of pieces of the freight.
        pieces: Option<Pieces> = with(|fields| freight::pieces(fields, dimensions.as_ref())),
        /// At most nine codes.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = list(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// Maximum number of connections of an option.
        #[schema(default = 1, minimum = 0, maximum = 3)]
        max_stops: Option<u8> = read::integer(0, most_stops),
        /// Adds the price to each option; needs `weight_kg`. Sales that need no code lower it.
        #[schema(default = false)]
        price: Option<bool> = with(|fields| read_price(fields, weight_kg)),
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
#[derive(Debug, Clone)]
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
        let Self { legs, dimensions, weight_kg, volume_m3, positions, pieces, special_handling_codes, .. } = self;
        let (max_stops, price, product, limit) = (self.max_stops, self.price, self.product, self.limit);
        let each = |leg: SearchLeg| SearchRoutes {
            origin: leg.origin,
            destination: leg.destination,
            departure_date: leg.departure_date,
            dimensions: dimensions.clone(),
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
    /// Completes the searches of the legs, as those of a caller for whom allotments keep this.
    pub(super) fn complete_legs(&self, legs: Vec<SearchRoutes>, own: &OwnSpace, payer: Payer) -> Vec<PlaceSearch> {
        legs.into_iter().map(|leg| leg.complete(self.max_stops(), own.clone(), payer)).collect()
    }

    /// Counts the legs, each by its lanes, against the quota of the caller: its request is counted already, and is for the first of
    /// them. Returns what is left of it, if there is a limit.
    pub(super) async fn admit_legs(
        &self,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
        legs: &[PlaceSearch],
    ) -> Result<Option<Verdict>, Problem> {
        let requests: usize = legs.iter().map(PlaceSearch::requests).sum();
        let names = if requests > legs.len() { LANES } else { ["leg", "legs"] };
        self.admit(caller, address, requests, names).await
    }

    /// Searches each leg, in order. The cache status is a hit if all are: then with the least remaining time.
    pub(super) async fn find_legs(
        &self,
        legs: &[PlaceSearch],
        asker: Asker,
    ) -> Result<(Bytes, CacheStatus), SearchError> {
        let mut body = br#"{"legs":["#.to_vec();
        let mut status: Option<CacheStatus> = None;
        for (index, leg) in legs.iter().enumerate() {
            let (leg, found) = self.find_lists(leg, asker).await?;
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
