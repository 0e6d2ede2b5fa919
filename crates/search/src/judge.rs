//! What options are judged by.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_embargoes::{Embargoes, FreightEmbargoes, Verdict};
use loadmaster_flights::Flight;
use loadmaster_kernel::{AircraftCode, FlightNumber};
use loadmaster_reference::{Reference, TooLarge};
use loadmaster_stations::LeadTime;

use super::{
    model::{Itinerary, Reason, Request},
    pricer::Pricer,
};

/// The capacity of a leg's flight, whether it is a freighter, and its aircraft.
pub type JudgedRoom<'a> = (&'a FlightCapacity, bool, Option<AircraftCode>);

/// The basis for judging options: the request, the embargoes that stop its freight, and the time.
#[derive(Debug, Clone)]
pub struct Judge {
    space: Space,
    aircraft: SuitableAircraft,
    embargoes: FreightEmbargoes,
    now: DateTime<Utc>,
    /// By when the origin takes the freight; `None`: it does not say, or nobody asks.
    lead_time: Option<LeadTime>,
    /// `None`: no prices are asked for.
    pricer: Option<Pricer>,
}

/// Which aircraft can carry the freight of a request, whatever space they have. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SuitableAircraft {
    needs_freighter: bool,
    /// Aircraft types on which not every piece fits, by code, with the first that does not; none if no dimensions are given.
    too_small: Arc<[(AircraftCode, TooLarge)]>,
}

impl SuitableAircraft {
    pub fn of(request: &Request, reference: &Reference) -> Self {
        let too_small = request.dimensions.as_ref().map(|dimensions| reference.too_small_for(dimensions));
        Self { needs_freighter: request.needs_freighter(), too_small: too_small.unwrap_or_default().into() }
    }

    /// Returns whether every aircraft can carry the freight, as for most requests.
    pub fn includes_all(&self) -> bool {
        !self.needs_freighter && self.too_small.is_empty()
    }

    /// Returns whether a flight with this aircraft can carry the freight.
    pub fn includes(&self, aircraft: Option<AircraftCode>, is_freighter: bool) -> bool {
        (is_freighter || !self.needs_freighter) && self.too_large(aircraft).is_none()
    }

    /// Returns the first piece that does not fit on this aircraft.
    fn too_large(&self, aircraft: Option<AircraftCode>) -> Option<&TooLarge> {
        let place = self.too_small.binary_search_by_key(&aircraft?, |(code, _)| *code).ok()?;
        self.too_small.get(place).map(|(_, piece)| piece)
    }
}

impl Judge {
    pub fn of(request: &Request, embargoes: &Embargoes, reference: &Reference, now: DateTime<Utc>) -> Self {
        Self::with_aircraft(SuitableAircraft::of(request, reference), request, embargoes, now)
    }

