//! Where options of several searches stand in one order: that of [`Sort::compare`], and before it that of emissions if it is by
//! them.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{Co2e, Currency, FlightId};
use loadmaster_pricing::Estimate;
use smallvec::SmallVec;

use super::model::{Itinerary, Sort, co2e_order, price_order};

/// The place of an option; the lower one comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    is_refused: bool,
    key: Key,
    arrival: DateTime<Utc>,
    legs: usize,
    duration: TimeDelta,
    flights: SmallVec<[FlightId; 4]>,
}

/// By what options are ordered first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Arrival,
    Duration(TimeDelta),
    Departure(DateTime<Utc>),
    Price((bool, Option<(Currency, i64)>)),
    Emissions((bool, Option<Co2e>)),
}

/// What an order depends on.
#[derive(Debug, Clone)]
pub struct Standing {
    pub is_bookable: bool,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub price: Option<Estimate>,
    /// What the freight emits; only an order by emissions depends on it.
    pub co2e: Option<Co2e>,
    pub flights: SmallVec<[FlightId; 4]>,
}

impl Rank {
    pub fn new(standing: Standing, sort: Sort) -> Self {
        let Standing { is_bookable, departure, arrival, price, co2e, flights } = standing;
        let duration = arrival - departure;
        let key = match sort {
            Sort::Arrival => Key::Arrival,
            Sort::Duration => Key::Duration(duration),
            Sort::Departure => Key::Departure(departure),
            Sort::Price => Key::Price(price_order(price)),
            Sort::Emissions => Key::Emissions(co2e_order(co2e)),
        };
        Self { is_refused: !is_bookable, key, arrival, legs: flights.len(), duration, flights }
    }
}

impl From<&Itinerary> for Standing {
    fn from(itinerary: &Itinerary) -> Self {
        Self {
            is_bookable: itinerary.is_bookable(),
            departure: itinerary.departure(),
            arrival: itinerary.arrival(),
            price: itinerary.price(),
            co2e: None,
            flights: itinerary.legs().iter().map(|flight| flight.id).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use loadmaster_capacity::Space;
    use loadmaster_embargoes::Embargoes;
    use loadmaster_flights::{Flight, NewFlight};
    use loadmaster_reference::Reference;
    use uuid::Uuid;

    use super::{
        super::{dice::Dice, judge::Judge, model::Request},
        *,
    };

    fn at(minutes: u64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(i64::try_from(minutes).unwrap())
    }

    /// A flight of few ids and times, so that many options are alike; those in the first hour have passed their cut-off.
    fn flight(dice: &mut Dice) -> Flight {
        let departure = at(30 * dice.below(5));
        let new = NewFlight {
            number: "AI101".parse().unwrap(),
            origin: "DEL".parse().unwrap(),
            destination: "LHR".parse().unwrap(),
            departure,
            arrival: departure + TimeDelta::minutes(30 * (1 + i64::try_from(dice.below(3)).unwrap())),
            aircraft: None,
            is_freighter: false,
            capacity: Space::default(),
            cutoff_minutes: 60,
            also_sold_as: None,
        };
        new.as_flight(Uuid::from_u128(dice.below(20).into()).into(), NaiveDate::MIN, at(0))
    }

    #[test]
    fn ranks_are_in_the_order_of_the_options() {
        let mut dice = Dice(20_261_129);
        let judge = Judge::of(&Request::default(), &Embargoes::default(), &Reference::default(), at(1));
        let mut option = || {
            let legs = (0..=dice.below(3)).map(|_| flight(&mut dice)).collect();
            judge.itinerary(legs).unwrap()
        };
        let options: Vec<Itinerary> = (0..120).map(|_| option()).collect();
        assert!(options.iter().any(Itinerary::is_bookable) && !options.iter().all(Itinerary::is_bookable));
        for (name, sort) in Sort::WORDS {
            for a in &options {
                for b in &options {
                    let ranks = [a, b].map(|option| Rank::new(Standing::from(option), *sort));
                    assert_eq!(ranks[0].cmp(&ranks[1]), sort.compare(a, b), "{name}: {a:?} and {b:?}");
                }
            }
        }
    }

    #[test]
    fn options_with_less_emissions_come_first_and_those_without_an_estimate_last() {
        let rank = |is_bookable, arrival, tenths: Option<i64>| {
            let co2e = tenths.map(|tenths| Co2e::rounded(i128::from(tenths) * 10_000_000));
            let (departure, arrival) = (at(0), at(arrival));
            let standing = Standing { is_bookable, departure, arrival, price: None, co2e, flights: SmallVec::new() };
            Rank::new(standing, Sort::Emissions)
        };
        let ranks = [
            rank(true, 90, Some(1)),
            rank(true, 30, Some(2)),
            rank(true, 60, Some(2)),
            rank(true, 30, None),
            rank(true, 60, None),
            rank(false, 30, Some(1)),
        ];
        assert!(ranks.is_sorted_by(|before, after| before < after), "{ranks:?}");
    }
}
