//! What becomes of the answers of a lane.
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use loadmaster_kernel::{AirlineCode, Currency, Money, Rate};

/// The first option by price that can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub price: Money,
    /// By chargeable weight.
    pub per_kg: Rate,
    pub airline: AirlineCode,
}

/// A question and its answer; `None` if nothing can be booked or has a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    pub weight_kg: i32,
    pub departure_date: NaiveDate,
    pub answer: Option<Answer>,
}

/// Answers by weight and departure date.
pub type Answers = HashMap<(i32, NaiveDate), Option<Answer>>;

/// The sums of answers about one weight, in one currency, for a kilogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySums {
    pub weight_kg: i32,
    pub currency: Currency,
    pub low: Rate,
    pub high: Rate,
    /// In ten-thousandths.
    pub sum: i64,
    pub samples: i32,
}

/// Returns the answers that differ from those before. A first one does.
pub fn changed(answers: &[Answered], before: &Answers) -> Vec<Answered> {
    let is_new =
        |answered: &&Answered| before.get(&(answered.weight_kg, answered.departure_date)) != Some(&answered.answer);
    answers.iter().filter(is_new).copied().collect()
}

/// Returns the sums of these answers, those without a price left out.
pub fn day_sums(answers: &[Answered]) -> Vec<DaySums> {
    let mut sums = BTreeMap::<(i32, Currency), DaySums>::new();
    for Answered { weight_kg, answer, .. } in answers {
        let Some(Answer { price, per_kg, .. }) = *answer else { continue };
        let (weight_kg, currency) = (*weight_kg, price.currency());
        let none = DaySums { weight_kg, currency, low: per_kg, high: per_kg, sum: 0, samples: 0 };
        let of_day = sums.entry((weight_kg, currency)).or_insert(none);
        (of_day.low, of_day.high) = (of_day.low.min(per_kg), of_day.high.max(per_kg));
        of_day.sum += per_kg.ten_thousandths();
        of_day.samples += 1;
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(weight_kg: i32, day: u64, minor: Option<i64>, currency: &str) -> Answered {
        let answer = minor.map(|minor| Answer {
            price: Money::new(minor, currency.parse().unwrap()),
            per_kg: Rate::from_ten_thousandths(minor),
            airline: "AI".parse().unwrap(),
        });
        Answered { weight_kg, departure_date: NaiveDate::MIN + chrono::Days::new(day), answer }
    }

    fn known(answers: &[Answered]) -> Answers {
        answers.iter().map(|it| ((it.weight_kg, it.departure_date), it.answer)).collect()
    }

    #[test]
    fn only_answers_that_differ_are_kept() {
        let first = [answered(100, 0, Some(5), "USD"), answered(100, 1, None, "USD"), answered(300, 0, Some(5), "USD")];
        assert_eq!(changed(&first, &Answers::new()), first, "a first answer differs, also one without a price");
        assert_eq!(changed(&first, &known(&first)), []);
        let later = [answered(100, 0, None, "USD"), answered(100, 1, Some(7), "USD"), answered(300, 0, Some(5), "EUR")];
        assert_eq!(changed(&later, &known(&first)), later);
    }

    #[test]
    fn sums_are_of_one_weight_and_currency() {
        let sums = day_sums(&[
            answered(100, 0, Some(5), "USD"),
            answered(100, 1, Some(9), "USD"),
            answered(100, 2, None, "USD"),
            answered(100, 3, Some(2), "EUR"),
            answered(300, 0, Some(4), "USD"),
        ]);
        let plain = |it: &DaySums| {
            (
                it.weight_kg,
                it.currency.as_str(),
                it.low.ten_thousandths(),
                it.high.ten_thousandths(),
                it.sum,
                it.samples,
            )
        };
        let found: Vec<_> = sums.iter().map(plain).collect();
        assert_eq!(found, [(100, "EUR", 2, 2, 2, 1), (100, "USD", 5, 9, 14, 2), (300, "USD", 4, 4, 4, 1)]);
    }
}
