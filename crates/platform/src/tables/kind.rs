//! Values as spreadsheet programs and timetables write them, brought to the form in which the API takes them. What has no
//! such form stays as it is, and its reader says what is wrong.
use std::borrow::Cow;

use chrono::{Days, NaiveDate};
use loadmaster_kernel::Fault;

use super::clock::Clock;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    Text,
    /// A number, or several with `;` and `=` between them.
    Number,
    /// `true` or `false`.
    Flag,
    Date,
    /// A date and time with its offset.
    Instant,
    /// That number of digits, from which a spreadsheet may have taken the zeros in front.
    Digits(usize),
}

/// `TRUE` as spreadsheet programs write it in the language of their user.
const TRUE: &[&str] = &[
    "TRUE",
    "WAHR",
    "VRAI",
    "VERDADERO",
    "VERDADEIRO",
    "VERO",
    "WAAR",
    "PRAWDA",
    "PRAVDA",
    "ИСТИНА",
    "ІСТИНА",
    "SANT",
    "SAND",
    "SANN",
    "TOSI",
    "IGAZ",
    "DOĞRU",
];
/// `FALSE`, likewise.
const FALSE: &[&str] = &[
    "FALSE",
    "FALSCH",
    "FAUX",
    "FALSO",
    "ONWAAR",
    "FAŁSZ",
    "NEPRAVDA",
    "ЛОЖЬ",
    "ХИБНІСТЬ",
    "FALSKT",
    "FALSK",
    "USANN",
    "EPÄTOSI",
    "HAMIS",
    "YANLIŞ",
];

pub(super) fn flag(text: &str) -> Cow<'_, str> {
    let word = text.trim().to_uppercase();
    if TRUE.contains(&word.as_str()) {
        return "true".into();
    }
    if FALSE.contains(&word.as_str()) { "false".into() } else { text.into() }
}

/// Fills up digits with zeros in front.
pub(super) fn digits(text: &str, length: usize) -> Cow<'_, str> {
    let digits = text.trim();
    let is_short = !digits.is_empty() && digits.len() < length && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { format!("{digits:0>length$}").into() } else { text.into() }
}

/// Reads a date with the year first, with the day first before points, or with the name of the month. Elsewhere day and month
/// may stand in either order: a date that could be two is a fault.
pub(super) fn date(text: &str) -> Result<Cow<'_, str>, Fault> {
    if has_shape(text, "0000-00-00") {
        return Ok(text.into());
    }
    let bare = [" 00:00:00", " 00:00", "T00:00:00"].iter().find_map(|midnight| text.trim().strip_suffix(midnight));
    Ok(date_of(bare.unwrap_or(text))?.map_or(text.into(), |date| date.to_string().into()))
}

fn date_of(text: &str) -> Result<Option<NaiveDate>, Fault> {
    let text = text.trim().trim_end_matches('.');
    let parts: Vec<&str> = text.split(['-', '/', '.']).map(str::trim).collect();
    let is_number = |part: &&str| matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit());
    let (&[first, second, third], true) = (parts.as_slice(), parts.iter().all(is_number)) else {
        return Ok(date_of_named_month(text));
    };
    let on = |year: &str, month: &str, day: &str| match (year.len(), month.len(), day.len()) {
        (4, 1 | 2, 1 | 2) => NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?),
        _ => None,
    };
    if first.len() == 4 {
        return Ok(on(first, second, third));
    }
    let day_first = on(third, second, first);
    if text.contains('.') {
        return Ok(day_first);
    }
    match (day_first, on(third, first, second)) {
        (Some(date), Some(other)) if date != other => {
            Err(Fault::format("is ambiguous: day and month may stand in either order; write it as YYYY-MM-DD"))
        }
        (date, other) => Ok(date.or(other)),
    }
}

