use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    decimal::scaled,
    fault::{Fault, FaultCode},
};

/// Implements a quantity's column type (`bigint` or `integer`), ordering and arithmetic.
macro_rules! quantity {
    ($($name:ident),+) => {$(
        impl $name {
            pub const ZERO: Self = Self(0);

            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
    )+};
}

/// Parses a value above zero, up to `max` units of 10^-`places`: the range a client may send.
fn sent(text: &str, places: i32, max: i64, largest: &'static str) -> Result<i64, Fault> {
    match scaled(text, places)? {
        units if units <= 0 => Err(Fault::new(FaultCode::TooSmall, "must be greater than zero")),
        units if units > max => Err(Fault::new(FaultCode::TooLarge, format!("must be at most {largest}"))),
        units => Ok(units),
    }
}

/// Serializes whole numbers without a decimal point, others in their shortest form.
pub(super) fn serialize_scaled<S: Serializer>(units: i64, scale: i64, serializer: S) -> Result<S::Ok, S::Error> {
    if units % scale == 0 {
        return serializer.serialize_i64(units / scale);
    }
    // Quotients of this size print as the exact decimal: a double has 15 significant digits.
    #[allow(clippy::cast_precision_loss, reason = "quantities stay far below 2^53 units")]
    serializer.serialize_f64(units as f64 / scale as f64)
}

/// Serializes other figures like quantities: whole ones without a decimal point.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde's serialize_with asks for")]
pub fn short_number<S: Serializer>(figure: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    #[allow(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    if figure.fract() == 0.0 && figure.abs() < 9e15 {
        return serializer.serialize_i64(*figure as i64);
    }
    serializer.serialize_f64(*figure)
}

/// Gross weight in hectograms (0.1 kg), never a float. In JSON, a number of kilograms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = f64, minimum = 0, maximum = 9_999_999.9, multiple_of = 0.1, example = 500.5)]
pub struct Weight(i64);

impl Weight {
    /// Parses the text of a JSON number of kilograms: above 0, at most 9 999 999.9, at most one decimal.
    pub fn from_kilograms(text: &str) -> Result<Self, Fault> {
        sent(text, 1, 99_999_999, "9999999.9 kg").map(Self)
    }

    pub const fn from_hectograms(hectograms: i64) -> Self {
        Self(hectograms)
    }

    pub const fn hectograms(self) -> i64 {
        self.0
    }

    /// Returns the weight in the unit of metrics; it is never below 0.
    pub const fn grams(self) -> u64 {
        self.0.unsigned_abs() * 100
    }

    /// Returns the assumed volume of freight of unknown volume: 166.667 kg per m³ (the IATA volumetric standard, 6000
    /// cm³ per kg), rounded up to the litre.
    pub const fn standard_volume(self) -> Volume {
        // hg × 100 000 / 166 667 litres; rounding up ensures that it fits.
        Volume((self.0 * 100_000 + 166_666) / 166_667)
    }

    /// Returns the chargeable weight: the larger of gross weight and volume / 6000 cm³ per kg, up to the next half
    /// kilogram.
    #[must_use]
    pub const fn chargeable(self, volume: Volume) -> Self {
        let gross = (self.0 + 4) / 5; // half kilograms
        let volumetric = (volume.0 + 2) / 3;
        Self(if gross > volumetric { gross * 5 } else { volumetric * 5 })
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_scaled(self.0, 10, serializer)
    }
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (kilograms, 0) => write!(f, "{kilograms} kg"),
            (kilograms, tenth) => write!(f, "{kilograms}.{} kg", tenth.abs()),
        }
    }
}

/// Volume in litres (0.001 m³). In JSON, a number of cubic metres.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = f64, minimum = 0, maximum = 9_999_999.999, multiple_of = 0.001, example = 3.003)]
pub struct Volume(i64);

impl Volume {
    /// Parses the text of a JSON number of cubic metres: above 0, at most 9 999 999.999, at most three decimals.
    pub fn from_cubic_metres(text: &str) -> Result<Self, Fault> {
        sent(text, 3, 9_999_999_999, "9999999.999 m³").map(Self)
    }

    pub const fn from_litres(litres: i64) -> Self {
        Self(litres)
    }

    pub const fn litres(self) -> i64 {
        self.0
    }
}

impl Serialize for Volume {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_scaled(self.0, 1000, serializer)
    }
}

impl std::fmt::Display for Volume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fraction = format!("{:03}", (self.0 % 1000).abs());
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{} m³", self.0 / 1000),
            fraction => write!(f, "{}.{fraction} m³", self.0 / 1000),
        }
    }
}

/// Number of whole ULD positions, of any type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = i64, minimum = 0, maximum = 9999, example = 2)]
pub struct Positions(i64);

impl Positions {
    /// Parses the text of a JSON number: a whole number from 0 to 9999.
    pub fn from_count(text: &str) -> Result<Self, Fault> {
        match scaled(text, 0)? {
            count if count < 0 => Err(Fault::new(FaultCode::TooSmall, "must not be negative")),
            count if count > 9999 => Err(Fault::new(FaultCode::TooLarge, "must be at most 9999")),
            count => Ok(Self(count)),
        }
    }

    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    pub const fn count(self) -> i64 {
        self.0
    }
}

