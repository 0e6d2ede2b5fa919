//! Phone numbers of the international form, as ITU-T E.164 numbers them and people write them (E.123).
//!
//! A parser of its own: the crates that port libphonenumber compile its whole metadata (`phonenumber`) or a compiler of
//! protocol buffers (`rlibphonenumber`), for one question. The plan has libphonenumber's possible lengths and trunk prefixes,
//! release 9.0.43 (Apache-2.0), for the main region of each country code; on its example numbers both read alike.
use super::fault::Fault;

/// What people write between digits: also no-break spaces, and dashes as word processors set them.
const SEPARATORS: [char; 13] =
    [' ', '\u{a0}', '\u{202f}', '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '.', '/', '(', ')', '~'];
/// Fewest and most digits, with the country code.
const FEWEST: usize = 7;
const MOST: usize = 15;

/// Country codes whose numbers may begin with 0 though there is no trunk prefix to drop.
const OWN_ZERO: [&str; 22] = [
    "39", "47", "225", "226", "227", "229", "241", "242", "247", "267", "268", "378", "501", "676", "679", "687",
    "800", "853", "881", "888", "974", "992",
];

/// Trunk prefix, lengths of national numbers without it, and the country codes of which both hold.
const PLAN: [(&str, &str, &str); 93] = [
    ("", "10-12", "30"),
    ("", "9", "34 221 240 242 244 351 979 992 998"),
    ("", "6-12", "39"),
    ("", "8", "45 216 222 223 226 227 228 235 236 253 257 266 350 356 357 371 505 509 800 808 973"),
    ("", "5,8", "47"),
    ("", "6-10", "48"),
    ("", "10", "52 225 229"),
    ("", "9-11", "56"),
    ("", "8,10-11", "65"),
    ("", "7,9", "220 245 354"),
    ("", "8-9", "224 237 258 268"),
    ("", "7-8,10", "230 267 372"),
    ("", "7", "238 239 246 248 269 297 592 673 674 680 691"),
    ("", "7-8", "241 599 670 675 853 965 975"),
    ("", "5-6", "247"),
    ("", "4-5", "290"),
    ("", "6", "298 299 672 687"),
    ("", "4-11", "352"),
    ("", "6,8-9", "376 689"),
    ("", "8,10", "378 506"),
    ("", "9-12", "420"),
    ("", "5", "500 682"),
    ("", "7,11", "501 679"),
    ("", "8,11", "502 504"),
    ("", "7-8,11", "503"),
    ("", "7-8,10-11", "507"),
    ("", "6-7", "597"),
    ("", "5,7", "676 677 678"),
    ("", "6,9", "681"),
    ("", "4,7", "683"),
    ("", "5-7,10", "685"),
    ("", "5-7", "688"),
    ("", "4-7", "690"),
    ("", "5-9,11", "852"),
    ("", "9,12", "870"),
    ("", "12", "878"),
    ("", "9-10", "881"),
    ("", "7-12", "882"),
    ("", "8-12", "883"),
    ("", "11", "888"),
    ("", "7,10", "960"),
    ("", "7-9", "968"),
    ("", "7-9,11", "974"),
    ("0", "8-10", "20 60 855 856 964 970 976"),
    ("0", "5-10", "27 64"),
    ("0", "5-11", "31"),
    ("0", "8-9", "32 51 213 233 250 264 377 382 387 591 962 963"),
    ("0", "9", "33 93 94 211 212 218 249 251 255 256 260 261 262 590 594 596 994 995"),
    ("0", "6,9", "40 508"),
    ("0", "9,12", "41"),
    ("0", "4-13", "43 49"),
    ("0", "7,9-10", "44 263"),
    ("0", "6-10,12", "46"),
    ("0", "6-8,10", "53"),
    ("0", "10-11", "54"),
    ("0", "8-11", "55 593"),
    ("0", "8,10-11", "57 977"),
    ("0", "10", "58"),
    ("0", "5-10,12", "61"),
    ("0", "7-13", "62"),
    ("0", "6,8-13", "63"),
    ("0", "8-10,13", "66"),
    ("0", "8-13", "81 91"),
    ("0", "5-6,8-13", "82"),
    ("0", "7-10", "84 243 254 353"),
    ("0", "7-12", "86 972"),
    ("0", "7,10,12-13", "90"),
    ("0", "8-12", "92 383"),
    ("0", "6-10", "95 880"),
    ("0", "4-7,10", "98"),
    ("0", "7-9", "231 385 967"),
    ("0", "8", "232 370 373 374 389"),
    ("0", "10-12", "234"),
    ("0", "6-9", "252 355"),
    ("0", "7,9", "265 423"),
    ("0", "7", "291"),
    ("0", "5-12", "358 971"),
    ("0", "6-9,12", "359"),
    ("0", "6-11", "375 595"),
    ("0", "9-10", "380 966 996"),
    ("0", "6-12", "381"),
    ("0", "5-8", "386"),
    ("0", "6-7,9", "421"),
    ("0", "4-12", "598"),
    ("0", "5,8", "686"),
    ("0", "8,10", "850"),
    ("0", "7-11", "886"),
    ("0", "7-8", "961"),
    ("06", "8-9", "36"),
    ("1", "10", "1"),
    ("1", "7", "692"),
    ("8", "10,14", "7"),
    ("8", "8", "993"),
];

/// Reads a phone number with its country code; returns `+` and its digits. The trunk prefix, dialled within the country only,
/// is left out: `+44 (0)20 7946 0123` is `+442079460123`.
pub fn phone_number(text: &str) -> Result<String, Fault> {
    read(text.trim()).ok_or_else(|| Fault::format("must be a phone number with its country, such as +442079460123"))
}

fn read(text: &str) -> Option<String> {
    let written = text.strip_prefix('+')?;
    let digits: String = written.chars().filter(|c| !SEPARATORS.contains(c)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (country, prefix, lengths) = plan_of(&digits)?;
    let national = digits.strip_prefix(country)?;
    let is_possible = |number: &&str| has_length(lengths, number.len());
    let without_prefix = national.strip_prefix(prefix).filter(|_| !prefix.is_empty()).filter(is_possible);
    let has_zero_in_brackets = written.replace(' ', "").contains("(0)");
    if has_zero_in_brackets && prefix != "0" && !OWN_ZERO.contains(&country) {
        return None;
    }
    let national = without_prefix.or(Some(national).filter(is_possible))?;
    let is_number = (FEWEST..=MOST).contains(&(country.len() + national.len()));
    is_number.then(|| format!("+{country}{national}"))
}

/// Returns the country code that these digits begin with, with its trunk prefix and lengths. No code begins with another.
fn plan_of(digits: &str) -> Option<(&str, &'static str, &'static str)> {
    let mut codes = (1..=3).filter_map(|length| digits.get(..length));
    codes.find_map(|code| {
        let (prefix, lengths, _) = PLAN.iter().find(|(.., codes)| codes.split(' ').any(|known| known == code))?;
        Some((code, *prefix, *lengths))
    })
}

fn has_length(lengths: &str, length: usize) -> bool {
    lengths.split(',').any(|range| {
        let (least, most) = range.split_once('-').unwrap_or((range, range));
        let bound = |text: &str| text.parse::<usize>().ok();
        bound(least).is_some_and(|least| least <= length) && bound(most).is_some_and(|most| length <= most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_as_it_is_dialled_from_abroad() {
        for (text, number) in [
            ("+44 (0)20 7946 0123", "+442079460123"),
            ("+44 020 7946 0123", "+442079460123"),
            ("+442079460123", "+442079460123"),
            ("+49 (0)30 123456", "+4930123456"),
            ("+49 (0) 30 / 123 456", "+4930123456"),
            ("+49\u{a0}30\u{2013}123456", "+4930123456"),
            // The zero belongs to the number.
            ("+39 06 6982 1234", "+390669821234"),
            ("+39 (0)6 6982 1234", "+390669821234"),
            ("+225 07 12 34 56 78", "+2250712345678"),
            ("+1 (212) 555-0123", "+12125550123"),
            ("+1 1 212 555 0123", "+12125550123"),
            ("+7 (8) 495 123-45-67", "+74951234567"),
            ("+7 800 555 35 35", "+78005553535"),
            ("+36 06 1 234 5678", "+3612345678"),
            ("+91 11 2345 6789", "+911123456789"),
            (" +4790123456 ", "+4790123456"),
            ("+88312345678901", "+88312345678901"),
        ] {
            assert_eq!(phone_number(text).as_deref(), Ok(number), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_no_number() {
        for text in [
            "",
            "+",
            "ring Bob",
            "0691234",
            "0044 20 7946 0123",
            "+0442079460123",
            "+44 20 7946 01234",
            "+44 20 7946",
            "+1 555 0123",
            "+1 (0)212 555 0123",
            "+420 (0)2 1234 5678",
            "+45 1234 567",
            "+999 123 456 789",
            "+210 123 456 789",
            "+44 20 7946 0123 ext. 4",
            "++442079460123",
            "+44+2079460123",
            "+442079460123\0",
            "+91 1",
            "+49123456789012345678",
        ] {
            assert!(phone_number(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn each_country_code_has_one_plan() {
        let codes: Vec<&str> = PLAN.iter().flat_map(|(.., codes)| codes.split(' ')).collect();
        for code in &codes {
            assert_eq!(codes.iter().filter(|other| code.starts_with(**other)).count(), 1, "{code}");
        }
        assert_eq!(codes.len(), 215);
    }
}
