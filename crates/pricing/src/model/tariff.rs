use std::str::FromStr;

use loadmaster_kernel::{Currency, Fault, FaultCode, HandlingCode, Money, OrganizationId, Rate, Weight, text_value};
use loadmaster_platform::web::{Raw, read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Faults, Reach, TARIFF, TariffMessage, Terms};

/// A kind of freight that is rated on its own, such as a commodity: 1 to 20 letters, digits and `-`, in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z0-9-]{1,20}$", example = "GENERAL")]
pub struct Product(Short);

/// ASCII capitals, digits and `-`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Short {
    text: [u8; 20],
    length: u8,
}

impl Product {
    /// The product of freight for which none is named.
    pub const GENERAL: Self = Self(Short { text: *b"GENERAL\0\0\0\0\0\0\0\0\0\0\0\0\0", length: 7 });

    pub fn as_str(&self) -> &str {
        // Always ASCII, so the fallback is unreachable.
        self.0
            .text
            .get(..usize::from(self.0.length))
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl Default for Product {
    fn default() -> Self {
        Self::GENERAL
    }
}

impl FromStr for Product {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Fault::new(FaultCode::TooShort, "must not be empty"));
        }
        if text.chars().count() > 20 {
            return Err(Fault::new(FaultCode::TooLong, "must have at most 20 characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Fault::format("must consist of letters, digits and `-`"));
        }
        let mut short = Short { text: [0; 20], length: u8::try_from(text.len()).unwrap_or_default() };
        for (to, from) in short.text.iter_mut().zip(text.bytes()) {
            *to = from.to_ascii_uppercase();
        }
        Ok(Self(short))
    }
}

text_value!(Product);

/// Reads a product.
pub fn read_product(raw: Raw<'_>) -> Result<Product, Fault> {
    read::code(raw)
}

/// From this weight on, a kilogram has this rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, Rate)", into = "(i64, Rate)")]
pub struct Break {
    pub from: Weight,
    pub rate: Rate,
}

impl From<(i64, Rate)> for Break {
    fn from((hectograms, rate): (i64, Rate)) -> Self {
        Self { from: Weight::from_hectograms(hectograms), rate }
    }
}

impl From<Break> for (i64, Rate) {
    fn from(of: Break) -> Self {
        (of.from.hectograms(), of.rate)
    }
}

/// What a kilogram costs on the ways that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    pub code: String,
    #[serde(flatten)]
    pub reach: Reach,
    pub organization_id: Option<OrganizationId>,
    pub product: Product,
    pub handling_code: Option<HandlingCode>,
    pub minimum: Money,
    /// From 0 kg on.
    pub normal: Rate,
    /// Ascending, with falling rates.
    pub breaks: Vec<Break>,
}

impl Tariff {
    pub fn currency(&self) -> Currency {
        self.minimum.currency()
    }
}

impl Terms for Tariff {
    const KIND: &'static str = TARIFF;
    const CREATED: &'static str = "tariff.created";
    const CHANGED: &'static str = "tariff.changed";
    const ENDED: &'static str = "tariff.ended";
    type Key = (Option<OrganizationId>, Product);

    type Message = TariffMessage;

    fn message(id: Uuid, version: i32) -> TariffMessage {
        TariffMessage { tariff_id: id, version }
    }

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn key(&self) -> Self::Key {
        (self.organization_id, self.product)
    }

    fn has_handling(&self) -> bool {
        self.handling_code.is_some()
    }

    fn owner(&self) -> Option<OrganizationId> {
        self.organization_id
    }

    fn faults(&self) -> Faults {
        let mut faults = self.reach.faults();
        let of_breaks = faults_of_breaks(Some(self.normal), &self.breaks);
        faults.extend(of_breaks.map(|(at, member, fault)| (format!("/breaks/{at}/{member}").into(), fault)));
        faults
    }
}

/// Returns what is not in order: weights ascend, and rates fall strictly from the normal one on, if that is known. With the
/// number of the break and its member.
pub fn faults_of_breaks(
    normal: Option<Rate>,
    breaks: &[Break],
) -> impl Iterator<Item = (usize, &'static str, Fault)> + use<'_> {
    let before = std::iter::once((Weight::ZERO, normal)).chain(breaks.iter().map(|step| (step.from, Some(step.rate))));
    breaks.iter().zip(before).enumerate().flat_map(|(at, (step, (weight, rate)))| {
        let fault = |text| Fault::new(FaultCode::OutOfOrder, text);
        let heavier = (step.from <= weight).then(|| (at, "from_kg", fault("must be above the break before")));
        let is_lower = rate.is_none_or(|rate| step.rate < rate);
        heavier.into_iter().chain((!is_lower).then(|| (at, "rate", fault("must be below the rate before"))))
    })
}
