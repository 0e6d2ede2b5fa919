//! What can be booked on the days of one lane, for several who wait for it: the network is looked at once for all of them, and
//! the space only on the options that decide.
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use chrono::NaiveDate;
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_kernel::{AirportCode, Currency, FlightId, Money};

use super::{
    SearchError, SearchService,
    judge::Judge,
    model::{Question, Request},
    prepared::{Prepared, Shared, unchanged},
    pricer::{Pricer, PricerKey},
};

/// Options whose space is looked at together.
const LOOKED_AT: usize = 32;
/// Most looks at days whose flights change meanwhile.
const MOST_LOOKS: usize = 3;
/// Most freights whose prices are kept.
const MOST_FREIGHTS: usize = 8;

/// The best option of some days that can be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestOption {
    /// Local calendar date at the origin.
    pub date: NaiveDate,
    /// `None` if no prices are asked for.
    pub price: Option<Money>,
    pub flights: Vec<FlightId>,
}

/// The routes that have a price, the cheapest first.
type Ranking = Arc<Vec<(Money, usize)>>;

/// The days of a lane, as they were when they were first looked at. What is found is not cached and counts as no search:
/// nobody asked for it.
pub struct WatchedLane {
    search: SearchService,
    origin: AirportCode,
    destination: AirportCode,
    days: HashMap<NaiveDate, Shared>,
    rankings: HashMap<(PricerKey, Space), HashMap<NaiveDate, Ranking>>,
    /// A flight has changed that this process has not heard of: days are read from the tables.
    is_outdated: bool,
}

/// An option that may decide.
struct Way {
    date: NaiveDate,
    place: usize,
    price: Option<Money>,
}

/// What a look at options has found.
enum Look {
    Best(Option<BestOption>),
    /// A flight of a day has changed.
    Outdated,
}

impl SearchService {
    /// Watches a lane. To be dropped soon: new flights are not seen on days that were looked at before.
    pub fn watch(&self, origin: AirportCode, destination: AirportCode) -> WatchedLane {
        let (days, rankings) = (HashMap::new(), HashMap::new());
        WatchedLane { search: self.clone(), origin, destination, days, rankings, is_outdated: false }
    }
}

impl WatchedLane {
    /// Returns the best option of these days that can be booked now, by the rules of [`SearchService::candidates`]: with prices
    /// the cheapest, without them the first of the earliest day. `currency`: only prices in it count.
    pub async fn best(
        &mut self,
        dates: &[NaiveDate],
        request: &Request,
        currency: Option<Currency>,
    ) -> Result<Option<BestOption>, SearchError> {
        for look in 1..=MOST_LOOKS {
            let embargoes = self.search.0.embargoes.in_force().await?;
            let pricer = self.search.pricer(request).await?;
            let judge = Judge::of(request, &embargoes, &self.search.0.reference, self.search.now());
            let judge = judge.with_prices(pricer);
            let is_last = look == MOST_LOOKS;
            let found = match judge.pricer() {
                Some(pricer) => {
                    let ways = self.by_price(dates, pricer, request.space(), currency).await?;
                    self.first_of(ways, request, &judge, is_last).await?
                }
                None => self.earliest(dates, request, &judge, is_last).await?,
            };
            match found {
                Look::Best(best) => return Ok(best),
                // Others may be outdated with it, as after an import: all are read from the tables.
                Look::Outdated => {
                    self.days.clear();
                    self.rankings.clear();
                    self.is_outdated = true;
                }
            }
        }
        Ok(None)
    }

    /// Returns a day of the lane.
    async fn day(&mut self, date: NaiveDate) -> Result<Shared, SearchError> {
        match self.days.get(&date) {
            Some(known) => Ok(known.clone()),
            None => self.read(date).await,
        }
    }

    /// Looks at a day.
    async fn read(&mut self, date: NaiveDate) -> Result<Shared, SearchError> {
        let Self { origin, destination, .. } = *self;
        let question = Question { origin, destination, date, max_stops: self.search.stops_near() };
        let network_version = self.search.network_version(question.scope()).await?;
        let ways = Box::pin(self.search.ways(question, network_version, self.is_outdated)).await?;
        let prepared = Arc::new(Prepared::new(ways, &self.search.0.reference));
        self.days.insert(date, prepared.clone());
        // A month takes a while: others get their turn.
        tokio::task::yield_now().await;
        Ok(prepared)
    }

    /// Returns the options of these days that have a price, the cheapest first, then by day and arrival.
    async fn by_price(
        &mut self,
        dates: &[NaiveDate],
        pricer: &Pricer,
        space: Space,
        currency: Option<Currency>,
    ) -> Result<ByPrice, SearchError> {
        let freight = (pricer.key(), space);
        if self.rankings.len() >= MOST_FREIGHTS && !self.rankings.contains_key(&freight) {
            self.rankings.clear();
        }
        let mut days = Vec::with_capacity(dates.len());
        for &date in dates {
            let prepared = self.day(date).await?;
            let of_freight = self.rankings.entry(freight.clone()).or_default();
            let ranking = of_freight.entry(date).or_insert_with(|| Arc::new(prepared.cheapest_first(pricer)));
            days.push((date, ranking.clone()));
        }
        Ok(ByPrice::new(days, currency))
    }

