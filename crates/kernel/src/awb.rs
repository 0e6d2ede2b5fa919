use std::str::FromStr;

use utoipa::ToSchema;

use super::{fault::Fault, text::text_value};

/// Air waybill number `PPP-SSSSSSSC`: airline prefix, seven-digit serial, and a check digit that is the serial
/// modulo 7 (IATA Resolution 600a). Accepted with or without the dash or a space, shown with the dash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]{3}-[0-9]{8}$", example = "020-12345675")]
pub struct AwbNumber(Box<str>);

impl AwbNumber {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AwbNumber {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let form = || Fault::format("must be an air waybill number: three digits, a dash and eight digits");
        let (prefix, rest) = text.split_at_checked(3).ok_or_else(form)?;
        let number = rest.strip_prefix(['-', ' ']).unwrap_or(rest);
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if number.len() != 8 || !all_digits(prefix) || !all_digits(number) {
            return Err(form());
        }
        let (serial, check) = number.split_at(7);
        let serial: u32 = serial.parse().map_err(|_| form())?;
        if check != (serial % 7).to_string() {
            return Err(Fault::format(
                "has a wrong check digit; the last digit must be the seven digits before it modulo 7",
            ));
        }
        Ok(Self(format!("{prefix}-{number}").into()))
    }
}

text_value!(AwbNumber);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dash_space_or_nothing_are_the_same_number() {
        for text in ["020-12345675", "020 12345675", "02012345675", " 020-12345675 "] {
            assert_eq!(text.parse::<AwbNumber>().unwrap().as_str(), "020-12345675");
        }
    }

    #[test]
    fn a_wrong_check_digit_or_shape_is_refused() {
        for text in
            ["020-12345676", "020-1234567", "020--12345675", "02A-12345675", "020-1234567é", "", "０20-12345675"]
        {
            assert!(text.parse::<AwbNumber>().is_err(), "{text:?}");
        }
    }
}
