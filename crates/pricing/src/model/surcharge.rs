use loadmaster_kernel::{Currency, Fault, FaultCode, HandlingCode, Rate, words};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Faults, Reach, SURCHARGE, SurchargeMessage, Terms};

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

    type Message = SurchargeMessage;

    fn message(id: Uuid, version: i32) -> SurchargeMessage {
        SurchargeMessage { surcharge_id: id, version }
    }

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn key(&self) {}

    fn has_handling(&self) -> bool {
        !self.handling_codes.is_empty()
    }

    fn faults(&self) -> Faults {
        let mut faults = self.reach.faults();
        if let Some(fault) = fault_of_currency(self.basis, self.currency) {
            faults.push(("/currency".into(), fault));
        }
        for (member, bound) in [("/minimum", self.minimum), ("/maximum", self.maximum)] {
            faults.extend(fault_of_bound(bound, self.currency).map(|fault| (member.into(), fault)));
        }
        faults.extend(fault_of_maximum(self.minimum, self.maximum).map(|fault| ("/maximum".into(), fault)));
        faults
    }
}

/// Returns the fault of a currency beside this basis.
pub fn fault_of_currency(basis: SurchargeBasis, currency: Option<Currency>) -> Option<Fault> {
    match (basis, currency) {
        (SurchargeBasis::Percent, Some(_)) => {
            Some(Fault::new(FaultCode::UnknownField, "is not a member of a surcharge in percent"))
        }
        (SurchargeBasis::Percent, None) | (_, Some(_)) => None,
        (_, None) => Some(Fault::new(FaultCode::Required, "is required")),
    }
}

/// Returns the fault of a minimum or maximum that the currency cannot write.
pub fn fault_of_bound(bound: Option<Rate>, currency: Option<Currency>) -> Option<Fault> {
    let (bound, currency) = (bound?, currency?);
    let text = || format!("must have at most {} decimals in {currency}", currency.decimals());
    (bound.decimals() > currency.decimals()).then(|| Fault::new(FaultCode::TooPrecise, text()))
}

/// Returns the fault of a maximum below the minimum.
pub fn fault_of_maximum(minimum: Option<Rate>, maximum: Option<Rate>) -> Option<Fault> {
    (maximum? < minimum?).then(|| Fault::new(FaultCode::OutOfOrder, "must not be below `minimum`"))
}
