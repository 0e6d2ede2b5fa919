use std::collections::HashMap;

use loadmaster_kernel::AirportCode;
use loadmaster_reference::{Area, Reference, Scope};

/// The number of a scope that some rule names.
pub type ScopeNumber = u32;

/// The number of the scope `*`.
const EVERYWHERE: ScopeNumber = 0;

/// The scopes that rules name, and which of them cover each airport.
#[derive(Debug, Clone, Default)]
pub struct Places {
    numbers: HashMap<Scope, ScopeNumber>,
    /// Without `*`.
    of: HashMap<AirportCode, Vec<ScopeNumber>>,
}

impl Places {
    pub fn find(&self, scope: &Scope) -> Option<ScopeNumber> {
        if *scope == Scope::everywhere() { Some(EVERYWHERE) } else { self.numbers.get(scope).copied() }
    }

    /// Returns the number of a scope, a new one if it has none.
    pub fn add(&mut self, scope: &Scope, reference: &Reference) -> ScopeNumber {
        if let Some(known) = self.find(scope) {
            return known;
        }
        let number = ScopeNumber::try_from(self.numbers.len() + 1).unwrap_or(ScopeNumber::MAX);
        self.numbers.insert(scope.clone(), number);
        if let Area::Airports(airports) = reference.area(scope) {
            for airport in airports {
                self.of.entry(airport).or_default().push(number);
            }
        }
        number
    }

    /// Returns the scopes that cover the airport.
    pub fn covering(&self, airport: AirportCode) -> impl Iterator<Item = ScopeNumber> + Clone + '_ {
        let named = self.of.get(&airport).map(Vec::as_slice).unwrap_or_default();
        named.iter().copied().chain(std::iter::once(EVERYWHERE))
    }
}
