//! The split of a master's price among the parts that travel on it.
//!
//! Each line of a price is divided by the chargeable weights of the parts themselves; the surcharge of a handling code only among
//! the parts with that code. Shares are whole minor units of the line's currency, rounded toward zero. The units left over go one
//! by one to the parts with the largest remainders, and of equal remainders to the lower ids. So the shares of a line sum to its
//! amount. Fees and refunds are lines without a handling code; those of a refund are the shares of the charge with the other sign.
use std::cmp::Reverse;

use loadmaster_kernel::{HandlingCode, Money, Weight};

/// A line of a master's price, a fee or a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitLine {
    /// That of the tariff, the surcharge or the sale.
    pub code: Option<String>,
    /// Below zero for a discount or a refund.
    pub amount: Money,
    /// Those of a surcharge that is charged for freight with any of them. Empty: for all freight.
    pub handling_codes: Vec<HandlingCode>,
}

/// A part of a master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitPart<I> {
    pub id: I,
    /// Of the part alone.
    pub chargeable_weight: Weight,
    pub special_handling_codes: Vec<HandlingCode>,
}

/// The share of one part in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share<I> {
    pub part: I,
    pub amount: Money,
}

/// Returns the shares in a line, in the order of the parts. Without a part that has one of the line's handling codes, all parts
/// share it; without a chargeable weight, they share equally. Only without any part there are no shares.
pub fn split<I: Copy + Ord>(line: &SplitLine, parts: &[SplitPart<I>]) -> Vec<Share<I>> {
    let has_code =
        |part: &&SplitPart<I>| part.special_handling_codes.iter().any(|code| line.handling_codes.contains(code));
    let mut sharing: Vec<&SplitPart<I>> = parts.iter().filter(has_code).collect();
    if sharing.is_empty() {
        sharing = parts.iter().collect();
    }
    let weights: Vec<i128> =
        sharing.iter().map(|part| i128::from(part.chargeable_weight.hectograms().max(0))).collect();
    let weights = if weights.iter().all(|weight| *weight == 0) { vec![1; sharing.len()] } else { weights };
    let mut shares = divide(i128::from(line.amount.minor()).abs(), &weights, |place| sharing[place].id);
    if line.amount.minor() < 0 {
        for share in &mut shares {
            *share = -*share;
        }
    }
    // No share is larger than the amount.
    let money = |share: i128| line.amount.with_minor(i64::try_from(share).unwrap_or_default());
    sharing.iter().zip(shares).map(|(part, share)| Share { part: part.id, amount: money(share) }).collect()
}

