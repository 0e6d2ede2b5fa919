//! Numbers as spreadsheet programs write them: with the decimal sign and the groups of the country.
use std::borrow::Cow;

use loadmaster_kernel::{Fault, FaultCode};

/// A character that is a decimal sign in some countries and groups digits in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Comma,
    Point,
}

impl Sign {
    const fn as_char(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Point => '.',
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Comma => Self::Point,
            Self::Point => Self::Comma,
        }
    }
}

/// What the signs in a number are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// There is none, or only this one that groups digits.
    Whole(Option<Sign>),
    Decimal(Sign),
    /// One sign before three digits, such as `1.000`.
    Either(Sign),
}

/// Separators that only group digits.
const fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\'' | '’')
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether these are digits in groups: three in the last, and two (as in India) or three in those before it.
fn are_grouped(text: &str, is_separator: impl Fn(char) -> bool) -> bool {
    let groups: Vec<&str> = text.split(is_separator).collect();
    let is_group = |(at, group): (usize, &&str)| match at {
        0 => groups.len() == 1 || (group.len() <= 3 && !group.starts_with('0')),
        at if at + 1 == groups.len() => group.len() == 3,
        _ => matches!(group.len(), 2 | 3),
    };
    groups.iter().all(|group| are_digits(group)) && groups.iter().enumerate().all(is_group)
}

/// Returns the form of digits and signs. `None` if they are no number.
fn form_of(digits: &str) -> Option<Form> {
    let count = |sign: Sign| digits.matches(sign.as_char()).count();
    let last = digits.rfind([',', '.']);
    let sign = match last.map(|at| &digits[at..=at]) {
        None => return are_grouped(digits, is_gap).then_some(Form::Whole(None)),
        Some(",") => Sign::Comma,
        Some(_) => Sign::Point,
    };
    let (before, after) = digits.rsplit_once(sign.as_char())?;
    match (count(sign), count(sign.other())) {
        (1, 0) if are_grouped(digits, |c| c == sign.as_char()) => Some(Form::Either(sign)),
        (1, 0) => (are_grouped(before, is_gap) && are_digits(after)).then_some(Form::Decimal(sign)),
        (1, _) => {
            let is_number = are_grouped(before, |c| c == sign.other().as_char()) && are_digits(after);
            is_number.then_some(Form::Decimal(sign))
        }
        (_, 0) => are_grouped(digits, |c| c == sign.as_char()).then_some(Form::Whole(Some(sign))),
        _ => None,
    }
}

/// The parts of a number: whether it is negative, its digits with their signs, and its exponent.
fn parts(text: &str) -> (bool, &str, &str) {
    let text = text.trim();
    let (is_negative, rest) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, exponent) = rest.split_at(rest.find(['e', 'E']).unwrap_or(rest.len()));
    (is_negative, digits, exponent)
}

/// Splits a cell after `;` and `=`: breaks of rates are several numbers, such as `45=10;100=9`.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([';', '='])
}

fn without_end(number: &str) -> (&str, &str) {
    number.split_at(number.trim_end_matches([';', '=']).len())
}

/// Returns the decimal signs that a cell shows beyond doubt.
pub(super) fn decimal_signs(text: &str) -> impl Iterator<Item = Sign> {
    numbers(text).filter_map(|number| match form_of(parts(without_end(number).0).1)? {
        Form::Decimal(sign) => Some(sign),
        Form::Whole(Some(grouping)) => Some(grouping.other()),
        Form::Whole(None) | Form::Either(_) => None,
    })
}

/// Returns the numbers of a cell as JSON writes them; a text that is no number stays as it is. A sign that may be either is
/// what `decimal_sign` says that it is in the table. A comma is never a decimal sign where commas separate cells.
pub(super) fn plain(text: &str, separator: u8, decimal_sign: impl Fn() -> Option<Sign>) -> Result<Cow<'_, str>, Fault> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.into());
    }
    let mut written = String::with_capacity(text.len());
    for number in numbers(text) {
        let (number, end) = without_end(number);
        let (is_negative, digits, exponent) = parts(number);
        let decimal = match form_of(digits) {
            None => {
                written.push_str(number);
                written.push_str(end);
                continue;
            }
            Some(Form::Whole(_)) => None,
            Some(Form::Decimal(Sign::Comma)) if separator == b',' => return Err(decimal_comma()),
            Some(Form::Decimal(sign)) => Some(sign),
            Some(Form::Either(Sign::Point)) if separator == b',' => Some(Sign::Point),
            Some(Form::Either(sign)) => match decimal_sign() {
                Some(decimal) if decimal != sign => None,
                Some(_) if separator != b',' => Some(sign),
                _ => return Err(ambiguous()),
            },
        };
        written.push_str(if is_negative { "-" } else { "" });
        written.extend(digits.chars().filter_map(|c| match c {
            '0'..='9' => Some(c),
            c => decimal.filter(|sign| sign.as_char() == c).map(|_| '.'),
        }));
        written.push_str(exponent);
        written.push_str(end);
    }
    Ok(written.into())
}

/// Returns the numbers of a workbook's cell that is text. A comma may be a decimal sign there. A sign that may be either is what the
/// cell itself shows. In a list (breaks of rates) it is a point as the API and exports write it; elsewhere it is a fault: what other
/// cells show is not known, as most are numbers.
pub(super) fn of_text(text: &str) -> Result<Cow<'_, str>, Fault> {
    plain(text, b'\t', || {
        let mut signs = decimal_signs(text);
        match signs.next() {
            Some(sign) => signs.all(|other| other == sign).then_some(sign),
            None => (text.contains('=') && !text.contains(',')).then_some(Sign::Point),
        }
    })
}

