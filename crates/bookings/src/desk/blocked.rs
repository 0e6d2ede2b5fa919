use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use uuid::Uuid;

use super::{
    chosen::Chosen,
    order::{Arrival, Operation, Order, Ticket},
};

/// Most orders that are tried together.
const MOST_IN_A_TRIAL: usize = 64;

/// Orders that wait because another transaction has locked what they need, while the lane serves the others.
#[derive(Debug)]
pub struct Blocked<T> {
    /// Flights and bookings that were locked when they were last looked at.
    rows: BTreeSet<Uuid>,
    /// Orders for one of these rows.
    for_rows: BTreeMap<Arrival, Order<T>>,
    /// Orders that met a lock of another kind: on a table, or by a claim of their air waybill that is not committed yet.
    /// They are tried again apart from all others.
    others: BTreeMap<Arrival, Order<T>>,
    /// Number of trials that are due.
    due: usize,
    /// Most orders in the next trial: more after each success, one after a failure.
    most: usize,
    /// The last order that was tried.
    last: Arrival,
}

impl<T: Ticket> Blocked<T> {
    pub const fn new() -> Self {
        Self {
            rows: BTreeSet::new(),
            for_rows: BTreeMap::new(),
            others: BTreeMap::new(),
            due: 0,
            most: 1,
            last: Arrival(0),
        }
    }

    pub fn len(&self) -> usize {
        self.for_rows.len() + self.others.len()
    }

    /// Returns the locked rows for which orders wait.
    pub const fn rows(&self) -> &BTreeSet<Uuid> {
        &self.rows
    }

    #[cfg(test)]
    pub fn orders(&self) -> impl Iterator<Item = &Order<T>> {
        self.for_rows.values().chain(self.others.values())
    }

    pub fn concerns(&self, operation: &Operation) -> bool {
        !self.rows.is_empty() && operation.needs.rows().any(|row| self.rows.contains(&row))
    }

    /// Takes in an order for a row that was found locked: this one, or one that is known to be.
    pub fn wait_for_row(&mut self, order: Order<T>, row: Option<Uuid>) {
        self.rows.extend(row);
        self.for_rows.insert(order.arrival, order);
    }

    /// Takes in orders that have met a lock which is on none of their rows; each is to be tried once.
    pub fn try_apart(&mut self, orders: impl IntoIterator<Item = Order<T>>) {
        let before = self.others.len();
        self.others.extend(orders.into_iter().map(|order| (order.arrival, order)));
        self.due += self.others.len() - before;
    }

    /// Takes in the orders of a trial that has met a lock again.
    pub fn trial_failed(&mut self, orders: impl IntoIterator<Item = Order<T>>) {
        self.most = 1;
        self.others.extend(orders.into_iter().map(|order| (order.arrival, order)));
    }

    /// The next trial follows at once. If this one has written anything, its lock is gone, and perhaps all are.
    pub fn trial_succeeded(&mut self, has_written: bool) {
        self.due = self.due.max(1);
        if has_written {
            (self.most, self.last) = ((self.most * 2).min(MOST_IN_A_TRIAL), Arrival(0));
        }
    }

    /// Takes note of the rows that are free again, and returns the orders that need no locked row any more. Drops the
    /// orders of clients that have left.
    pub fn look(&mut self, free: &[Uuid]) -> Vec<Order<T>> {
        self.for_rows.retain(|_, order| !order.ticket.has_left());
        self.others.retain(|_, order| !order.ticket.has_left());
        let needed: BTreeSet<Uuid> = self.for_rows.values().flat_map(|order| order.operation.needs.rows()).collect();
        self.rows.retain(|row| needed.contains(row) && !free.contains(row));
        self.due = self.due.max(1);
        let rows = &self.rows;
        let is_free = |_: &Arrival, order: &mut Order<T>| !order.operation.needs.rows().any(|row| rows.contains(&row));
        self.for_rows.extract_if(.., is_free).map(|(_, order)| order).collect()
    }

    /// Returns the orders of the next trial, if one is due. They take turns; none passes an earlier order for the same
    /// flight among those that wait.
    pub fn trial(&mut self, waiting: &BTreeMap<Arrival, Order<T>>) -> Vec<Order<T>> {
        if self.due == 0 {
            return Vec::new();
        }
        self.due -= 1;
        let passes = |arrival: &Arrival, order: &Order<T>| {
            let shares = |flight| order.operation.needs.flights.contains(flight);
            waiting.range(..arrival).any(|(_, earlier)| earlier.operation.needs.flights.iter().any(shares))
        };
        let may_go = |(arrival, order): &(&Arrival, &Order<T>)| !passes(arrival, order);
        let mut chosen = Chosen::default();
        let later = self.others.range((Bound::Excluded(self.last), Bound::Unbounded));
        chosen.choose_in_turn(later.filter(may_go), self.most);
        if chosen.arrivals.is_empty() {
            chosen.choose_in_turn(self.others.iter().filter(may_go), self.most);
        }
        let arrivals = chosen.arrivals;
        self.last = arrivals.last().copied().unwrap_or(Arrival(0));
        arrivals.iter().filter_map(|arrival| self.others.remove(arrival)).collect()
    }
}
