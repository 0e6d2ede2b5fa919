use serde::{Deserialize, Serialize};

use super::{Faults, Reach, SURCHARGE, Terms};
use crate::kernel::{Currency, Fault, FaultCode, HandlingCode, Rate, words};

words! {
    /// What the rate of a surcharge is of.
    pub enum SurchargeBasis {
        PerKgActual = "PER_KG_ACTUAL",
        PerKgChargeable = "PER_KG_CHARGEABLE",
        Flat = "FLAT",
        /// Of the weight charge before the discount.
        Percent = "PERCENT",
    }
}

words! {
    /// What a surcharge is charged for.
    pub enum Per {
        Shipment = "SHIPMENT",
        Leg = "LEG",
    }
}

/// What is charged besides the weight charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surcharge {
    /// Two letters of IATA, then `C` (due carrier) or `A` (due agent).
    pub code: String,
    pub basis: SurchargeBasis,
    pub rate: Rate,
    /// `None`: that of the tariff.
    pub currency: Option<Currency>,
    pub minimum: Option<Rate>,
    pub maximum: Option<Rate>,
    pub per: Per,
    /// Freight with any of these. Empty: all freight.
    pub handling_codes: Vec<HandlingCode>,
    #[serde(flatten)]
    pub reach: Reach,
}

impl Terms for Surcharge {
    const KIND: &'static str = SURCHARGE;
    const CREATED: &'static str = "surcharge.created";
    const CHANGED: &'static str = "surcharge.changed";
    const ENDED: &'static str = "surcharge.ended";
    type Key = ();

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn key(&self) {}

    fn has_handling(&self) -> bool {
        !self.handling_codes.is_empty()
    }

    fn faults(&self) -> Faults {
        let mut faults = self.reach.faults();
        match (self.basis, self.currency) {
            (SurchargeBasis::Percent, Some(_)) => {
                let fault = Fault::new(FaultCode::UnknownField, "is not a member of a surcharge in percent");
                faults.push(("/currency".into(), fault));
            }
            (SurchargeBasis::Percent, None) | (_, Some(_)) => {}
            (_, None) => faults.push(("/currency".into(), Fault::new(FaultCode::Required, "is required"))),
        }
        if let Some(currency) = self.currency {
            let too_precise = |amount: &Option<Rate>| amount.is_some_and(|rate| rate.decimals() > currency.decimals());
            for (member, amount) in [("/minimum", &self.minimum), ("/maximum", &self.maximum)] {
                if too_precise(amount) {
                    let text = format!("must have at most {} decimals in {currency}", currency.decimals());
                    faults.push((member.into(), Fault::new(FaultCode::TooPrecise, text)));
                }
            }
        }
        if let (Some(least), Some(most)) = (self.minimum, self.maximum)
            && most < least
        {
            faults.push(("/maximum".into(), Fault::new(FaultCode::OutOfOrder, "must not be below `minimum`")));
        }
        faults
    }
}
