//! The encodings in which spreadsheet programs write text.
use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::TableError;
use crate::web::{Problem, code};

/// An encoding that the media type of a table may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    /// The mark, or else the first letter, shows the order of the bytes.
    Utf16,
    Utf16Le,
    Utf16Be,
    /// Also under the names of its parts, ISO 8859-1 and ASCII.
    Western,
}

impl Charset {
    /// Takes the name in lower case.
    pub fn of_name(name: &str) -> Result<Self, Problem> {
        let known = match name {
            "utf-16" => Some(Self::Utf16),
            name => match Encoding::for_label(name.as_bytes()) {
                Some(encoding) if encoding == UTF_8 => Some(Self::Utf8),
                Some(encoding) if encoding == UTF_16LE => Some(Self::Utf16Le),
                Some(encoding) if encoding == UTF_16BE => Some(Self::Utf16Be),
                Some(encoding) if encoding == WINDOWS_1252 => Some(Self::Western),
                _ => None,
            },
        };
        known.ok_or_else(|| {
            let text = "A table in CSV is in utf-8, utf-16, iso-8859-1 or windows-1252: the charset of its Content-Type is \
                        none of these.";
            Problem::new(code::UNSUPPORTED_MEDIA_TYPE, text)
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Western => "windows-1252",
        }
    }

    /// Returns whether a text with this encoding's mark is in this one.
    fn may_have(self, marked: &'static Encoding) -> bool {
        match self {
            Self::Utf8 => marked == UTF_8,
            Self::Utf16 => marked != UTF_8,
            Self::Utf16Le => marked == UTF_16LE,
            Self::Utf16Be => marked == UTF_16BE,
            Self::Western => false,
        }
    }
}

/// Returns the text of a table: in the encoding that the request names; else UTF-8, UTF-16 with its mark, or Windows-1252 as Excel
/// writes it in Western countries. A text that is more likely in the code page of another country, or of several encodings, is
/// refused: its letters would become others. So is one whose mark contradicts the request.
pub(super) fn decode(bytes: &[u8], charset: Option<Charset>) -> Result<Cow<'_, str>, TableError> {
    let mark = Encoding::for_bom(bytes);
    if let (Some(charset), Some((marked, _))) = (charset, mark)
        && !charset.may_have(marked)
    {
        return Err(TableError::Contradiction { charset: charset.name(), mark: marked.name() });
    }
    match (charset, mark) {
        (_, Some((encoding, mark))) if encoding != UTF_8 => wide(&bytes[mark..], encoding),
        (Some(Charset::Utf16Le), _) => wide(bytes, UTF_16LE),
        (Some(Charset::Utf16Be), _) => wide(bytes, UTF_16BE),
        // The first letter of a header is of ASCII: half of it is zero.
        (Some(Charset::Utf16), _) => wide(bytes, if bytes.first() == Some(&0) { UTF_16BE } else { UTF_16LE }),
        (Some(Charset::Western), _) => western(bytes),
        (Some(Charset::Utf8), _) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(without_mark(text)),
            Err(fault) => {
                Err(TableError::NotIn { charset: Charset::Utf8.name(), line: line_at(bytes, fault.valid_up_to()) })
            }
        },
        (None, _) => likely(bytes),
    }
}

fn without_mark(text: &str) -> Cow<'_, str> {
    text.strip_prefix('\u{feff}').unwrap_or(text).into()
}

/// Returns the number of the line in which this byte is, counted from 1.
fn line_at(bytes: &[u8], at: usize) -> usize {
    bytes[..at].split(|byte| *byte == b'\n').count()
}

fn wide<'b>(bytes: &'b [u8], encoding: &'static Encoding) -> Result<Cow<'b, str>, TableError> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.filter(|text| !text.is_empty()).ok_or(TableError::NotText { line: 1 })
}

/// Returns a text that is said to be in Windows-1252. Control characters are in no table, and letters that are right in UTF-8 are
/// hardly ever something else: programs name a charset without looking.
fn western(bytes: &[u8]) -> Result<Cow<'_, str>, TableError> {
    if let Some(at) = bytes.iter().position(|byte| !byte.is_ascii())
        && std::str::from_utf8(bytes).is_ok()
    {
        return Err(TableError::NotIn { charset: Charset::Western.name(), line: line_at(bytes, at) });
    }
    let text = WINDOWS_1252.decode_without_bom_handling(bytes).0;
    match text.chars().position(is_stray) {
        // Each byte is a character.
        Some(at) => Err(TableError::NotIn { charset: Charset::Western.name(), line: line_at(bytes, at) }),
        None => Ok(text),
    }
}

/// Returns whether this is a control character that no table has.
fn is_stray(c: char) -> bool {
    c.is_control() && !matches!(c, '\r' | '\n' | '\t')
}

/// Returns a text whose encoding the request does not name.
fn likely(bytes: &[u8]) -> Result<Cow<'_, str>, TableError> {
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(without_mark(text)),
        Err(fault) => fault,
    };
    let foreign = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
    let is_mixed = foreign().any(|line| std::str::from_utf8(line).is_ok());
    if is_mixed || !is_western(&foreign().collect::<Vec<_>>().join(&b'\n')) {
        return Err(TableError::NotText { line: line_at(bytes, fault.valid_up_to()) });
    }
    Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0)
}

