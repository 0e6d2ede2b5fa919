use std::str::FromStr;

use utoipa::ToSchema;

use super::{fault::Fault, text::text_value};

/// Air waybill number `PPP-SSSSSSSC`: airline prefix, seven-digit serial, and a check digit that is the serial
/// modulo 7 (IATA Resolution 600a). The eleven digits are the number: blanks between them, and a dash in each gap, are
/// accepted, as forms print it in groups. Shown with the dash after the prefix.
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
        let form = || Fault::format("must be an air waybill number: three digits, a dash and eight digits");
        let digits = ungrouped(text.trim()).filter(|digits| digits.len() == 11).ok_or_else(form)?;
        let (prefix, number) = digits.split_at(3);
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

/// Returns the digits of a number in groups. `None` for other characters, and for a dash that stands between no digits.
fn ungrouped(text: &str) -> Option<String> {
    let (mut digits, mut is_open) = (String::new(), false);
    for c in text.chars() {
        match c {
            '0'..='9' => {
                digits.push(c);
                is_open = true;
            }
            // Hyphens and dashes as keyboards and word processors write them.
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' if is_open => is_open = false,
            c if c.is_whitespace() && !c.is_control() => {}
            _ => return None,
        }
    }
    is_open.then_some(digits)
}

text_value!(AwbNumber);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_groups_is_the_same_number() {
        for text in [
            "020-12345675",
            "020 12345675",
            "02012345675",
            " 020-12345675 ",
            "020-1234 5675",
            "020 1234 5675",
            "020-1234-5675",
            "020 - 1234 5675",
            "020-1234567-5",
            "020\u{a0}1234\u{a0}5675",
            "020–1234‑5675",
        ] {
            assert_eq!(text.parse::<AwbNumber>().unwrap().as_str(), "020-12345675");
        }
    }

    #[test]
    fn a_wrong_check_digit_or_shape_is_refused() {
        for text in [
            "020-12345676",
            "020-1234 5676",
            "020-1234567",
            "020-1234 567",
            "020-1234 56755",
            "020--12345675",
            "020- -12345675",
            "-02012345675",
            "02012345675-",
            "020-1234\t5675",
            "020.1234.5675",
            "02A-12345675",
            "020-1234567é",
            "",
            "０20-12345675",
        ] {
            assert!(text.parse::<AwbNumber>().is_err(), "{text:?}");
        }
    }
}
