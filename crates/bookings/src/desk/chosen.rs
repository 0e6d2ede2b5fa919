use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use loadmaster_kernel::{AwbNumber, FlightId};
use uuid::Uuid;

use super::order::{Arrival, Operation, Order};

/// The orders of a batch: no air waybill, no booking and no hold twice.
#[derive(Default)]
pub struct Chosen<'a> {
    pub arrivals: BTreeSet<Arrival>,
    of_flight: HashMap<FlightId, usize>,
    awbs: HashSet<&'a AwbNumber>,
    rows: HashSet<Uuid>,
}

impl<'a> Chosen<'a> {
    /// Chooses, in order of arrival, until there are `most` orders in all and `share` of them for one flight.
    pub fn choose<T>(&mut self, waiting: &'a BTreeMap<Arrival, Order<T>>, most: usize, share: usize) {
        for (arrival, order) in waiting {
            if self.arrivals.len() >= most {
                return;
            }
            let is_free = |flight: &FlightId| self.of_flight.get(flight).is_none_or(|taken| *taken < share);
            if !self.arrivals.contains(arrival)
                && !self.has_its_like(&order.operation)
                && order.operation.needs.flights.iter().all(is_free)
            {
                self.take(*arrival, &order.operation);
            }
        }
    }

    /// Chooses at most `most` orders so that none passes an earlier one for the same flight.
    pub fn choose_in_turn<T: 'a>(
        &mut self,
        waiting: impl IntoIterator<Item = (&'a Arrival, &'a Order<T>)>,
        most: usize,
    ) {
        let mut closed = HashSet::<FlightId>::new();
        for (arrival, order) in waiting {
            if self.arrivals.len() >= most {
                return;
            }
            let operation = &order.operation;
            if self.has_its_like(operation) || operation.needs.flights.iter().any(|flight| closed.contains(flight)) {
                closed.extend(&operation.needs.flights);
            } else {
                self.take(*arrival, operation);
            }
        }
    }

    fn has_its_like(&self, operation: &Operation) -> bool {
        operation.needs.row().is_some_and(|row| self.rows.contains(&row))
            || operation.needs.awb.as_ref().is_some_and(|awb| self.awbs.contains(awb))
    }

    fn take(&mut self, arrival: Arrival, operation: &'a Operation) {
        self.arrivals.insert(arrival);
        self.awbs.extend(operation.needs.awb.as_ref());
        self.rows.extend(operation.needs.row());
        for flight in &operation.needs.flights {
            *self.of_flight.entry(*flight).or_default() += 1;
        }
    }
}
