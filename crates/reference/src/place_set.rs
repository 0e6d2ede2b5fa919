//! Sets of places in the index of the search.

/// A set of places, one bit each: built in any order, read in the order of answers.
#[derive(Debug)]
pub(super) struct Places(Vec<u64>);

impl Places {
    /// Returns an empty set with room for this number of places.
    pub fn none_of(places: usize) -> Self {
        Self(vec![0; places.div_ceil(64)])
    }

    /// Adds a place; returns false if it was present already.
    pub fn insert(&mut self, place: usize) -> bool {
        let (word, bit) = (&mut self.0[place / 64], 1 << (place % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub fn has(&self, place: usize) -> bool {
        self.0[place / 64] & (1 << (place % 64)) != 0
    }

    pub fn extend<'a>(&mut self, lists: impl IntoIterator<Item = &'a Vec<usize>>) {
        for place in lists.into_iter().flatten() {
            self.insert(*place);
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    pub fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let rest = std::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)));
            rest.take_while(|rest| *rest != 0).map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }
}
