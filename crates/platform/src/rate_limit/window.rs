/// The length of a window in milliseconds.
pub(super) const LENGTH: i64 = 60_000;

/// The number of requests of a caller in this minute and in the previous one. The previous one counts in proportion to
/// its part within the last sixty seconds, so that the quota returns gradually and no boundary of a minute admits twice
/// the quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Minutes since 1970.
    pub number: i64,
    pub current: u32,
    pub previous: u32,
}

/// Whether a request is admitted, and the remaining quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub limit: u32,
    pub remaining: u32,
    /// Seconds until the window ends, or, of a refusal, until one request is admitted.
    pub reset: u32,
    pub is_admitted: bool,
}

impl Window {
    /// Returns the window at `now`. If the clock is slightly behind the clock that began the window, the window stays;
    /// if it is further off, one of the clocks was wrong and the window starts anew.
    #[must_use]
    pub fn at(self, now: i64) -> Self {
        match now.div_euclid(LENGTH).saturating_sub(self.number) {
            -1 | 0 => self,
            1 => Self { number: self.number + 1, previous: self.current, current: 0 },
            _ => Self { number: now.div_euclid(LENGTH), previous: 0, current: 0 },
        }
    }

    /// Returns the milliseconds since the window began.
    fn elapsed(self, now: i64) -> i64 {
        (now - self.number * LENGTH).clamp(0, LENGTH)
    }

    /// Returns the number of requests in the last sixty seconds, times [`LENGTH`].
    fn weight(self, now: i64) -> i64 {
        i64::from(self.previous) * (LENGTH - self.elapsed(now)) + i64::from(self.current) * LENGTH
    }

    pub fn admits(self, now: i64, limit: u32) -> bool {
        self.weight(now) + LENGTH <= i64::from(limit) * LENGTH
    }

    /// Returns the verdict after the request was counted, or refused.
    pub fn verdict(self, now: i64, limit: u32, is_admitted: bool) -> Verdict {
        let left = (i64::from(limit) * LENGTH - self.weight(now)).max(0) / LENGTH;
        let wait = if is_admitted { LENGTH - self.elapsed(now) } else { self.wait(now, limit) };
        let seconds = (wait + 999).div_euclid(1000).max(1);
        Verdict {
            limit,
            remaining: if is_admitted { u32::try_from(left).unwrap_or(u32::MAX) } else { 0 },
            reset: u32::try_from(seconds).unwrap_or(u32::MAX),
            is_admitted,
        }
    }

    /// Returns the milliseconds until one request is admitted, if no other comes meanwhile.
    fn wait(self, now: i64, limit: u32) -> i64 {
        let until = |before: u32, taken: u32| {
            // before * (LENGTH - t) + (taken + 1) * LENGTH <= limit * LENGTH
            let room = i64::from(limit) - i64::from(taken) - 1;
            match (room, i64::from(before)) {
                (..0, _) => None,
                (_, 0) => Some(0),
                (room, before) => Some((LENGTH - (room * LENGTH).div_euclid(before)).clamp(0, LENGTH)),
            }
        };
        let elapsed = self.elapsed(now);
        match until(self.previous, self.current) {
            Some(at) => (at - elapsed).max(0),
            None => LENGTH - elapsed + until(self.current, 0).unwrap_or(LENGTH),
        }
    }

    #[must_use]
    pub fn counted(self) -> Self {
        Self { current: self.current.saturating_add(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes a request at each of these moments; returns the verdicts.
    fn ask(window: &mut Window, limit: u32, moments: impl IntoIterator<Item = i64>) -> Vec<Verdict> {
        let one = |now| {
            *window = window.at(now);
            let is_admitted = window.admits(now, limit);
            if is_admitted {
                *window = window.counted();
            }
            window.verdict(now, limit, is_admitted)
        };
        moments.into_iter().map(one).collect()
    }

    #[test]
    fn sixty_pass_in_a_window_and_the_next_learns_when_to_come() {
        let mut window = Window::default();
        let verdicts = ask(&mut window, 60, (0..61).map(|n| 10 * LENGTH + n * 100));
        assert_eq!(verdicts.iter().filter(|verdict| verdict.is_admitted).count(), 60);
        assert_eq!(verdicts[0], Verdict { limit: 60, remaining: 59, reset: 60, is_admitted: true });
        assert_eq!(verdicts[59].remaining, 0);
        let refused = verdicts[60];
        // 54 s to the window's end, and one more until a sixtieth of it has left the sliding window.
        assert_eq!(refused, Verdict { limit: 60, remaining: 0, reset: 55, is_admitted: false });
        let moment = 10 * LENGTH + 6_000 + 55_000;
        assert!(ask(&mut window, 60, [moment])[0].is_admitted);
        assert!(!ask(&mut window, 60, [moment])[0].is_admitted);
    }

    #[test]
    fn the_window_before_counts_by_what_of_it_is_in_sight() {
        let mut window = Window { number: 5, current: 30, previous: 0 };
        // Half of the next minute is over: 15 of the 30 still count.
        let admitted = ask(&mut window, 60, std::iter::repeat_n(6 * LENGTH + LENGTH / 2, 60));
        assert_eq!(admitted.iter().filter(|verdict| verdict.is_admitted).count(), 45);
        assert_eq!(
            Window { number: 5, current: 30, previous: 9 }.at(7 * LENGTH),
            Window { number: 7, ..Window::default() }
        );
        let ahead = Window { number: 5, current: 30, previous: 9 };
        assert_eq!(ahead.at(4 * LENGTH), ahead, "another's clock is a little ahead");
        let absurd = Window { number: i64::MIN, ..ahead };
        assert_eq!(absurd.at(3 * LENGTH), Window { number: 3, ..Window::default() });
        assert_eq!(ahead.at(3 * LENGTH), Window { number: 3, ..Window::default() }, "one of the clocks was wrong");
    }

    proptest! {
        #[test]
        fn a_request_passes_after_the_stated_wait_and_not_a_second_earlier(
            limit in 1_u32..700, previous in 0_u32..700, current in 0_u32..700, elapsed in 0..LENGTH,
        ) {
            let window = Window { number: 100, current: current.min(limit), previous: previous.min(limit) };
            let now = 100 * LENGTH + elapsed;
            prop_assume!(!window.admits(now, limit));
            let verdict = window.verdict(now, limit, false);
            let later = now + i64::from(verdict.reset) * 1000;
            prop_assert!(window.at(later).admits(later, limit), "{verdict:?}");
            let sooner = later - 1000 - 1;
            prop_assert!(sooner < now || !window.at(sooner).admits(sooner, limit), "{verdict:?}");
        }
    }
}