/// Reads dates such as `01MAR27`, `1-Mar-2027` and `01 Mar 2027`.
fn date_of_named_month(text: &str) -> Option<NaiveDate> {
    let compact: String = text.chars().filter(|c| !matches!(c, '-' | '/' | ' ' | '\u{a0}')).collect();
    let letters = compact.find(|c: char| c.is_ascii_alphabetic())?;
    let year = compact.get(letters + 3..)?;
    let form = match (letters, year.len()) {
        (1 | 2, 2) => "%d%b%y",
        (1 | 2, 4) => "%d%b%Y",
        _ => return None,
    };
    // Two digits are a year of this century.
    let date = NaiveDate::parse_from_str(&compact, form).ok()?;
    (year.len() == 4 || date >= NaiveDate::from_ymd_opt(2000, 1, 1)?).then_some(date)
}

/// Reads a date and time with an offset such as `Z`, `+05:30`, `+0530` or `+05`; 24:00 ends its day. Without an offset the
/// text stays as it is: it is not known where it is that time.
pub(super) fn instant(text: &str) -> Result<Cow<'_, str>, Fault> {
    if is_plain_instant(text) {
        return Ok(text.into());
    }
    let Some((day, rest)) = day_and_time(text.trim()) else { return Ok(text.into()) };
    let Some(at) = rest.find(['Z', 'z', '+', '-', '\u{2212}']) else { return Ok(text.into()) };
    let (time, offset) = rest.split_at(at);
    let (time, fraction) = time.trim().split_once(['.', ',']).unwrap_or((time.trim(), ""));
    let has_seconds = time.matches(':').count() == 2 || (time.len() == 6 && !time.contains(':'));
    let written = |date: NaiveDate| {
        let clock = Clock::parse(time)?;
        if !fraction.is_empty() && (!has_seconds || clock.ends_day()) {
            return None;
        }
        let date = date.checked_add_days(Days::new(u64::from(clock.ends_day())))?;
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{date}T{}{point}{fraction}{}", clock.time()?.format("%H:%M:%S"), plain_offset(offset)?))
    };
    Ok(date_of(day)?.and_then(written).map_or(text.into(), Cow::Owned))
}

/// Returns whether the API takes this instant as it is written, if there is such a date and time: tables that programs write have no
/// others.
fn is_plain_instant(text: &str) -> bool {
    let Some((clock, offset)) = text.split_at_checked(19) else { return false };
    let has_offset = offset == "Z" || has_shape(offset, "+00:00") || has_shape(offset, "-00:00");
    has_offset && has_shape(clock, "0000-00-00T00:00:00") && !clock.ends_with("24:00:00")
}

/// Returns whether a text has the characters of a shape, in which 0 stands for any digit.
fn has_shape(text: &str, shape: &str) -> bool {
    let is_of_shape = |(byte, of): (u8, u8)| if of == b'0' { byte.is_ascii_digit() } else { byte == of };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(is_of_shape)
}

/// Splits at the first blank, or at a `T` after a digit: months have one, too.
fn day_and_time(text: &str) -> Option<(&str, &str)> {
    text.split_once(' ').or_else(|| {
        let is_between = |at: &usize| *at > 0 && text.as_bytes()[at - 1].is_ascii_digit();
        let at = text.match_indices(['T', 't']).map(|(at, _)| at).find(is_between)?;
        Some((&text[..at], &text[at + 1..]))
    })
}

