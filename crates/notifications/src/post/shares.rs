//! How the letters of a day are divided among kinds of letters.

/// The type of codes that verify a telephone number.
pub(super) const VERIFY_PHONE: &str = "verify_phone";

/// A part of a channel's letters, with a bound of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// Everything that the channel sends.
    All,
    /// Codes that verify a telephone number: somebody waits for them, and they expire within minutes.
    Codes,
    /// What is not a code.
    Others,
}

impl Share {
    /// Whether the share holds codes alone (true) or anything but codes (false); `None`: it holds both.
    pub const fn is_of_codes(self) -> Option<bool> {
        match self {
            Self::All => None,
            Self::Codes => Some(true),
            Self::Others => Some(false),
        }
    }
}

/// The shares of a channel, in the order in which they are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shares {
    /// One share without a daily bound.
    Unbounded,
    /// Letters a day: of codes, and of others.
    Bounded { codes: u32, others: u32 },
}

impl Shares {
    /// Divides `per_day` letters: `codes_percent` of them, rounded up, are for codes.
    pub fn of_day(per_day: u32, codes_percent: u32) -> Self {
        let codes = u64::from(per_day) * u64::from(codes_percent.min(100));
        let codes = u32::try_from(codes.div_ceil(100)).unwrap_or(per_day);
        Self::Bounded { codes, others: per_day - codes.min(per_day) }
    }

    /// The shares in order, each with the number of its letters that may still be sent on a day on which `sent` letters,
    /// `codes` of them with codes, were sent.
    pub fn left(self, sent: i32, codes: i32) -> Vec<(Share, usize)> {
        let left = |most: u32, used: i32| usize::try_from(i64::from(most) - i64::from(used)).unwrap_or_default();
        match self {
            Self::Unbounded => vec![(Share::All, usize::MAX)],
            Self::Bounded { codes: most, others } => {
                vec![(Share::Codes, left(most, codes)), (Share::Others, left(others, sent.saturating_sub(codes)))]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_day_are_never_more_than_the_day() {
        for per_day in [1, 2, 3, 7, 99, 100, 1_000, 1_000_000] {
            for percent in [1, 20, 33, 50, 90] {
                let Shares::Bounded { codes, others } = Shares::of_day(per_day, percent) else { panic!("no bound") };
                assert_eq!(codes + others, per_day, "{per_day} at {percent} %");
                assert!(codes >= 1, "no day is without codes");
            }
        }
        assert_eq!(Shares::of_day(1_000, 20), Shares::Bounded { codes: 200, others: 800 });
        assert_eq!(Shares::of_day(1, 20), Shares::Bounded { codes: 1, others: 0 });
    }

    #[test]
    fn a_share_that_is_used_up_leaves_the_other_as_it_is() {
        let shares = Shares::of_day(10, 20);
        assert_eq!(shares.left(0, 0), [(Share::Codes, 2), (Share::Others, 8)]);
        assert_eq!(shares.left(8, 0), [(Share::Codes, 2), (Share::Others, 0)]);
        assert_eq!(shares.left(2, 2), [(Share::Codes, 0), (Share::Others, 8)]);
        // More were sent: the bound was lowered.
        assert_eq!(shares.left(40, 20), [(Share::Codes, 0), (Share::Others, 0)]);
    }
}
