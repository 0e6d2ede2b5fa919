use std::{net::IpAddr, sync::Arc};

use super::occupancy::{Occupancy, Slot};

/// The requests being served. While fewer than half of the places are taken, every request gets one; beyond that an
/// address may hold a quarter of them, so that no single address keeps others out.
#[derive(Debug)]
pub(super) struct InFlight {
    most: usize,
    places: Arc<Occupancy<IpAddr>>,
}

/// Reason for a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// All places are taken.
    Full,
    /// The address holds its whole share, which is this number.
    Share(u32),
}

impl InFlight {
    pub fn new(most: usize) -> Self {
        Self { most, places: Arc::default() }
    }

    /// Returns a place for a request from this address.
    pub fn enter(&self, address: Option<IpAddr>) -> Result<Slot<IpAddr>, Refused> {
        self.places.take(address, |in_all, own| {
            if in_all >= self.most {
                return Err(Refused::Full);
            }
            let share = (self.most / 4).max(1);
            if own >= share && in_all >= self.most.div_ceil(2) {
                return Err(Refused::Share(u32::try_from(own).unwrap_or(u32::MAX)));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(in_flight: &InFlight, last: u8) -> Result<Slot<IpAddr>, Refused> {
        in_flight.enter(Some([192, 0, 2, last].into()))
    }

    fn take(in_flight: &InFlight, last: u8, most: usize) -> Vec<Slot<IpAddr>> {
        (0..most).map_while(|_| enter(in_flight, last).ok()).collect()
    }

    #[test]
    fn one_address_never_has_more_than_half_and_others_have_the_rest() {
        let in_flight = InFlight::new(16);
        let greedy = take(&in_flight, 1, 100);
        assert_eq!(greedy.len(), 8);
        assert_eq!(enter(&in_flight, 1).unwrap_err(), Refused::Share(8));
        let others: Vec<_> = (2..4).map(|last| take(&in_flight, last, 100)).collect();
        assert_eq!(others.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(enter(&in_flight, 9).unwrap_err(), Refused::Full);
        drop(greedy);
        assert_eq!(take(&in_flight, 1, 100).len(), 4);
        drop(others);
        assert!(in_flight.places.taken().by_holder.is_empty(), "those without a request are forgotten");
    }

    #[test]
    fn each_address_gets_one_of_few_places() {
        let in_flight = InFlight::new(2);
        let _first = enter(&in_flight, 1).unwrap();
        assert_eq!(enter(&in_flight, 1).unwrap_err(), Refused::Share(1));
        let _second = enter(&in_flight, 2).unwrap();
        assert_eq!(in_flight.enter(None).unwrap_err(), Refused::Full);
    }
}
