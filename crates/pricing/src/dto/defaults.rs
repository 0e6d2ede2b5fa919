use std::{collections::BTreeSet, sync::Arc};

use chrono::NaiveDate;
use loadmaster_kernel::{AirlineCode, Currency, Fault, FaultCode, FlightNumber, HandlingCode, Money, Rate};
use loadmaster_platform::{settings, web::Fields};
use loadmaster_reference::{Reference, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::{sales::CreateSale, tariffs::RateBreakBody, written};

use crate::{
    model::{Copied, Reduction, Sale, Surcharge, SurchargeBasis},
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
    /// The sales of the settings. They lower the weight charge of every tariff, whether or not this one is in force.
    pub sales: Vec<DefaultSaleBody>,
}

/// A sale of the settings: it has no limit of uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DefaultSale)]
pub struct DefaultSaleBody {
    /// Null: it applies without a code.
    #[schema(required = true)]
    pub code: Option<String>,
    /// Of the weight charge; null: `amount`.
    #[schema(required = true)]
    pub percent: Option<Rate>,
    /// In quotes of its currency only; null: `percent`.
    #[schema(required = true)]
    pub amount: Option<Money>,
    /// First UTC date of quoting.
    pub sale_from: NaiveDate,
    /// Last UTC date of quoting.
    pub sale_to: NaiveDate,
    #[schema(required = true)]
    pub airline_code: Option<AirlineCode>,
    pub origin: Scope,
    pub destination: Scope,
    /// One leg has one of these; empty: any.
    pub flight_numbers: Vec<FlightNumber>,
    /// First local date of departure.
    pub valid_from: NaiveDate,
    /// Last local date of departure.
    #[schema(required = true)]
    pub valid_to: Option<NaiveDate>,
}

/// Reads the sales of the settings as `POST /sales` reads one. Fails with the first fault: a member that is missing or cannot
/// be read, a code that two have. A sale for a place or an airline that does not exist is left out: whoever deletes one cannot
/// know of it.
pub fn default_sales(settings: &settings::Pricing, reference: &Reference) -> Result<Arc<[Arc<Copied<Sale>>]>, Fault> {
    let each = |(number, members): (u32, &serde_json::Map<String, serde_json::Value>)| {
        let mut fields = Fields::of_body(members);
        let sale = CreateSale::read(&mut fields, reference);
        let faults = fields.finish();
        if !faults.is_empty() && faults.iter().all(|fault| fault.code == FaultCode::UnknownValue.as_str()) {
            let fault = &faults[0].message;
            tracing::error!(entry = number, fault, "sale of the settings left out");
            return Ok(None);
        }
        match (faults.into_iter().next(), sale) {
            (None, Some(sale)) => Ok(Some(Arc::new(Copied { id: None, version: 1, terms: Sale::from(sale) }))),
            (fault, _) => {
                let message = fault.map(|fault| fault.message).unwrap_or_default();
                Err(Fault::format(format!("pricing.default_sales, entry {number}: {message}")))
            }
        }
    };
    let sales: Vec<_> =
        (1..).zip(&settings.default_sales).map(each).filter_map(Result::transpose).collect::<Result<_, Fault>>()?;
    let mut codes = BTreeSet::new();
    for code in sales.iter().filter_map(|sale| sale.terms.code.as_ref()) {
        if !codes.insert(code) {
            return Err(Fault::format(format!("pricing.default_sales: two entries have the code {code}")));
        }
    }
    Ok(sales.into())
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
    pub fn new(defaults: &Defaults, sales: &[Arc<Copied<Sale>>], is_in_force: bool) -> Self {
        let tariff = &defaults.tariff.terms;
        Self {
            is_in_force,
            currency: tariff.currency(),
            minimum: tariff.minimum.amount(),
            normal: tariff.normal,
            breaks: tariff.breaks.iter().map(RateBreakBody::from).collect(),
            surcharges: defaults.surcharges.iter().map(|each| DefaultSurchargeBody::from(&each.terms)).collect(),
            sales: sales.iter().map(|each| DefaultSaleBody::from(&each.terms)).collect(),
        }
    }
}

impl From<&Sale> for DefaultSaleBody {
    fn from(terms: &Sale) -> Self {
        let reach = &terms.reach;
        let (percent, amount) = match terms.reduction {
            Reduction::Percent(percent) => (Some(percent), None),
            Reduction::Amount(amount) => (None, Some(amount)),
        };
        Self {
            code: terms.code.clone(),
            percent,
            amount,
            sale_from: terms.sale_from,
            sale_to: terms.sale_to,
            airline_code: reach.airline_code,
            origin: reach.origin.clone(),
            destination: reach.destination.clone(),
            flight_numbers: reach.flight_numbers.clone(),
            valid_from: reach.valid_from,
            valid_to: reach.valid_to,
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