/// Returns whether a text is Windows-1252, or reads the same in it. Its control characters are in no table, and its `ÿ` is the byte
/// of damaged files much more than a letter.
fn is_western(bytes: &[u8]) -> bool {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let likely = detector.guess(None, Utf8Detection::Deny);
    let text = WINDOWS_1252.decode_without_bom_handling(bytes).0;
    let is_text = !text.chars().any(|c| c == 'ÿ' || is_stray(c));
    is_text && likely.decode_without_bom_handling(bytes).0 == text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "iata_code,city\r\n";

    /// The table with this city, in UTF-16.
    fn wide(city: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{HEADER}QQA,{city}").encode_utf16().flat_map(write).collect()
    }

    #[test]
    fn texts_with_a_mark_are_read_as_it_says() {
        for bytes in [
            format!("{HEADER}QQA,Łódź").into_bytes(),
            format!("\u{feff}{HEADER}QQA,Łódź").into_bytes(),
            wide("Łódź", u16::to_le_bytes),
            wide("Łódź", u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes, None).unwrap(), format!("{HEADER}QQA,Łódź"));
        }
    }

    #[test]
    fn western_letters_of_one_byte_are_read_as_excel_writes_them() {
        for city in ["Zürich", "São Paulo", "Malmö", "Düsseldorf", "Málaga", "Besançon", "Nîmes – Garons", "L’Aquila"]
        {
            let text = format!("{HEADER}QQA,{city}\r\n");
            let bytes = WINDOWS_1252.encode(&text).0;
            assert_eq!(decode(&bytes, None).unwrap(), text);
        }
    }

    #[test]
    fn letters_of_another_code_page_are_refused_with_their_line() {
        let lodz = encoding_rs::WINDOWS_1250.encode("Łódź").0.into_owned();
        let moscow = encoding_rs::WINDOWS_1251.encode("Москва").0.into_owned();
        let beijing = encoding_rs::GBK.encode("北京").0.into_owned();
        for city in [lodz, moscow, beijing, vec![0x81], vec![0xff]] {
            let bytes = [HEADER.as_bytes(), b"QQA,", &city, b"\r\n"].concat();
            assert!(matches!(decode(&bytes, None), Err(TableError::NotText { line: 2 })), "{city:?}");
        }
    }

    #[test]
    fn letters_of_two_encodings_are_refused() {
        let (zurich, lodz) = (WINDOWS_1252.encode("Zürich").0, encoding_rs::WINDOWS_1250.encode("Łódź").0);
        let ascii = b"QQA,Rome\r\n".repeat(10_000);
        for parts in [
            [HEADER.as_bytes(), "QQA,Zürich\r\n".as_bytes(), b"QQB,", &zurich],
            [HEADER.as_bytes(), &zurich, "\r\nQQA,Zürich\r\n".as_bytes(), &ascii],
            [HEADER.as_bytes(), &zurich, &ascii, &lodz],
        ] {
            assert!(decode(&parts.concat(), None).is_err());
        }
    }

    #[test]
    fn half_a_character_of_utf_16_is_refused() {
        for bytes in [&[0xff, 0xfe][..], &[0xff, 0xfe, 0x61], &[0xff, 0xfe, 0, 0xd8]] {
            assert!(decode(bytes, None).is_err());
        }
    }

    #[test]
    fn a_named_encoding_is_the_one_that_is_read() {
        let named =
            |name: &str, bytes: &[u8]| decode(bytes, Some(Charset::of_name(name).unwrap())).map(Cow::into_owned);
        let text = format!("{HEADER}QQA,Zürich");
        let western = WINDOWS_1252.encode(&text).0;
        let bare = |write: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(write).collect() };
        for (name, bytes) in [
            ("utf-8", text.as_bytes()),
            ("utf8", format!("\u{feff}{text}").as_bytes()),
            ("iso-8859-1", &western),
            ("latin1", &western),
            ("windows-1252", &western),
            ("utf-16", &wide("Zürich", u16::to_le_bytes)),
            ("utf-16", &wide("Zürich", u16::to_be_bytes)),
            ("utf-16", &bare(u16::to_le_bytes)),
            ("utf-16", &bare(u16::to_be_bytes)),
            ("utf-16le", &bare(u16::to_le_bytes)),
            ("utf-16be", &wide("Zürich", u16::to_be_bytes)),
        ] {
            assert_eq!(named(name, bytes).unwrap(), text, "{name}");
        }
    }

    #[test]
    fn a_table_that_is_not_in_the_named_encoding_is_refused() {
        let named =
            |name: &str, bytes: &[u8]| decode(bytes, Some(Charset::of_name(name).unwrap())).unwrap_err().to_string();
        let western = [HEADER.as_bytes(), b"QQA,Z\xfcrich"].concat();
        assert_eq!(named("utf-8", &western), "line 2 is not in utf-8, which its Content-Type names");
        assert_eq!(
            named("windows-1252", b"a,b\r\n\x81,"),
            "line 2 is not in windows-1252, which its Content-Type names"
        );
        let unmarked = [HEADER, "QQA,Zürich"].concat();
        assert_eq!(named("us-ascii", unmarked.as_bytes()), named("windows-1252", b"a,b\r\n\x81,"));
        let marked = format!("\u{feff}{HEADER}");
        for (name, bytes) in [
            ("iso-8859-1", marked.as_bytes()),
            ("utf-16", marked.as_bytes()),
            ("utf-8", &wide("Rome", u16::to_le_bytes)),
            ("utf-16be", &wide("Rome", u16::to_le_bytes)),
        ] {
            assert!(named(name, bytes).contains("its byte order mark"), "{name}");
        }
    }

    #[test]
    fn an_unknown_encoding_is_refused() {
        for name in ["", "utf-7", "iso-8859-2", "windows-1250", "shift_jis", "x-user-defined"] {
            assert!(Charset::of_name(name).is_err(), "{name}");
        }
    }
}
