//! Readers of single values, the same for JSON members, query parameters, form fields and CSV cells.
use std::{fmt::Display, str::FromStr};

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use email_address::{EmailAddress, Options};
use loadmaster_kernel::{
    Centimetres, Currency, EmissionFactor, Fault, FaultCode, Money, Pieces, Positions, Volume, Weight, fault_of_end,
    phone_number, with_ascii_domain,
};
use serde_json::Value;

use super::fields::{Fields, Raw};

/// Longest text of most members, in characters.
pub const LINE: usize = 500;
/// Longest notes and descriptions, in characters.
pub const PROSE: usize = 2000;

fn wrong_type(expected: &'static str) -> Fault {
    Fault::new(FaultCode::WrongType, format!("must be {expected}"))
}

fn as_text(raw: Raw<'_>) -> Result<&str, Fault> {
    match raw {
        Raw::Text(text) => Ok(text),
        Raw::Json(Value::String(text)) => Ok(text),
        Raw::Json(_) => Err(wrong_type("a string")),
    }
}

/// Returns the digits as received: quantities never pass through a float.
fn as_number(raw: Raw<'_>) -> Result<&str, Fault> {
    match raw {
        Raw::Text(text) => Ok(text.trim()),
        Raw::Json(Value::Number(number)) => Ok(number.as_str()),
        Raw::Json(_) => Err(wrong_type("a number")),
    }
}

pub fn weight(raw: Raw<'_>) -> Result<Weight, Fault> {
    Weight::from_kilograms(as_number(raw)?)
}

pub fn volume(raw: Raw<'_>) -> Result<Volume, Fault> {
    Volume::from_cubic_metres(as_number(raw)?)
}

pub fn centimetres(raw: Raw<'_>) -> Result<Centimetres, Fault> {
    Centimetres::from_count(as_number(raw)?)
}

pub fn emission_factor(raw: Raw<'_>) -> Result<EmissionFactor, Fault> {
    EmissionFactor::from_kilograms(as_number(raw)?)
}

pub fn positions(raw: Raw<'_>) -> Result<Positions, Fault> {
    Positions::from_count(as_number(raw)?)
}

pub fn pieces(raw: Raw<'_>) -> Result<Pieces, Fault> {
    Pieces::from_count(as_number(raw)?)
}

/// Reads the members of an amount of money, for `object`.
pub fn money(fields: &mut Fields<'_>) -> Option<Money> {
    let currency: Option<Currency> = fields.required("currency", code);
    // Without a currency it is not known how many decimals there may be.
    let amount = fields.required("amount", any);
    match Money::parse(&amount?, currency?) {
        Ok(money) => Some(money),
        Err(fault) => {
            fields.fault("amount", &fault);
            None
        }
    }
}

/// Returns a reader of a whole number from `least` to `most`.
pub fn integer<T: Copy + Display + Into<i64> + TryFrom<i64>>(
    least: T,
    most: T,
) -> impl Fn(Raw<'_>) -> Result<T, Fault> {
    move |raw| {
        let text = as_number(raw)?;
        let number = loadmaster_kernel::whole_number(text)?;
        if number < least.into() {
            return Err(Fault::new(FaultCode::TooSmall, format!("must be at least {least}")));
        }
        let too_large = || Fault::new(FaultCode::TooLarge, format!("must be at most {most}"));
        T::try_from(number).ok().filter(|_| number <= most.into()).ok_or_else(too_large)
    }
}

pub fn boolean(raw: Raw<'_>) -> Result<bool, Fault> {
    match raw {
        Raw::Json(Value::Bool(value)) => Ok(*value),
        Raw::Text("true") => Ok(true),
        Raw::Text("false") => Ok(false),
        _ => Err(wrong_type("true or false")),
    }
}

/// Reads a value that is written as text.
pub fn code<T: FromStr<Err = Fault>>(raw: Raw<'_>) -> Result<T, Fault> {
    as_text(raw)?.parse()
}

/// Returns a reader of a closed list of words, case-insensitive.
pub fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(Raw<'_>) -> Result<T, Fault> {
    move |raw| {
        let text = as_text(raw)?.trim();
        words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            Fault::new(FaultCode::UnknownValue, format!("must be one of {}", known.join(", ")))
        })
    }
}

/// Reads any text; the caller validates it.
pub fn any(raw: Raw<'_>) -> Result<String, Fault> {
    as_text(raw).map(str::to_owned)
}