fn decimal_comma() -> Fault {
    let text = "must be a number with a decimal point: where commas separate cells, a comma is no decimal sign";
    Fault::new(FaultCode::WrongType, text)
}

fn ambiguous() -> Fault {
    let text = "is ambiguous: the sign before its last three digits may be a decimal sign or a separator of thousands; \
                write it without separators of thousands, and a fraction without zeros at its end";
    Fault::format(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As read in a table with this separator whose other cells show this decimal sign.
    fn read(text: &str, separator: u8, sign: Option<Sign>) -> Result<String, FaultCode> {
        plain(text, separator, || sign).map(Cow::into_owned).map_err(|fault| fault.code)
    }

    #[test]
    fn what_can_be_only_one_number_is_it_in_each_table() {
        for (text, number) in [
            ("1000", "1000"),
            ("1000.5", "1000.5"),
            ("0.250", "0.250"),
            ("1 000", "1000"),
            ("1\u{a0}000\u{202f}000", "1000000"),
            ("1'000.5", "1000.5"),
            ("1’000", "1000"),
            ("1,000.5", "1000.5"),
            ("1,000,000", "1000000"),
            ("1.000.000", "1000000"),
            ("12,34,567.5", "1234567.5"),
            ("-33.946098", "-33.946098"),
            ("\u{2212}33.9", "-33.9"),
            ("+1", "1"),
            ("1E+05", "1E+05"),
            ("45=10;100=9.5", "45=10;100=9.5"),
        ] {
            for separator in [b',', b';', b'\t'] {
                assert_eq!(read(text, separator, None).as_deref(), Ok(number), "{text}");
            }
        }
    }

    #[test]
    fn a_decimal_comma_is_taken_where_commas_separate_no_cells() {
        for (text, number) in [
            ("1000,5", "1000.5"),
            ("10,25", "10.25"),
            ("0,250", "0.250"),
            ("1.000,5", "1000.5"),
            ("1 000,5", "1000.5"),
            ("-0,461944", "-0.461944"),
            ("1,5E+03", "1.5E+03"),
            ("45=10,5;100=9", "45=10.5;100=9"),
        ] {
            assert_eq!(read(text, b';', None).as_deref(), Ok(number), "{text}");
            assert_eq!(read(text, b',', None), Err(FaultCode::WrongType), "{text}");
        }
    }

    #[test]
    fn a_sign_before_three_digits_is_what_the_table_shows() {
        for (text, of_comma, of_point) in [("1.000", "1000", "1.000"), ("10,250", "10.250", "10250")] {
            assert_eq!(read(text, b';', Some(Sign::Comma)).as_deref(), Ok(of_comma), "{text}");
            assert_eq!(read(text, b'\t', Some(Sign::Point)).as_deref(), Ok(of_point), "{text}");
            assert_eq!(read(text, b'\t', None), Err(FaultCode::InvalidFormat), "{text}");
        }
        assert_eq!(read("1.000", b',', None).as_deref(), Ok("1.000"), "as always in such a table");
        assert_eq!(read("1,000", b',', None), Err(FaultCode::InvalidFormat));
    }

    #[test]
    fn a_number_kept_as_text_is_read_or_refused_if_it_may_be_two() {
        for (text, number) in [
            ("1200", "1200"),
            (" 1200 ", "1200"),
            ("1.200,5", "1200.5"),
            ("1,200.5", "1200.5"),
            ("1200,5", "1200.5"),
            ("1.200.000", "1200000"),
            ("1 200", "1200"),
            ("12.5", "12.5"),
            ("45=10.125;100=9.5", "45=10.125;100=9.5"),
            ("45=10.125", "45=10.125"),
            ("45=10,5;100=1.200", "45=10.5;100=1200"),
            ("ten", "ten"),
        ] {
            assert_eq!(of_text(text).as_deref(), Ok(number), "{text}");
        }
        for text in ["1.200", "1,200", "45=10,125", "45=10,5;100=9.5;200=1.200"] {
            assert_eq!(of_text(text).map_err(|fault| fault.code), Err(FaultCode::InvalidFormat), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_stays_as_it_is() {
        for text in
            ["", "ten", "1,2,3", "1.2.3", "1,000.5.5", "1 00", "5.", ".5", "1,", "10,25 m3", "=1+1", "45=ten;=,"]
        {
            assert_eq!(read(text, b';', None).as_deref(), Ok(text));
        }
    }

    #[test]
    fn decimal_signs_show_beyond_doubt_or_not_at_all() {
        for (text, signs) in [
            ("1000,5", &[Sign::Comma][..]),
            ("1.000.000", &[Sign::Comma]),
            ("1,000.5", &[Sign::Point]),
            ("45=10,5;100=9.5", &[Sign::Comma, Sign::Point]),
            ("1.000", &[]),
            ("1000", &[]),
            ("ten", &[]),
        ] {
            assert_eq!(decimal_signs(text).collect::<Vec<_>>(), signs, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_number_as_json_writes_it_stays_the_same(text in "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,6})?") {
            proptest::prop_assert_eq!(read(&text, b',', None), Ok(text));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.,'; =eE\u{a0}é]{0,20}") {
            let _ = read(&text, b';', Some(Sign::Comma));
            let _ = decimal_signs(&text).count();
        }
    }
}
