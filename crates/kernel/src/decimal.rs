use super::fault::{Fault, FaultCode};

/// Parses a JSON number's text as a whole number.
pub fn whole_number(text: &str) -> Result<i64, Fault> {
    scaled(text, 0)
}

/// Parses a JSON number's text as a whole number of units of 10^-`places`, exactly: never through a float. `1e400` is
/// too large, `0.05` with one place too precise, `5.50` with one place is 5.5.
pub(super) fn scaled(text: &str, places: i32) -> Result<i64, Fault> {
    let number = Parts::split(text).ok_or_else(|| Fault::new(FaultCode::WrongType, "must be a number"))?;
    let digits = number.digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let dropped = i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX);
    // The value is `significant` × 10^shift units.
    let shift = number.exponent.saturating_add(dropped).saturating_add(i64::from(places));
    if shift < 0 {
        return Err(match places {
            0 => Fault::new(FaultCode::TooPrecise, "must be a whole number"),
            1 => Fault::new(FaultCode::TooPrecise, "must have at most one decimal"),
            _ => Fault::new(FaultCode::TooPrecise, format!("must have at most {places} decimals")),
        });
    }
    let units = usize::try_from(shift)
        .ok()
        .filter(|shift| significant.len().saturating_add(*shift) <= 18)
        .and_then(|shift| format!("{significant}{}", "0".repeat(shift)).parse::<i64>().ok());
    match (units, number.negative) {
        (Some(units), false) => Ok(units),
        (Some(units), true) => Ok(-units),
        (None, false) => Err(Fault::new(FaultCode::TooLarge, "is too large")),
        (None, true) => Err(Fault::new(FaultCode::TooSmall, "is too small")),
    }
}

/// Parses a decimal that is sent as a text: it has no more than `places` decimals, not even zeros.
pub(super) fn scaled_text(text: &str, places: i32) -> Result<i64, Fault> {
    let units = scaled(text, places)?;
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if i32::try_from(decimals).is_ok_and(|decimals| decimals <= places) {
        return Ok(units);
    }
    Err(Fault::new(FaultCode::TooPrecise, format!("must have at most {places} decimals")))
}

/// `digits` × 10^`exponent`, as JSON writes numbers (RFC 8259, section 6).
struct Parts {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Parts {
    fn split(text: &str) -> Option<Self> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Self::exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let digits = format!("{whole}{fraction}");
        let valid = !whole.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let exponent = exponent.saturating_sub(i64::try_from(fraction.len()).ok()?);
        valid.then_some(Self { negative, digits, exponent })
    }

    /// Parses an exponent. Exponents beyond 64 bits saturate: they are far too large or too small either way.
    fn exponent(text: &str) -> Option<i64> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let size = digits.parse::<i64>().unwrap_or(i64::MAX / 2);
        Some(if negative { -size } else { size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, units) in [
            ("500", 5000),
            ("500.5", 5005),
            ("500.50", 5005),
            ("5e2", 5000),
            ("5005E-1", 5005),
            ("0.1", 1),
            ("9999999.9", 99_999_999),
            ("-0", 0),
            ("0e999999999999999999999", 0),
            ("-3", -30),
        ] {
            assert_eq!(scaled(text, 1), Ok(units), "{text}");
        }
    }

    #[test]
    fn unrepresentable_numbers_are_refused_with_the_reason() {
        for (text, code) in [
            ("0.05", FaultCode::TooPrecise),
            ("1e-400", FaultCode::TooPrecise),
            ("1e400", FaultCode::TooLarge),
            ("-1e400", FaultCode::TooSmall),
            ("1e99999999999999999999", FaultCode::TooLarge),
            ("abc", FaultCode::WrongType),
            ("NaN", FaultCode::WrongType),
            ("", FaultCode::WrongType),
            (".5", FaultCode::WrongType),
            ("5.", FaultCode::WrongType),
            ("1e", FaultCode::WrongType),
            ("+1", FaultCode::WrongType),
            ("0x10", FaultCode::WrongType),
        ] {
            assert_eq!(scaled(text, 1).unwrap_err().code, code, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_written_number_reads_back(units in -999_999_999_999i64..999_999_999_999) {
            let sign = if units < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:03}", units.abs() / 1000, units.abs() % 1000);
            proptest::prop_assert_eq!(scaled(&text, 3), Ok(units));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.eE]{0,30}") {
            let _ = scaled(&text, 3);
        }
    }
}