    /// The same, for which the suitable aircraft are known already.
    pub fn with_aircraft(
        aircraft: SuitableAircraft,
        request: &Request,
        embargoes: &Embargoes,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            space: request.space(),
            aircraft,
            embargoes: embargoes.for_freight(&request.special_handling_codes),
            now,
            lead_time: None,
            pricer: None,
        }
    }

    /// Returns the same, which also says by when the origin takes the freight.
    #[must_use]
    pub fn with_lead_time(self, lead_time: Option<LeadTime>) -> Self {
        Self { lead_time, ..self }
    }

    /// Returns the same, which also rates.
    #[must_use]
    pub fn with_prices(self, pricer: Option<Pricer>) -> Self {
        Self { pricer, ..self }
    }

    pub const fn lead_time(&self) -> Option<LeadTime> {
        self.lead_time
    }

    /// Returns by when the origin takes the freight for a first flight with this departure and cut-off, if it says so.
    pub fn latest_acceptance(&self, departure: DateTime<Utc>, cut_off: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.lead_time.map(|lead_time| lead_time.latest_acceptance(departure, cut_off))
    }

    pub const fn pricer(&self) -> Option<&Pricer> {
        self.pricer.as_ref()
    }

    pub fn space(&self) -> Space {
        self.space
    }

    pub fn needs_freighter(&self) -> bool {
        self.aircraft.needs_freighter
    }

    /// Returns which aircraft can carry the freight.
    pub fn aircraft(&self) -> &SuitableAircraft {
        &self.aircraft
    }

    /// Returns the aircraft types on which not every piece fits, with the first that does not.
    pub fn too_small(&self) -> &[(AircraftCode, TooLarge)] {
        &self.aircraft.too_small
    }

    /// Returns the text of the reason `too_large`: the first of these flights on which not every piece fits, and why.
    pub fn too_large_text(
        &self,
        mut flights: impl Iterator<Item = (FlightNumber, Option<AircraftCode>)>,
    ) -> Option<String> {
        flights.find_map(|(number, aircraft)| {
            let piece = self.aircraft.too_large(aircraft)?;
            Some(format!("{number} {piece}"))
        })
    }

    pub const fn embargoes(&self) -> &FreightEmbargoes {
        &self.embargoes
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Judges flights that lead from origin to destination; returns `None` for no flights.
    pub fn itinerary(&self, legs: Vec<Flight>) -> Option<Itinerary> {
        let verdict = self.embargoes.on_flights(&legs);
        let spaces = legs.iter().map(|flight| (&flight.space, flight.is_freighter, flight.aircraft));
        let (reasons, _) = self.reasons(&spaces, verdict)?;
        let latest_acceptance = self.latest_acceptance(legs.first()?.departure, legs.first()?.space.cutoff);
        let price = self.pricer.as_ref().and_then(|pricer| pricer.price(&legs));
        Some(Itinerary::judged(legs, reasons, latest_acceptance, price))
    }

    /// Returns the reasons why these legs (with the verdict of the embargoes on all) cannot be booked, and the least capacity
    /// over them.
    pub fn reasons<'a>(
        &self,
        legs: &(impl Iterator<Item = JudgedRoom<'a>> + Clone),
        verdict: Verdict,
    ) -> Option<(Vec<Reason>, Space)> {
        let available = legs.clone().map(|(space, ..)| space.available()).reduce(Space::least)?;
        let mut reasons: Vec<Reason> = self.space.exceeds(available).map(Reason::of).collect();
        if legs.clone().any(|(space, ..)| self.now >= space.cutoff) {
            reasons.push(Reason::CutoffPassed);
        }
        if self.needs_freighter() && !legs.clone().all(|(_, is_freighter, _)| is_freighter) {
            reasons.push(Reason::CargoAircraftOnly);
        }
        reasons.extend(verdict.is_embargoed.then_some(Reason::Embargoed));
        reasons.extend(verdict.requires_handling.then_some(Reason::HandlingRequired));
        if !self.too_small().is_empty()
            && legs.clone().any(|(.., aircraft)| self.aircraft.too_large(aircraft).is_some())
        {
            reasons.push(Reason::TooLarge);
        }
        Some((reasons, available))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use loadmaster_kernel::{Centimetres, DimensionLine, Dimensions, HandlingCode, Pieces};

    use super::*;

    #[test]
    fn aircraft_are_suitable_as_the_reference_data_says() {
        let reference = Reference::bundled().unwrap();
        let codes =
            include_str!("../../../data/aircraft.csv").lines().skip(1).filter_map(|line| line.split(',').next());
        let codes: Vec<AircraftCode> = codes.map(|code| code.parse().unwrap()).collect();
        assert!(SuitableAircraft::of(&Request::default(), &reference).includes_all());
        let mut verdicts = BTreeSet::new();
        for height in [100, 150, 300] {
            let side = |cm: i32| Centimetres::from_count(&cm.to_string()).unwrap();
            let line = DimensionLine {
                pieces: Pieces::from_count("1").unwrap(),
                length_cm: side(100),
                width_cm: side(80),
                height_cm: side(height),
                weight: None,
                is_tiltable: false,
                is_stackable: true,
            };
            let dimensions = Dimensions::of(vec![line]).unwrap();
            for needs_freighter in [false, true] {
                let special_handling_codes = needs_freighter.then_some(HandlingCode::CARGO_AIRCRAFT_ONLY);
                let request = Request {
                    dimensions: Some(dimensions.clone()),
                    special_handling_codes: special_handling_codes.into_iter().collect(),
                    ..Request::default()
                };
                let suitable = SuitableAircraft::of(&request, &reference);
                assert_eq!(suitable.includes(None, false), !needs_freighter);
                for (code, is_freighter) in codes.iter().flat_map(|code| [(*code, false), (*code, true)]) {
                    let fits = reference.too_large(&dimensions, code).is_none();
                    let expected = fits && (is_freighter || !needs_freighter);
                    assert_eq!(suitable.includes(Some(code), is_freighter), expected, "{code} {height}");
                    assert!(expected || !suitable.includes_all());
                    verdicts.insert((fits, expected));
                }
            }
        }
        assert_eq!(verdicts.len(), 3, "some fit, some do not, some are no freighters");
    }
}
