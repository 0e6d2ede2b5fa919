//! The probe of one server: a client that continuously books one kilogram there, on a flight that always has space. Its
//! acknowledged bookings show when service was interrupted and when it recovered.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::Method;
use serde_json::json;

use super::{Actor, BOOKINGS, Client, Kind, Operation, Request, Sending};

const INTERVAL: Duration = Duration::from_millis(100);
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// An acknowledged booking: its time and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Microseconds since the run began.
    pub at: u64,
    pub instance: usize,
}

#[derive(Default)]
pub(crate) struct Probe(Mutex<Vec<Sample>>);

impl Probe {
    fn record(&self, sample: Sample) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }

    /// The bookings since that time.
    pub fn since(&self, moment: u64) -> Vec<Sample> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let late = samples.iter().rev().take_while(|sample| sample.at >= moment);
        let mut late: Vec<Sample> = late.copied().collect();
        late.reverse();
        late
    }
}

/// When the last of the servers acknowledged a booking again, if they all have.
pub(crate) fn recovered(samples: &[Sample], instances: usize) -> Option<u64> {
    let first = (0..instances)
        .map(|instance| samples.iter().find(|sample| sample.instance == instance).map(|sample| sample.at));
    first.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// The longest interval without an acknowledged booking between two times.
pub(crate) fn longest_outage(samples: &[Sample], begin: u64, end: u64) -> u64 {
    let inside = samples.iter().map(|sample| sample.at).filter(|at| (begin..end).contains(at));
    let (mut longest, mut last) = (0, begin);
    for at in inside.chain([end]) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    longest
}

impl Client {
    /// Books until the run stops, then repeats all operations of unknown outcome.
    pub async fn probe(mut self, instance: usize, probe: Arc<Probe>) -> Vec<Operation> {
        while !self.load.stop.is_cancelled() {
            let operation = self.one_kilogram();
            let mut again = Some(operation);
            while let Some(operation) = again.take().filter(|_| !self.load.stop.is_cancelled()) {
                let done = self.perform(operation, instance as u64, Sending::Once).await;
                if done.is_some() {
                    probe.record(Sample { at: self.load.wire.now(), instance });
                } else {
                    tokio::time::sleep(RETRY_AFTER).await;
                    again = self.open.pop();
                }
            }
            self.open.extend(again);
            tokio::time::sleep(INTERVAL).await;
        }
        self.finish().await
    }

    fn one_kilogram(&mut self) -> Operation {
        let (mark, key) = self.next_key();
        let flight = &self.load.roomy;
        let order = json!({
            "origin": flight.origin, "destination": flight.destination, "pieces": 1, "weight_kg": 1,
            "customer_reference": mark, "flight_ids": [flight.id],
        });
        let (path, body) = (BOOKINGS.to_owned(), Some(order));
        let request = Request { method: Method::POST, path, key: Some(key), body, ..Request::default() };
        // No order of others makes it fail.
        Operation { has_space: true, ..Operation::new(Kind::Book, Actor::Shipper(self.shipper), self.shipper, request) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_has_recovered_when_every_server_has_booked_again() {
        let sample = |at, instance| Sample { at, instance };
        let samples = [sample(10, 0), sample(30, 0), sample(70, 1), sample(80, 0)];
        assert_eq!(recovered(&samples, 2), Some(70));
        assert_eq!(recovered(&samples[..2], 2), None);
        assert_eq!(longest_outage(&samples, 0, 80), 40);
        assert_eq!(longest_outage(&[], 5, 25), 20);
    }
}
