use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use loadmaster_flights::Flight;
use loadmaster_kernel::HandlingCode;
use loadmaster_reference::{Area, Reference};

use super::model::{Effect, Embargo, JudgedLeg, Obstacle, Violation};

/// The embargoes in force at one moment: immutable, and cheap to clone. The default has none.
#[derive(Debug, Clone, Default)]
pub struct Embargoes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// As they were read.
    all: Vec<Embargo>,
    /// In the order in which they are named.
    rules: Vec<Rule>,
    reference: Reference,
    /// Differs from that of all other embargoes in this process.
    serial: u64,
}

#[derive(Debug)]
struct Rule {
    embargo: Embargo,
    origin: Area,
    destination: Area,
}

impl Rule {
    fn matches(&self, leg: &JudgedLeg) -> bool {
        self.embargo.terms.matches(leg)
            && self.origin.contains(leg.origin)
            && self.destination.contains(leg.destination)
    }

    fn violated_by(&self, leg: &JudgedLeg) -> Violation {
        let obstacle = match &self.embargo.terms.effect {
            Effect::Forbid => Obstacle::Forbidden,
            Effect::RequireAny(codes) => Obstacle::HandlingRequired(codes.clone()),
        };
        Violation {
            embargo_id: self.embargo.id,
            embargo: self.embargo.terms.name.clone(),
            flight_id: leg.flight_id,
            flight_number: leg.number,
            obstacle,
        }
    }
}

impl Embargoes {
    pub(super) fn new(all: Vec<Embargo>, reference: &Reference) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let mut rules: Vec<Rule> = all
            .iter()
            .map(|embargo| Rule {
                origin: reference.area(&embargo.terms.origin),
                destination: reference.area(&embargo.terms.destination),
                embargo: embargo.clone(),
            })
            .collect();
        rules.sort_by_key(|rule| (rule.embargo.terms.rank(), rule.embargo.id));
        Self(Arc::new(Inner { all, rules, reference: reference.clone(), serial: SERIAL.fetch_add(1, Relaxed) }))
    }

    pub(super) fn are(&self, all: &[Embargo]) -> bool {
        self.0.all == all
    }

    /// Returns the first violation by freight with these special handling codes, leg by leg.
    pub fn first_violation(&self, flights: &[Flight], codes: &[HandlingCode]) -> Option<Violation> {
        let stopping = self.for_freight(codes);
        flights.iter().find_map(|flight| stopping.violation(flight))
    }

    /// Returns the embargoes that freight with these special handling codes does not comply with.
    pub fn for_freight(&self, codes: &[HandlingCode]) -> FreightEmbargoes {
        let rules = self.0.rules.iter().enumerate();
        let stopping = rules.filter(|(_, rule)| rule.embargo.terms.stops(codes)).map(|(at, _)| at).collect();
        FreightEmbargoes { embargoes: self.clone(), stopping }
    }
}

/// The embargoes that stop certain freight, on the legs that they match.
#[derive(Debug, Clone, Default)]
pub struct FreightEmbargoes {
    embargoes: Embargoes,
    /// Indices of the rules, ascending.
    stopping: Vec<usize>,
}

/// The effects of embargoes on freight on a leg, or on several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    pub is_embargoed: bool,
    pub requires_handling: bool,
}

impl Verdict {
    /// Returns the effects on the legs of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            is_embargoed: self.is_embargoed || other.is_embargoed,
            requires_handling: self.requires_handling || other.requires_handling,
        }
    }
}

impl FreightEmbargoes {
    /// Returns whether none stops the freight, on any leg.
    pub const fn is_empty(&self) -> bool {
        self.stopping.is_empty()
    }

    /// Returns a key in this process: freight with the same key gets the same verdicts.
    pub fn key(&self) -> (u64, Vec<usize>) {
        if self.is_empty() { (0, Vec::new()) } else { (self.embargoes.0.serial, self.stopping.clone()) }
    }

    /// Returns the effects on the flights together.
    pub fn on_flights(&self, flights: &[Flight]) -> Verdict {
        if self.is_empty() {
            return Verdict::default();
        }
        let reference = &self.embargoes.0.reference;
        let verdicts = flights.iter().map(|flight| self.on_leg(&JudgedLeg::of(flight, reference)));
        verdicts.fold(Verdict::default(), Verdict::and)
    }

    pub fn on_leg(&self, leg: &JudgedLeg) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in self.rules().filter(|rule| rule.matches(leg)) {
            match rule.embargo.terms.effect {
                Effect::Forbid => verdict.is_embargoed = true,
                Effect::RequireAny(_) => verdict.requires_handling = true,
            }
        }
        verdict
    }

    fn violation(&self, flight: &Flight) -> Option<Violation> {
        if self.is_empty() {
            return None;
        }
        let leg = JudgedLeg::of(flight, &self.embargoes.0.reference);
        self.rules().find(|rule| rule.matches(&leg)).map(|rule| rule.violated_by(&leg))
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.stopping.iter().map(|at| &self.embargoes.0.rules[*at])
    }
}

#[cfg(test)]
#[path = "in_force/tests.rs"]
mod tests;