/// Number of pieces in a booking: 1 to 99 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = i32, minimum = 1, maximum = 99_999, example = 10)]
pub struct Pieces(i32);

impl Pieces {
    /// Returns the number of all these pieces; the caller has checked that it is in range.
    pub(super) fn sum(pieces: impl Iterator<Item = Self>) -> Self {
        Self(pieces.map(|pieces| pieces.0).sum())
    }

    /// Parses the text of a JSON number.
    pub fn from_count(text: &str) -> Result<Self, Fault> {
        match scaled(text, 0)? {
            count if count < 1 => Err(Fault::new(FaultCode::TooSmall, "must be at least 1")),
            count => i32::try_from(count)
                .ok()
                .filter(|count| *count <= 99_999)
                .map(Self)
                .ok_or_else(|| Fault::new(FaultCode::TooLarge, "must be at most 99999")),
        }
    }

    pub const fn count(self) -> i32 {
        self.0
    }
}

quantity!(Weight, Volume, Positions);

#[cfg(test)]
mod tests {
    use super::*;

    fn kg(text: &str) -> Weight {
        Weight::from_kilograms(text).unwrap()
    }

    fn m3(text: &str) -> Volume {
        Volume::from_cubic_metres(text).unwrap()
    }

    #[test]
    fn numbers_are_written_as_short_as_they_are() {
        let json = |weight: Weight| serde_json::to_string(&weight).unwrap();
        assert_eq!(json(kg("500")), "500");
        assert_eq!(json(kg("500.50")), "500.5");
        assert_eq!(json(kg("9999999.9")), "9999999.9");
        assert_eq!(serde_json::to_string(&m3("0.001")).unwrap(), "0.001");
        assert_eq!(serde_json::to_string(&m3("9999999.999")).unwrap(), "9999999.999");
        assert_eq!(kg("0.1").to_string(), "0.1 kg");
        assert_eq!(m3("1.050").to_string(), "1.05 m³");
    }

    #[test]
    fn other_figures_are_written_alike() {
        let json = |figure: f64| {
            let mut text = Vec::new();
            short_number(&figure, &mut serde_json::Serializer::new(&mut text)).unwrap();
            String::from_utf8(text).unwrap()
        };
        assert_eq!([json(0.0), json(100.0), json(66.7), json(17.12)], ["0", "100", "66.7", "17.12"]);
    }

    #[test]
    fn the_range_a_client_may_send_is_kept() {
        assert_eq!(Weight::from_kilograms("0").unwrap_err().code, FaultCode::TooSmall);
        assert_eq!(Weight::from_kilograms("-1").unwrap_err().code, FaultCode::TooSmall);
        assert_eq!(Weight::from_kilograms("10000000").unwrap_err().code, FaultCode::TooLarge);
        assert_eq!(Weight::from_kilograms("1.05").unwrap_err().code, FaultCode::TooPrecise);
        assert_eq!(Pieces::from_count("0").unwrap_err().code, FaultCode::TooSmall);
        assert_eq!(Pieces::from_count("100000").unwrap_err().code, FaultCode::TooLarge);
        assert_eq!(Pieces::from_count("1.5").unwrap_err().code, FaultCode::TooPrecise);
        assert_eq!(Positions::from_count("0"), Ok(Positions::ZERO));
        assert_eq!(Positions::from_count("-1").unwrap_err().code, FaultCode::TooSmall);
    }

    #[test]
    fn unknown_volume_is_166_667_kg_per_cubic_metre_rounded_up() {
        assert_eq!(kg("166.7").standard_volume(), m3("1.001"));
        assert_eq!(kg("500").standard_volume(), m3("3"));
        assert_eq!(kg("500.5").standard_volume(), m3("3.003"));
        assert_eq!(kg("0.1").standard_volume(), m3("0.001"));
    }

    #[test]
    fn chargeable_weight_is_the_larger_rounded_up_to_half_a_kilogram() {
        assert_eq!(kg("100").chargeable(m3("0.3")), kg("100"));
        assert_eq!(kg("100.1").chargeable(m3("0.3")), kg("100.5"));
        assert_eq!(kg("100.6").chargeable(m3("0.3")), kg("101"));
        assert_eq!(kg("100").chargeable(m3("1.2")), kg("200"));
        assert_eq!(kg("100").chargeable(m3("1.201")), kg("200.5"));
    }

    proptest::proptest! {
        #[test]
        fn the_standard_volume_never_charges_more_than_the_weight_rounded(hectograms in 1i64..99_999_999) {
            let weight = Weight::from_hectograms(hectograms);
            let charged = weight.chargeable(weight.standard_volume());
            proptest::prop_assert!(charged >= weight);
            proptest::prop_assert!(charged.hectograms() - weight.hectograms() <= 5);
        }
    }
}