/// Returns a reader of one line of text of 1 to `most` characters.
pub fn line(most: usize) -> impl Fn(Raw<'_>) -> Result<String, Fault> {
    move |raw| text(raw, most, |_| false)
}

/// Returns a reader of text of 1 to `most` characters that may have several lines.
pub fn prose(most: usize) -> impl Fn(Raw<'_>) -> Result<String, Fault> {
    move |raw| text(raw, most, |c| matches!(c, '\n' | '\t'))
}

fn text(raw: Raw<'_>, most: usize, allowed: impl Fn(char) -> bool) -> Result<String, Fault> {
    let text = as_text(raw)?;
    if text.trim().is_empty() {
        return Err(Fault::new(FaultCode::TooShort, "must not be empty"));
    }
    if text.chars().count() > most {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {most} characters")));
    }
    if text.chars().any(|c| c.is_control() && !allowed(c)) {
        return Err(Fault::format("must not contain control characters"));
    }
    Ok(text.to_owned())
}

/// Reads an e-mail address of the usual form: `name@domain.tld`.
pub fn email(raw: Raw<'_>) -> Result<String, Fault> {
    let text = line(254)(raw)?;
    let address = text.trim();
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    // Letters are written by `lettre`, which does not take all addresses of RFC 5322; quoted names, such as
    // `"john doe"@example.com`, are refused by many mail servers.
    let is_writable = !address.starts_with('"') && address.parse::<lettre::Address>().is_ok();
    let is_address = is_writable && EmailAddress::parse_with_options(address, options).is_ok();
    // A domain that has no ASCII form has no mail server.
    if is_address && with_ascii_domain(address).is_some() {
        return Ok(address.to_owned());
    }
    Err(Fault::format("must be an e-mail address"))
}

/// Reads an e-mail address as [`email`] does, with the ASCII form of its domain.
pub fn email_in_ascii(raw: Raw<'_>) -> Result<String, Fault> {
    let address = email(raw)?;
    Ok(with_ascii_domain(&address).unwrap_or(address))
}

/// Reads a phone number in the international form; returns it in that of ITU-T E.164, `+` and 7 to 15 digits.
pub fn phone(raw: Raw<'_>) -> Result<String, Fault> {
    phone_number(&line(40)(raw)?)
}

/// Reads an ISO 3166 alpha-2 country code.
pub fn country(raw: Raw<'_>) -> Result<String, Fault> {
    let text = as_text(raw)?.trim().to_ascii_uppercase();
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text);
    }
    Err(Fault::format("must be a two-letter ISO 3166 country code"))
}

/// Reads an RFC 3339 instant with any offset, in the years 1970 to 2199. It is cut to the microsecond, as it is stored.
pub fn instant(raw: Raw<'_>) -> Result<DateTime<Utc>, Fault> {
    let text = as_text(raw)?.trim();
    let fault = || Fault::format("must be an RFC 3339 date and time with an offset, such as 2026-11-20T08:30:00Z");
    // chrono accepts a space for the `T` and a leap second; RFC 3339 instants of schedules have neither.
    let shape = text.len() >= 20 && text.is_ascii() && matches!(text.as_bytes()[10], b'T' | b't');
    let instant = DateTime::parse_from_rfc3339(text).ok().filter(|_| shape).ok_or_else(fault)?.to_utc();
    if instant.timestamp_subsec_nanos() >= 1_000_000_000 {
        return Err(fault());
    }
    within_years(instant.date_naive())?;
    Ok(instant.trunc_subsecs(6))
}

/// Reads a calendar date `YYYY-MM-DD` in the years 1970 to 2199.
pub fn date(raw: Raw<'_>) -> Result<NaiveDate, Fault> {
    let text = as_text(raw)?.trim();
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| shape);
    let date = date.ok_or_else(|| Fault::format("must be an existing date in the form YYYY-MM-DD"))?;
    within_years(date)?;
    Ok(date)
}

/// Reads the last date of what begins on another, which the member `of` has.
pub fn last_date(raw: Raw<'_>, first: Option<NaiveDate>, of: &'static str) -> Result<NaiveDate, Fault> {
    let last = date(raw)?;
    first.and_then(|first| fault_of_end(first, last, of)).map_or(Ok(last), Err)
}

