//! The first option by price, as far as it is shown where options are not.
use loadmaster_kernel::{AirlineCode, Money};

use super::model::{Options, Sort};

/// What can be booked at the lowest price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub total: Money,
    /// That of the first flight.
    pub airline: AirlineCode,
}

impl Offer {
    /// Returns the first of these options by price; `None` if it cannot be booked, or has no price.
    pub fn first(options: &Options) -> Option<Self> {
        let all = options.direct.iter().chain(&options.transit);
        let first = all.min_by(|a, b| Sort::Price.compare(a, b)).filter(|option| option.is_bookable())?;
        Some(Self { total: first.price()?.sums.total(), airline: first.legs().first()?.number.airline() })
    }
}
