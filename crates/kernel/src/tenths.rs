use serde::{Serialize, Serializer};

use super::quantity::short_number;

/// A figure with one decimal, rounded half away from 0. In JSON, a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenths(i64);

impl Tenths {
    /// Returns a part of a whole in percent; `None` if there is no whole.
    pub fn percent(part: i64, whole: i64) -> Option<Self> {
        Self::quotient(part.saturating_mul(100), whole)
    }

    /// Returns by how many percent `now` is more than `before`; `None` if nothing was before.
    pub fn growth(now: i64, before: i64) -> Option<Self> {
        Self::percent(now - before, before)
    }

    /// `None` if the divisor is 0.
    pub fn quotient(dividend: i64, divisor: i64) -> Option<Self> {
        let (dividend, divisor) = (i128::from(dividend) * 20, i128::from(divisor));
        if divisor <= 0 {
            return None;
        }
        let rounded = (dividend.abs() + divisor) / (2 * divisor);
        i64::try_from(if dividend < 0 { -rounded } else { rounded }).ok().map(Self)
    }
}

impl Serialize for Tenths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[allow(clippy::cast_precision_loss, reason = "percentages and minutes stay far below 2^53")]
        short_number(&(self.0 as f64 / 10.0), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(figure: Option<Tenths>) -> String {
        serde_json::to_string(&figure).unwrap()
    }

    #[test]
    fn figures_have_one_decimal_at_most() {
        assert_eq!(text(Tenths::percent(1, 3)), "33.3");
        assert_eq!(text(Tenths::percent(2, 3)), "66.7");
        assert_eq!(text(Tenths::percent(1, 2)), "50");
        assert_eq!(text(Tenths::percent(1, 0)), "null");
        assert_eq!(text(Tenths::growth(50, 200)), "-75");
        assert_eq!(text(Tenths::growth(199, 200)), "-0.5");
        assert_eq!(text(Tenths::quotient(-1, 20)), "-0.1", "half away from 0");
        assert_eq!(text(Tenths::quotient(1, 20)), "0.1");
    }
}
