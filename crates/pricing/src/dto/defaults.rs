use loadmaster_kernel::{Currency, HandlingCode, Rate};
use serde::Serialize;
use utoipa::ToSchema;

use super::{tariffs::RateBreakBody, written};

use crate::{
    model::{Surcharge, SurchargeBasis},
    rules::Defaults,
};

/// The tariff of the settings, which rates what no tariff in force rates.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DefaultTariff)]
pub struct DefaultTariffBody {
    /// Whether it applies at this server: always, never, or in the demo only, as the settings say.
    pub is_in_force: bool,
    pub currency: Currency,
    /// The least weight charge, in the currency.
    pub minimum: String,
    /// For a kilogram, from 0 kg on.
    pub normal: Rate,
    /// Rates by weight: each is valid from its weight on, and the rates fall as the weight rises.
    pub breaks: Vec<RateBreakBody>,
    /// Charged where the tariff of the settings applies, beside the surcharges in force.
    pub surcharges: Vec<DefaultSurchargeBody>,
}

/// A surcharge of the settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DefaultSurcharge)]
pub struct DefaultSurchargeBody {
    /// Two letters of IATA, then `C` (due carrier) or `A` (due agent).
    pub code: String,
    pub basis: SurchargeBasis,
    /// For a kilogram, for all, or in percent of the weight charge before the discount.
    pub rate: Rate,
    /// Null: that of the tariff.
    #[schema(required = true)]
    pub currency: Option<Currency>,
    /// The least amount; null without one.
    #[schema(required = true)]
    pub minimum: Option<String>,
    /// For freight with any of these; empty: all freight.
    pub handling_codes: Vec<HandlingCode>,
}

impl DefaultTariffBody {
    pub fn new(defaults: &Defaults, is_in_force: bool) -> Self {
        let tariff = &defaults.tariff.terms;
        Self {
            is_in_force,
            currency: tariff.currency(),
            minimum: tariff.minimum.amount(),
            normal: tariff.normal,
            breaks: tariff.breaks.iter().map(RateBreakBody::from).collect(),
            surcharges: defaults.surcharges.iter().map(|each| DefaultSurchargeBody::from(&each.terms)).collect(),
        }
    }
}

impl From<&Surcharge> for DefaultSurchargeBody {
    fn from(terms: &Surcharge) -> Self {
        Self {
            code: terms.code.clone(),
            basis: terms.basis,
            rate: terms.rate,
            currency: terms.currency,
            minimum: written(terms.minimum, terms.currency),
            handling_codes: terms.handling_codes.clone(),
        }
    }
}