/// Returns the offset as in RFC 3339.
fn plain_offset(offset: &str) -> Option<String> {
    if matches!(offset.trim(), "Z" | "z") {
        return Some("Z".to_owned());
    }
    let (sign, rest) = match offset.strip_prefix('+') {
        Some(rest) => ('+', rest),
        None => ('-', offset.strip_prefix(['-', '\u{2212}'])?),
    };
    let digits = rest.trim().replacen(':', "", 1);
    let is_offset = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_offset.then(|| format!("{sign}{}:{}", &digits[..2], if digits.len() == 4 { &digits[2..] } else { "00" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_in_the_language_of_the_program() {
        for (text, value) in
            [("TRUE", "true"), ("Wahr", "true"), ("FAUX", "false"), ("falso", "false"), ("ложь", "false")]
        {
            assert_eq!(flag(text), value);
        }
        for text in ["yes", "1", "", "maybe"] {
            assert_eq!(flag(text), text);
        }
    }

    #[test]
    fn zeros_that_a_spreadsheet_took_away_come_back() {
        for (text, value) in [("20", "020"), (" 1", "001"), ("020", "020"), ("0200", "0200"), ("2A", "2A"), ("", "")] {
            assert_eq!(digits(text, 3), value);
        }
    }

    #[test]
    fn a_date_that_can_be_only_one_is_it() {
        for text in [
            "2027-03-01",
            "2027/03/01",
            "2027/3/1",
            "2027.03.01",
            "2027. 03. 01.",
            "01.03.2027",
            "1.3.2027",
            "2027-03-01 00:00:00",
            "2027-03-01T00:00:00",
            "01MAR27",
            "01MAR2027",
            "1-Mar-27",
            "1 Mar 2027",
        ] {
            assert_eq!(date(text).as_deref(), Ok("2027-03-01"), "{text}");
        }
        assert_eq!(date("13/03/2027").as_deref(), Ok("2027-03-13"));
        assert_eq!(date("3/13/2027").as_deref(), Ok("2027-03-13"));
        assert_eq!(date("03/03/2027").as_deref(), Ok("2027-03-03"));
    }

    #[test]
    fn a_date_that_could_be_two_is_refused_and_no_date_stays_as_it_is() {
        for text in ["01/03/2027", "3/1/2027", "01-03-2027"] {
            assert!(date(text).unwrap_err().message.contains("day and month"), "{text}");
        }
        for text in [
            "",
            "01.03.27",
            "1/3/27",
            "31.02.2027",
            "2027-13-01",
            "01MAR99",
            "1 Mai 2027",
            "March",
            "é-é-é",
            "2027-03-01 10:00",
        ] {
            assert_eq!(date(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn instants_are_read_with_the_offsets_of_timetables() {
        for text in [
            "2027-03-01T18:30:00Z",
            "2027-03-01T18:30Z",
            "2027-03-01 18:30:00 Z",
            "2027-03-01T1830z",
            "2027-03-02T00:00:00+05:30",
            "2027-03-02T00:00+0530",
            "2027-03-01T24:00+0530",
            "2027-03-01T24:00:00+05:30",
            "2027-03-01 13:30 -05",
            "2027-03-01T13:30\u{2212}0500",
            "01.03.2027 18:30:00Z",
            "01MAR27T1830Z",
        ] {
            let read = instant(text).unwrap();
            let utc = chrono::DateTime::parse_from_rfc3339(&read).unwrap_or_else(|_| panic!("{text}: {read}")).to_utc();
            assert_eq!(utc.to_rfc3339(), "2027-03-01T18:30:00+00:00", "{text}");
        }
        assert_eq!(instant("2027-03-01T18:30:00.123456789Z").as_deref(), Ok("2027-03-01T18:30:00.123456789Z"));
        for text in ["01OCT27 18:30Z", "1-Oct-2027 18:30Z", "01OCT27T1830Z"] {
            assert_eq!(instant(text).as_deref(), Ok("2027-10-01T18:30:00Z"));
        }
        assert!(instant("01/03/2027 18:30Z").is_err());
        for text in [
            "",
            "2027-03-01",
            "2027-03-01T18:30:00",
            "01.03.2027 18:30",
            "2027-03-01T25:00Z",
            "2027-03-01T18:30+5",
            "2027-03-01T18:30.5Z",
            "2027-03-01T24:00:00.5Z",
            "T",
            "é é+",
        ] {
            assert_eq!(instant(text).as_deref(), Ok(text));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9TZ:./ aMé\u{a0}]{0,24}") {
            let (_, _) = (date(&text), instant(&text));
        }
    }
}
