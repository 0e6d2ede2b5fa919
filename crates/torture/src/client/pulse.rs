//! The pulse of one server: a client that books one kilogram again and again there, on a flight that has always room. It
//! stops when the server does, and so tells when service was back.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::Method;
use serde_json::json;

use super::{BOOKINGS, Client, Deed, Kind, Manner, Request, Who};

const REST: Duration = Duration::from_millis(100);
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// An acknowledged booking: when, and by which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Microseconds since the run began.
    pub at: u64,
    pub instance: usize,
}

#[derive(Default)]
pub(crate) struct Pulse(Mutex<Vec<Beat>>);

impl Pulse {
    fn beat(&self, beat: Beat) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(beat);
    }

    /// The beats since that moment.
    pub fn since(&self, moment: u64) -> Vec<Beat> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let late = beats.iter().rev().take_while(|beat| beat.at >= moment);
        let mut late: Vec<Beat> = late.copied().collect();
        late.reverse();
        late
    }
}

/// When each of the servers had acknowledged a booking again, if they all have.
pub(crate) fn recovered(beats: &[Beat], instances: usize) -> Option<u64> {
    let first = (0..instances).map(|instance| beats.iter().find(|beat| beat.instance == instance).map(|beat| beat.at));
    first.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// The longest time without any acknowledged booking between two moments.
pub(crate) fn longest_lull(beats: &[Beat], begin: u64, end: u64) -> u64 {
    let inside = beats.iter().map(|beat| beat.at).filter(|at| (begin..end).contains(at));
    let (mut longest, mut last) = (0, begin);
    for at in inside.chain([end]) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    longest
}

impl Client {
    /// Until told to stop; then asks again whatever is open.
    pub async fn beat(mut self, instance: usize, pulse: Arc<Pulse>) -> Vec<Deed> {
        while !self.load.stop.is_cancelled() {
            let deed = self.one_kilogram();
            let mut again = Some(deed);
            while let Some(deed) = again.take().filter(|_| !self.load.stop.is_cancelled()) {
                let done = self.perform(deed, instance as u64, Manner::Once).await;
                if done.is_some() {
                    pulse.beat(Beat { at: self.load.wire.now(), instance });
                } else {
                    tokio::time::sleep(TRY_AGAIN).await;
                    again = self.open.pop();
                }
            }
            self.open.extend(again);
            tokio::time::sleep(REST).await;
        }
        self.finish().await
    }

    fn one_kilogram(&mut self) -> Deed {
        let (mark, key) = self.next_key();
        let flight = &self.load.roomy;
        let order = json!({
            "origin": flight.origin, "destination": flight.destination, "pieces": 1, "weight_kg": 1,
            "customer_reference": mark, "flight_ids": [flight.id],
        });
        let (path, body) = (BOOKINGS.to_owned(), Some(order));
        let request = Request { method: Method::POST, path, key: Some(key), body, ..Request::default() };
        Deed::new(Kind::Book, Who::Shipper(self.shipper), self.shipper, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_is_back_when_every_server_has_booked_again() {
        let beat = |at, instance| Beat { at, instance };
        let beats = [beat(10, 0), beat(30, 0), beat(70, 1), beat(80, 0)];
        assert_eq!(recovered(&beats, 2), Some(70));
        assert_eq!(recovered(&beats[..2], 2), None);
        assert_eq!(longest_lull(&beats, 0, 80), 40);
        assert_eq!(longest_lull(&[], 5, 25), 20);
    }
}
