//! Questions that were counted a short time ago, by digests that only this process can make.

/// Seconds in which the same question counts once.
const WINDOW: u64 = 600;
/// A digest has a place in one set only: which one follows from the digest.
const SETS: u64 = 1 << 15;
/// Places of a set; when all are taken, the oldest digest makes space.
const PLACES: usize = 8;

/// A table of fixed size, 4 MiB, of which the system gives as much memory as is written to.
#[derive(Debug)]
pub(super) struct Repeats(Vec<[u64; 2]>);

impl Default for Repeats {
    fn default() -> Self {
        let sets = usize::try_from(SETS).unwrap_or_default();
        Self(vec![[0, 0]; sets * PLACES])
    }
}

impl Repeats {
    /// Notes a question at this second. Returns whether it was counted less than [`WINDOW`] before.
    pub fn is_repeated(&mut self, digest: u64, second: u64) -> bool {
        let first = usize::try_from(digest % SETS).unwrap_or_default() * PLACES;
        let set = self.0.iter_mut().skip(first).take(PLACES);
        let mut oldest: Option<&mut [u64; 2]> = None;
        for place in set {
            let [known, counted_at] = *place;
            if known == digest && second.abs_diff(counted_at) < WINDOW {
                return true;
            }
            let is_older = oldest.as_ref().is_none_or(|oldest| counted_at < oldest[1]);
            if known == digest {
                *place = [digest, second];
                return false;
            }
            if is_older {
                oldest = Some(place);
            }
        }
        if let Some(place) = oldest {
            *place = [digest, second];
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_counts_again_ten_minutes_after_it_counted() {
        let mut repeats = Repeats::default();
        let asked = [(0, false), (1, true), (599, true), (600, false), (601, true), (1_199, true), (1_200, false)];
        for (second, is_repeated) in asked {
            assert_eq!(repeats.is_repeated(7, 1_000_000 + second), is_repeated, "{second}");
        }
        assert!(!repeats.is_repeated(8, 1_000_000));
    }

    #[test]
    fn a_full_set_forgets_the_oldest_question() {
        let mut repeats = Repeats::default();
        for number in 0..9 {
            assert!(!repeats.is_repeated(5 + number * SETS, 1_000_000 + number));
        }
        assert!(repeats.is_repeated(5 + SETS, 1_000_010), "the second one is still known");
        assert!(!repeats.is_repeated(5, 1_000_010), "the first one made space");
    }
}
