use std::sync::Arc;

use chrono::DateTime;
use loadmaster_kernel::{Fault, Money, Weight};
use loadmaster_platform::{settings, web::Raw};
use loadmaster_reference::{Area, Reference, Scope};

use crate::model::{Break, Copied, Per, Product, Reach, Sale, Surcharge, SurchargeBasis, Tariff, Way};

/// The code of the tariff of the settings.
const CODE: &str = "DEFAULT";

/// The tariff of the settings, for what no other rates, and the surcharges that go with it.
#[derive(Debug)]
pub struct Defaults {
    pub tariff: Arc<Copied<Tariff>>,
    pub surcharges: Vec<Arc<Copied<Surcharge>>>,
}

impl Defaults {
    /// Fails for handling codes that do not exist, and for amounts that the validation of settings refuses.
    pub fn of(settings: &settings::Pricing, reference: &Reference) -> Result<Self, Fault> {
        let default = &settings.default_tariff;
        let each = |step: &settings::DefaultBreak| Break {
            from: Weight::from_hectograms(i64::from(step.from_kg) * 10),
            rate: step.rate,
        };
        let tariff = Tariff {
            code: CODE.to_owned(),
            reach: everywhere(),
            organization_id: None,
            product: Product::GENERAL,
            handling_code: None,
            minimum: Money::parse(&default.minimum, default.currency)?,
            normal: default.normal,
            breaks: default.breaks.iter().map(each).collect(),
        };
        for code in settings.default_surcharges.iter().flat_map(|surcharge| &surcharge.handling_codes) {
            reference.read_handling_code(Raw::Text(code.as_str())).map_err(|fault| Fault {
                message: format!("pricing.default_surcharges: {code} {}", fault.message).into(),
                ..fault
            })?;
        }
        let surcharges = settings.default_surcharges.iter().map(|surcharge| {
            let basis = basis(surcharge.basis);
            Surcharge {
                code: surcharge.code.clone(),
                basis,
                rate: surcharge.rate,
                currency: (basis != SurchargeBasis::Percent).then_some(default.currency),
                minimum: surcharge.minimum,
                maximum: None,
                per: Per::Shipment,
                handling_codes: surcharge.handling_codes.clone(),
                reach: everywhere(),
            }
        });
        Ok(Self {
            surcharges: surcharges.map(|terms| Arc::new(Copied { id: None, version: 1, terms })).collect(),
            tariff: Arc::new(Copied { id: None, version: 1, terms: tariff }),
        })
    }
}

/// A sale of the settings, with the airports of its scopes.
#[derive(Debug)]
pub(super) struct DefaultSale {
    pub rule: Arc<Copied<Sale>>,
    origin: Area,
    destination: Area,
}

impl DefaultSale {
    pub fn new(rule: &Arc<Copied<Sale>>, reference: &Reference) -> Self {
        let reach = &rule.terms.reach;
        let (origin, destination) = (reference.area(&reach.origin), reference.area(&reach.destination));
        Self { rule: rule.clone(), origin, destination }
    }

    /// Returns whether its scopes cover the way.
    pub fn is_between(&self, way: &Way<'_>) -> bool {
        self.origin.contains(way.origin) && self.destination.contains(way.destination)
    }
}

fn basis(of: settings::DefaultBasis) -> SurchargeBasis {
    match of {
        settings::DefaultBasis::PerKgActual => SurchargeBasis::PerKgActual,
        settings::DefaultBasis::PerKgChargeable => SurchargeBasis::PerKgChargeable,
        settings::DefaultBasis::Flat => SurchargeBasis::Flat,
        settings::DefaultBasis::Percent => SurchargeBasis::Percent,
    }
}

fn everywhere() -> Reach {
    Reach {
        airline_code: None,
        origin: Scope::everywhere(),
        destination: Scope::everywhere(),
        flight_numbers: Vec::new(),
        valid_from: DateTime::UNIX_EPOCH.date_naive(),
        valid_to: None,
    }
}
