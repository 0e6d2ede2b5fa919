use std::str::FromStr;

use utoipa::ToSchema;

use super::{fault::Fault, text::text_value};

/// Reference of a booking: `ACB` and 5 to 12 digits, case-insensitive on input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^ACB[0-9]{5,12}$", example = "ACB123456789")]
pub struct BookingRef(Box<str>);

impl BookingRef {
    const PREFIX: &str = "ACB";

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the reference for the number `counter` of a rising sequence under `key`.
    ///
    /// Each length is a keyed permutation of its numbers, so no two counters collide, and one reference does not reveal
    /// the next. Nine digits serve the first 10^9 counters, ten the next 10^10, and so on to twelve; `None` beyond.
    pub fn from_counter(counter: u64, key: [u64; 4]) -> Option<Self> {
        let mut rest = counter;
        for digits in 9..=12_u32 {
            let size = 10_u64.pow(digits);
            if rest < size {
                let width = digits as usize;
                let number = permute(rest, size, key);
                return Some(Self(format!("{}{number:0width$}", Self::PREFIX).into()));
            }
            rest -= size;
        }
        None
    }
}

impl FromStr for BookingRef {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let text = text.trim().to_ascii_uppercase();
        let valid = text
            .strip_prefix(Self::PREFIX)
            .is_some_and(|digits| (5..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
        if valid { Ok(Self(text.into())) } else { Err(Fault::format("must be ACB followed by 5 to 12 digits")) }
    }
}

text_value!(BookingRef);

/// Applies a keyed permutation of `0..size`: a Feistel network over the next even number of bits, repeated until the
/// value falls back into the range (at most four steps on average).
fn permute(value: u64, size: u64, key: [u64; 4]) -> u64 {
    let half = (64 - (size - 1).leading_zeros()).div_ceil(2);
    let mask = (1_u64 << half) - 1;
    let mut current = value;
    loop {
        let (mut left, mut right) = (current >> half, current & mask);
        for round in 0..8_u64 {
            let subkey = key[(round % 4) as usize].wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            (left, right) = (right, left ^ (mix(right ^ subkey) & mask));
        }
        current = (left << half) | right;
        if current < size {
            return current;
        }
    }
}

/// Applies the finalizer of `SplitMix64`: every input bit affects every output bit.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Returns the canonical form of a possible reference in an address; `None` if it cannot be one.
pub fn canonical_reference(text: &str) -> Option<String> {
    text.parse::<BookingRef>().ok().map(|reference| reference.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const KEY: [u64; 4] = [1, 2, 3, 4];

    #[test]
    fn a_small_permutation_meets_every_number_once() {
        for size in [2, 10, 1000, 4096, 5000] {
            let seen: HashSet<u64> = (0..size).map(|value| permute(value, size, KEY)).collect();
            assert_eq!(seen.len() as u64, size);
            assert!(seen.iter().all(|value| *value < size));
        }
    }

    #[test]
    fn lengths_follow_one_another() {
        let length = |counter| BookingRef::from_counter(counter, KEY).map(|r| r.as_str().len());
        assert_eq!(length(0), Some(12));
        assert_eq!(length(999_999_999), Some(12));
        assert_eq!(length(1_000_000_000), Some(13));
        assert_eq!(length(11_000_000_000), Some(14));
        assert_eq!(length(111_000_000_000), Some(15));
        assert_eq!(length(1_111_000_000_000), None);
    }

    #[test]
    fn neighbours_do_not_look_alike() {
        let refs: Vec<_> = (0..100).map(|n| BookingRef::from_counter(n, KEY).unwrap()).collect();
        let close = refs.windows(2).filter(|pair| pair[0].as_str()[..8] == pair[1].as_str()[..8]).count();
        assert_eq!(close, 0);
    }

    #[test]
    fn input_is_case_insensitive() {
        assert_eq!(" acb12345 ".parse::<BookingRef>().unwrap().as_str(), "ACB12345");
        for text in ["", "ACB1234", "ACB1234567890123", "ABC12345", "ACB12E45", "ACB１２３４５"] {
            assert!(text.parse::<BookingRef>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_two_counters_meet(a in 0u64..2_000_000_000, b in 0u64..2_000_000_000, key: [u64; 4]) {
            let same = BookingRef::from_counter(a, key) == BookingRef::from_counter(b, key);
            proptest::prop_assert_eq!(same, a == b);
        }
    }
}
