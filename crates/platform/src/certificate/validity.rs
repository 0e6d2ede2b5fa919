use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// Time before the end of a certificate at which it should have been renewed; a quarter of its life, if that is less.
const SOON: TimeDelta = TimeDelta::days(14);

/// Tags of DER (X.690): the elements of a certificate up to its validity.
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// When a certificate is valid, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// Why clients refuse a certificate, or soon will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    NotYetValid,
    EndsSoon,
    Expired,
}

impl Validity {
    /// Reads the validity from a certificate of version 2 or 3 (RFC 5280, section 4.1): version 1 is not named.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = element(certificate, SEQUENCE)?;
        let (certificate, _) = element(certificate, SEQUENCE)?;
        let (_version, rest) = element(certificate, VERSION)?;
        let (_serial_number, rest) = element(rest, INTEGER)?;
        let (_signature, rest) = element(rest, SEQUENCE)?;
        let (_issuer, rest) = element(rest, SEQUENCE)?;
        let (validity, _) = element(rest, SEQUENCE)?;
        let (from, rest) = time(validity)?;
        let (until, _) = time(rest)?;
        Some(Self { from, until })
    }

    pub fn concern(&self, now: DateTime<Utc>) -> Option<Concern> {
        let soon = SOON.min((self.until - self.from) / 4);
        if now > self.until {
            Some(Concern::Expired)
        } else if now < self.from {
            Some(Concern::NotYetValid)
        } else if now > self.until - soon {
            Some(Concern::EndsSoon)
        } else {
            None
        }
    }
}

/// Returns the content of the first element, which must have this tag, and what follows the element.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    // The low bits count the bytes of the length.
    let (length, rest) = rest.split_at_checked(usize::from(*length & 0x7f)).filter(|(length, _)| length.len() <= 4)?;
    rest.split_at_checked(length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

fn time(der: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (text, rest) = if let Some((text, rest)) = element(der, UTC_TIME) {
        let text = str::from_utf8(text).ok()?;
        // The years of two digits are those from 1950 to 2049.
        let century = if text.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
        (format!("{century}{text}"), rest)
    } else {
        let (text, rest) = element(der, GENERALIZED_TIME)?;
        (str::from_utf8(text).ok()?.to_owned(), rest)
    };
    let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some((time.and_utc(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let header = if content.len() < 0x80 { vec![tag, length[1]] } else { vec![tag, 0x82, length[0], length[1]] };
        [header.as_slice(), content].concat()
    }

    fn certificate(from: &[u8], until: &[u8]) -> Vec<u8> {
        let version = of(VERSION, &of(INTEGER, &[2]));
        let (serial, issuer) = (of(INTEGER, &[7]), of(SEQUENCE, &[0; 300]));
        let validity = of(SEQUENCE, &[from, until].concat());
        let rest = of(SEQUENCE, &[1, 2, 3]);
        of(
            SEQUENCE,
            &of(SEQUENCE, &[version.as_slice(), &serial, &of(SEQUENCE, &[]), &issuer, &validity, &rest].concat()),
        )
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn both_kinds_of_times_are_read() {
        let expected = Validity { from: at("1999-12-31T23:59:58Z"), until: at("2051-01-02T03:04:05Z") };
        let (from, until) = (of(UTC_TIME, b"991231235958Z"), of(GENERALIZED_TIME, b"20510102030405Z"));
        assert_eq!(Validity::of(&certificate(&from, &until)), Some(expected));
        let until = of(UTC_TIME, b"490102030405Z");
        assert_eq!(Validity::of(&certificate(&from, &until)).unwrap().until, at("2049-01-02T03:04:05Z"));
    }

    #[test]
    fn nothing_is_read_from_what_is_no_certificate() {
        let (from, until) = (of(UTC_TIME, b"991231235958Z"), of(UTC_TIME, b"260102030405Z"));
        let whole = certificate(&from, &until);
        assert!(Validity::of(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..length]), None, "{length}");
        }
        for time in [&b"991331235958Z"[..], b"9912312359Z", b"991231235958+0100", b"9\xff1231235958Z"] {
            assert_eq!(Validity::of(&certificate(&of(UTC_TIME, time), &until)), None, "{time:?}");
        }
        assert_eq!(Validity::of(&[SEQUENCE, 0xff, 0, 0]), None);
        assert_eq!(Validity::of(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }

    #[test]
    fn a_certificate_is_of_concern_two_weeks_before_its_end_or_in_the_last_quarter_of_a_short_life() {
        let long = Validity { from: at("2026-01-01T00:00:00Z"), until: at("2026-04-01T00:00:00Z") };
        for (now, expected) in [
            ("2025-12-31T23:59:59Z", Some(Concern::NotYetValid)),
            ("2026-01-01T00:00:00Z", None),
            ("2026-03-18T00:00:00Z", None),
            ("2026-03-18T00:00:01Z", Some(Concern::EndsSoon)),
            ("2026-04-01T00:00:00Z", Some(Concern::EndsSoon)),
            ("2026-04-01T00:00:01Z", Some(Concern::Expired)),
        ] {
            assert_eq!(long.concern(at(now)), expected, "{now}");
        }
        let short = Validity { until: at("2026-01-05T00:00:00Z"), ..long };
        assert_eq!(short.concern(at("2026-01-04T00:00:00Z")), None);
        assert_eq!(short.concern(at("2026-01-04T00:00:01Z")), Some(Concern::EndsSoon));
    }
}
