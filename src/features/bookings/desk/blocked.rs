use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use uuid::Uuid;

use super::order::{Arrival, Operation, Order, Ticket};

/// Orders that wait because another transaction has locked what they need, while the lane serves the others.
#[derive(Debug)]
pub struct Blocked<T> {
    /// Flights and bookings that were locked when they were last looked at.
    rows: BTreeSet<Uuid>,
    /// Orders for one of these rows.
    orders: BTreeMap<Arrival, Order<T>>,
    /// Orders that met a lock of another kind: on a table, or by a claim of their air waybill that is not committed yet.
    others: BTreeMap<Arrival, Order<T>>,
    /// The next of the others is tried alone.
    tries: bool,
    /// The last of the others that was tried.
    tried: Arrival,
}

impl<T: Ticket> Blocked<T> {
    pub const fn new() -> Self {
        Self {
            rows: BTreeSet::new(),
            orders: BTreeMap::new(),
            others: BTreeMap::new(),
            tries: false,
            tried: Arrival(0),
        }
    }

    pub fn len(&self) -> usize {
        self.orders.len() + self.others.len()
    }

    /// Returns the locked rows for which orders wait.
    pub const fn rows(&self) -> &BTreeSet<Uuid> {
        &self.rows
    }

    #[cfg(test)]
    pub fn orders(&self) -> impl Iterator<Item = &Order<T>> {
        self.orders.values().chain(self.others.values())
    }

    pub fn concerns(&self, operation: &Operation) -> bool {
        !self.rows.is_empty() && operation.rows().any(|row| self.rows.contains(&row))
    }

    /// Takes an order in; `row`: the row that it found locked, if it is known.
    pub fn take_in(&mut self, order: Order<T>, row: Option<Uuid>) {
        self.rows.extend(row);
        let orders = if self.concerns(&order.operation) { &mut self.orders } else { &mut self.others };
        orders.insert(order.arrival, order);
    }

    /// Takes note of the rows that are free again, and returns the orders that need no locked row any more. Drops the
    /// orders of clients that have left.
    pub fn looked(&mut self, free: &[Uuid]) -> Vec<Order<T>> {
        self.orders.retain(|_, order| !order.ticket.has_left());
        self.others.retain(|_, order| !order.ticket.has_left());
        let needed: BTreeSet<Uuid> = self.orders.values().flat_map(|order| order.operation.rows()).collect();
        self.rows.retain(|row| needed.contains(row) && !free.contains(row));
        self.tries = !self.others.is_empty();
        let rows = &self.rows;
        let is_free = |_: &Arrival, order: &mut Order<T>| !order.operation.rows().any(|row| rows.contains(&row));
        self.orders.extract_if(.., is_free).map(|(_, order)| order).collect()
    }

    /// Returns the next order to be tried alone, if one is due. They take turns; none passes an earlier order for the same
    /// flight among those that wait.
    pub fn next_to_try(&mut self, waiting: &BTreeMap<Arrival, Order<T>>) -> Option<Order<T>> {
        if !self.tries {
            return None;
        }
        let mut later = self.others.range((Bound::Excluded(self.tried), Bound::Unbounded));
        let (next, order) = later.next().or_else(|| self.others.first_key_value())?;
        let shares = |other: &Order<T>| {
            other.operation.flights().iter().any(|flight| order.operation.flights().contains(flight))
        };
        if waiting.range(..next).any(|(_, other)| shares(other)) {
            return None;
        }
        (self.tries, self.tried) = (false, *next);
        self.others.remove(&self.tried)
    }

    /// Returns the others, after a trial that met no lock.
    pub fn release(&mut self) -> BTreeMap<Arrival, Order<T>> {
        std::mem::take(&mut self.others)
    }
}