    /// Returns the first option of the earliest day that can be booked.
    async fn earliest(
        &mut self,
        dates: &[NaiveDate],
        request: &Request,
        judge: &Judge,
        is_last: bool,
    ) -> Result<Look, SearchError> {
        for &date in dates {
            let places = self.day(date).await?.direct_first();
            let ways = places.into_iter().map(move |place| Way { date, place, price: None });
            match self.first_of(ways, request, judge, is_last).await? {
                Look::Best(None) => {}
                found => return Ok(found),
            }
        }
        Ok(Look::Best(None))
    }

    /// Returns the first of these options that can be booked. Those whose flights have changed are left out in the last look.
    async fn first_of(
        &self,
        mut ways: impl Iterator<Item = Way> + Send,
        request: &Request,
        judge: &Judge,
        is_last: bool,
    ) -> Result<Look, SearchError> {
        loop {
            let looked_at: Vec<Way> = ways.by_ref().take(LOOKED_AT).collect();
            if looked_at.is_empty() {
                return Ok(Look::Best(None));
            }
            let legs: Vec<Vec<(FlightId, i32)>> = looked_at.iter().map(|way| self.legs(way)).collect();
            let flights: Vec<(FlightId, i32)> = legs.iter().flatten().copied().collect();
            let mut spaces = self.search.0.capacity.spaces(flights.iter().copied()).await?.into_iter();
            for (way, legs) in looked_at.iter().zip(&legs) {
                let spaces: Vec<Option<FlightCapacity>> = spaces.by_ref().take(legs.len()).collect();
                let Some(mut spaces) = unchanged(spaces, legs.iter().map(|(_, version)| *version)) else {
                    if is_last {
                        continue;
                    }
                    return Ok(Look::Outdated);
                };
                for space in &mut spaces {
                    request.own.open(space, judge.now());
                }
                let is_bookable =
                    self.days.get(&way.date).is_some_and(|day| day.can_be_booked(way.place, &spaces, judge));
                if is_bookable {
                    let flights = legs.iter().map(|(flight, _)| *flight).collect();
                    return Ok(Look::Best(Some(BestOption { date: way.date, price: way.price, flights })));
                }
            }
        }
    }

    fn legs(&self, way: &Way) -> Vec<(FlightId, i32)> {
        self.days.get(&way.date).map(|day| day.legs(way.place)).unwrap_or_default()
    }
}

/// What comes first: the lowest price, then the earliest day, then by arrival. The last number is the day's.
type Rank = (Currency, i64, NaiveDate, usize, usize);

/// The options of several days in one order.
struct ByPrice {
    days: Vec<(NaiveDate, Ranking)>,
    /// The next option of each day, by its number in the ranking.
    next: BinaryHeap<Reverse<Rank>>,
    currency: Option<Currency>,
}

impl ByPrice {
    fn new(days: Vec<(NaiveDate, Ranking)>, currency: Option<Currency>) -> Self {
        let mut all = Self { next: BinaryHeap::with_capacity(days.len()), days, currency };
        for day in 0..all.days.len() {
            all.push(day, 0);
        }
        all
    }

    /// Adds the next option of a day that is in the currency, from this number on.
    fn push(&mut self, day: usize, from: usize) {
        let (date, ranking) = &self.days[day];
        let mut left = ranking.iter().enumerate().skip(from);
        let counts = |price: Money| self.currency.is_none_or(|currency| price.currency() == currency);
        if let Some((number, (price, _))) = left.find(|(_, (price, _))| counts(*price)) {
            self.next.push(Reverse((price.currency(), price.minor(), *date, number, day)));
        }
    }
}

impl Iterator for ByPrice {
    type Item = Way;

    fn next(&mut self) -> Option<Way> {
        let Reverse((_, _, date, number, day)) = self.next.pop()?;
        let (price, place) = self.days[day].1[number];
        self.push(day, number + 1);
        Some(Way { date, place, price: Some(price) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(prices: &[(i64, &str)]) -> Ranking {
        let of =
            |(place, (minor, currency)): (usize, &(i64, &str))| (Money::new(*minor, currency.parse().unwrap()), place);
        Arc::new(prices.iter().enumerate().map(of).collect())
    }

    fn order(days: &[&[(i64, &str)]], currency: Option<&str>) -> Vec<(u64, usize)> {
        let date = |day: usize| NaiveDate::MIN + chrono::Days::new(u64::try_from(day).unwrap());
        let days = days.iter().enumerate().map(|(day, prices)| (date(day), ranking(prices))).collect();
        let ways = ByPrice::new(days, currency.map(|currency| currency.parse().unwrap()));
        ways.map(|way| ((way.date - NaiveDate::MIN).num_days().unsigned_abs(), way.place)).collect()
    }

    #[test]
    fn options_of_several_days_come_by_price_then_by_day() {
        let days: &[&[(i64, &str)]] = &[&[(20, "USD"), (40, "USD")], &[], &[(10, "USD"), (20, "USD"), (50, "USD")]];
        assert_eq!(order(days, None), [(2, 0), (0, 0), (2, 1), (0, 1), (2, 2)]);
    }

    #[test]
    fn options_in_another_currency_are_left_out() {
        let days: &[&[(i64, &str)]] = &[&[(5, "EUR"), (20, "USD")], &[(1, "EUR")], &[(10, "USD")]];
        assert_eq!(order(days, Some("USD")), [(2, 0), (0, 1)]);
        assert!(order(days, Some("JPY")).is_empty());
        assert_eq!(order(days, None).len(), 4);
    }
}
