use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use loadmaster_kernel::Counted;

/// Counters since the start of this process. Cheap to clone, one for all rooms.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<[AtomicU64; Counted::KINDS]>);

/// A snapshot of a tally; tallies of several processes add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; Counted::KINDS]);

impl Tally {
    pub fn add(&self, what: Counted, count: usize) {
        if let Some(counter) = self.0.get(what as usize) {
            counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    pub fn counts(&self) -> Counts {
        Counts(std::array::from_fn(|kind| self.0.get(kind).map_or(0, |counter| counter.load(Ordering::Relaxed))))
    }
}

impl Counts {
    pub fn of(&self, what: Counted) -> u64 {
        self.0.get(what as usize).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(count);
        }
        self
    }

    /// Encodes the tally as one word, for other processes.
    pub fn to_text(self) -> String {
        self.0.map(|count| count.to_string()).join(" ")
    }

    /// Decodes a tally. Kinds that another version does not count are zero; kinds that only it counts are left out.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut counts = Self::default();
        for (count, word) in counts.0.iter_mut().zip(text.split(' ')) {
            *count = word.parse().ok()?;
        }
        Some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_travel_as_text_and_add_up() {
        let tally = Tally::default();
        tally.add(Counted::BookingsCreated, 2);
        tally.add(Counted::CacheMisses, 5);
        let counts = tally.counts();
        assert_eq!(Counts::from_text(&counts.to_text()), Some(counts));
        let sum = counts.plus(&counts);
        assert_eq!((sum.of(Counted::BookingsCreated), sum.of(Counted::CacheMisses)), (4, 10));
        assert_eq!(Counts::from_text("7").map(|counts| counts.of(Counted::BookingsCreated)), Some(7));
        assert_eq!(Counts::from_text("seven"), None);
    }
}