fn within_years(date: NaiveDate) -> Result<(), Fault> {
    use chrono::Datelike;
    match date.year() {
        ..1970 => Err(Fault::new(FaultCode::TooSmall, "must not be before the year 1970")),
        2200.. => Err(Fault::new(FaultCode::TooLarge, "must not be after the year 2199")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> FaultCode {
        outcome.unwrap_err().code
    }

    #[test]
    fn instants_are_rfc_3339_and_cut_to_the_microsecond() {
        let utc = instant(Raw::Text("2026-11-20T14:00:00.123456+05:30")).unwrap();
        assert_eq!(utc.to_rfc3339(), "2026-11-20T08:30:00.123456+00:00");
        for finer in
            ["2026-11-20T08:30:00.123456999Z", "2026-11-20T08:30:00.1234569Z", "2026-11-20T08:30:00.123456999999Z"]
        {
            assert_eq!(instant(Raw::Text(finer)).unwrap(), utc, "{finer}");
        }
        for text in [
            "2026-11-20",
            "2026-11-20T08:30:00",
            "2026-11-20 08:30:00Z",
            "2026-02-30T08:30:00Z",
            "2026-11-20T25:00:00Z",
            "2026-11-20T23:59:60Z",
            "tomorrow",
            "",
        ] {
            assert_eq!(code_of(instant(Raw::Text(text))), FaultCode::InvalidFormat, "{text:?}");
        }
        assert_eq!(code_of(instant(Raw::Text("1969-12-31T00:00:00Z"))), FaultCode::TooSmall);
        assert_eq!(code_of(instant(Raw::Text("9999-12-31T00:00:00Z"))), FaultCode::TooLarge);
        assert_eq!(code_of(instant(Raw::Json(&serde_json::json!(5)))), FaultCode::WrongType);
    }

    #[test]
    fn dates_must_exist() {
        assert!(date(Raw::Text("2028-02-29")).is_ok());
        for text in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026/01/01", "", "+002026-01-01"] {
            assert_eq!(code_of(date(Raw::Text(text))), FaultCode::InvalidFormat, "{text:?}");
        }
    }

    #[test]
    fn text_is_bounded_and_free_of_control_characters() {
        assert_eq!(code_of(line(5)(Raw::Text("  "))), FaultCode::TooShort);
        assert_eq!(code_of(line(5)(Raw::Text("sixsix"))), FaultCode::TooLong);
        assert_eq!(line(5)(Raw::Text("éééèè")).unwrap(), "éééèè");
        assert_eq!(code_of(line(5)(Raw::Text("a\nb"))), FaultCode::InvalidFormat);
        assert_eq!(code_of(prose(5)(Raw::Text("a\0b"))), FaultCode::InvalidFormat);
        assert_eq!(prose(5)(Raw::Text("a\nb\t")).unwrap(), "a\nb\t");
    }

    #[test]
    fn email_addresses_are_plain() {
        for text in ["ann@example.com", "o'neil+air@sub.example.co", "zoë@bücher.example"] {
            assert_eq!(email(Raw::Text(text)).as_deref(), Ok(text));
        }
        let faulty = [
            "ann",
            "ann@",
            "@example.com",
            "ann@example",
            "Ann <ann@example.com>",
            "a b@example.com",
            "\"a b\"@example.com",
            "\"ann\"@example.com",
            "ann@xn--a.example",
        ];
        for text in faulty {
            assert_eq!(code_of(email(Raw::Text(text))), FaultCode::InvalidFormat, "{text:?}");
        }
    }

    #[test]
    fn an_address_in_ascii_has_the_other_spelling_of_its_domain() {
        assert_eq!(email_in_ascii(Raw::Text("Bo@bücher.example")).as_deref(), Ok("Bo@xn--bcher-kva.example"));
        assert_eq!(email_in_ascii(Raw::Text("Bo@Example.com")).as_deref(), Ok("Bo@example.com"));
    }

    #[test]
    fn whole_numbers_keep_their_range() {
        let read = integer(1, 10_u32);
        assert_eq!(read(Raw::Text("10")), Ok(10));
        assert_eq!(read(Raw::Json(&serde_json::json!(1.0))), Ok(1));
        assert_eq!(code_of(read(Raw::Text("0"))), FaultCode::TooSmall);
        assert_eq!(code_of(read(Raw::Text("-1"))), FaultCode::TooSmall);
        assert_eq!(code_of(read(Raw::Text("11"))), FaultCode::TooLarge);
        assert_eq!(code_of(read(Raw::Text("1.5"))), FaultCode::TooPrecise);
        assert_eq!(code_of(read(Raw::Text("ten"))), FaultCode::WrongType);
        assert_eq!(code_of(read(Raw::Json(&serde_json::json!("1")))), FaultCode::WrongType);
    }
}