/// Divides an amount, not below zero, by weights of which one is above zero at least.
fn divide<I: Ord>(amount: i128, weights: &[i128], id: impl Fn(usize) -> I) -> Vec<i128> {
    let all: i128 = weights.iter().sum();
    // Neither factor is above 2^63: no product overflows.
    let mut shares: Vec<i128> = weights.iter().map(|weight| amount * weight / all).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_cached_key(|place| (Reverse(amount * weights[*place] % all), id(*place)));
    let left: i128 = amount - shares.iter().sum::<i128>();
    // Fewer units are left than there are remainders above zero.
    for place in by_remainder.into_iter().take(usize::try_from(left).unwrap_or_default()) {
        shares[place] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money::new(minor, currency.parse().unwrap())
    }

    fn codes(codes: &[&str]) -> Vec<HandlingCode> {
        codes.iter().map(|code| code.parse().unwrap()).collect()
    }

    fn part(id: u32, hectograms: i64, of: &[&str]) -> SplitPart<u32> {
        let chargeable_weight = Weight::from_hectograms(hectograms);
        SplitPart { id, chargeable_weight, special_handling_codes: codes(of) }
    }

    fn line(amount: Money, of: &[&str]) -> SplitLine {
        SplitLine { code: None, amount, handling_codes: codes(of) }
    }

    fn shares(amount: Money, of: &[&str], parts: &[SplitPart<u32>]) -> Vec<(u32, String)> {
        split(&line(amount, of), parts).into_iter().map(|share| (share.part, share.amount.amount())).collect()
    }

    fn texts(shares: &[(u32, &str)]) -> Vec<(u32, String)> {
        shares.iter().map(|(part, amount)| (*part, (*amount).to_owned())).collect()
    }

    #[test]
    fn a_hundred_in_three_leaves_the_cent_to_the_lowest_id() {
        let parts = [part(3, 500, &[]), part(1, 500, &[]), part(2, 500, &[])];
        let usd = shares(money(10_000, "USD"), &[], &parts);
        assert_eq!(usd, texts(&[(3, "33.33"), (1, "33.34"), (2, "33.33")]));
        assert_eq!(shares(money(100, "JPY"), &[], &parts), texts(&[(3, "33"), (1, "34"), (2, "33")]), "whole yen");
        let kwd = shares(money(100_000, "KWD"), &[], &parts);
        assert_eq!(kwd, texts(&[(3, "33.333"), (1, "33.334"), (2, "33.333")]));
    }

    #[test]
    fn units_left_over_go_to_the_largest_remainders_before_the_lower_ids() {
        // 10 by 1 : 1 : 4 is 1.67, 1.67 and 6.67; 10 by 3 : 4 is 4.29 and 5.71.
        let equal = [part(1, 10, &[]), part(2, 10, &[]), part(3, 40, &[])];
        assert_eq!(shares(money(10, "JPY"), &[], &equal), texts(&[(1, "2"), (2, "2"), (3, "6")]));
        let unequal = [part(1, 30, &[]), part(2, 40, &[])];
        assert_eq!(shares(money(10, "JPY"), &[], &unequal), texts(&[(1, "4"), (2, "6")]));
    }

    #[test]
    fn a_surcharge_for_a_handling_code_is_shared_by_the_parts_with_it() {
        let parts = [part(1, 1000, &["PER"]), part(2, 500, &[]), part(3, 1000, &["COL", "PER"])];
        let amount = money(5001, "USD");
        assert_eq!(shares(amount, &["PER"], &parts), texts(&[(1, "25.01"), (3, "25.00")]));
        assert_eq!(shares(amount, &["HEA", "COL"], &parts), texts(&[(3, "50.01")]));
        let by_all = shares(amount, &[], &parts);
        assert_eq!(by_all, texts(&[(1, "20.01"), (2, "10.00"), (3, "20.00")]));
        assert_eq!(shares(amount, &["HEA"], &parts), by_all, "no part has the code");
    }

    #[test]
    fn without_weights_parts_share_equally_and_a_part_without_weight_pays_nothing() {
        let weightless = [part(1, 0, &[]), part(2, 0, &[])];
        assert_eq!(shares(money(101, "USD"), &[], &weightless), texts(&[(1, "0.51"), (2, "0.50")]));
        let one = [part(1, 0, &[]), part(2, 10, &[])];
        assert_eq!(shares(money(101, "USD"), &[], &one), texts(&[(1, "0.00"), (2, "1.01")]));
        assert!(shares(money(101, "USD"), &[], &[]).is_empty());
    }

    #[test]
    fn the_largest_amount_by_the_largest_weights_is_divided_exactly() {
        let parts = [part(1, 99_999_999, &[]), part(2, i64::MAX, &[]), part(3, 1, &[])];
        for minor in [i64::MAX, i64::MIN + 1] {
            let split = split(&line(money(minor, "USD"), &[]), &parts);
            let sum: i128 = split.iter().map(|share| i128::from(share.amount.minor())).sum();
            assert_eq!(sum, i128::from(minor));
        }
    }

    /// Lines and parts of a master.
    fn master() -> impl Strategy<Value = (Vec<SplitLine>, Vec<SplitPart<u32>>)> {
        let of = || proptest::sample::subsequence(vec!["PER", "COL", "HEA"], 0..=3);
        let currency = proptest::sample::select(vec!["JPY", "USD", "KWD"]);
        let minor = prop_oneof![-2_000_i64..2_000, -999_999_999_999_i64..999_999_999_999];
        let lines = (currency, proptest::collection::vec((minor, of()), 1..5)).prop_map(|(currency, lines)| {
            lines.into_iter().map(|(minor, of)| line(money(minor, currency), &of)).collect()
        });
        let weight = prop_oneof![Just(0_i64), 0_i64..50, 0_i64..99_999_999];
        let parts = proptest::collection::vec((weight, of()), 1..13)
            .prop_map(|parts| (0_u32..).zip(parts).map(|(id, (weight, of))| part(id * 7 % 13, weight, &of)).collect());
        (lines, parts)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn shares_sum_to_their_line_to_the_minor_unit((lines, parts) in master()) {
            for line in lines {
                let shares = split(&line, &parts);
                let sum: i64 = shares.iter().map(|share| share.amount.minor()).sum();
                prop_assert_eq!(sum, line.amount.minor());
                prop_assert!(shares.iter().all(|share| share.amount.currency() == line.amount.currency()));
                // Each is the exact share, rounded to one of its neighbours.
                let with_code = |part: &&SplitPart<u32>| {
                    part.special_handling_codes.iter().any(|code| line.handling_codes.contains(code))
                };
                let some: Vec<_> = parts.iter().filter(with_code).collect();
                let sharing = if some.is_empty() { parts.iter().collect() } else { some };
                prop_assert_eq!(shares.len(), sharing.len());
                let all: i128 = sharing.iter().map(|part| i128::from(part.chargeable_weight.hectograms())).sum();
                for (share, part) in shares.iter().zip(&sharing) {
                    prop_assert_eq!(share.part, part.id);
                    let (amount, weight) = (i128::from(line.amount.minor()), i128::from(part.chargeable_weight.hectograms()));
                    let off = i128::from(share.amount.minor()) * all - amount * weight;
                    prop_assert!(all == 0 || off.abs() < all, "{share:?} of {line:?}");
                }
            }
        }

        #[test]
        fn a_refund_is_shared_as_the_charge_was((lines, parts) in master()) {
            for line in lines {
                let refund = SplitLine { amount: line.amount.with_minor(-line.amount.minor()), ..line.clone() };
                let returned: Vec<i64> = split(&refund, &parts).iter().map(|share| -share.amount.minor()).collect();
                let paid: Vec<i64> = split(&line, &parts).iter().map(|share| share.amount.minor()).collect();
                prop_assert_eq!(returned, paid);
            }
        }
    }
}
