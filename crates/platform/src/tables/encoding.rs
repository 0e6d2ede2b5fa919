//! The encodings in which spreadsheet programs write text.
use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::TableError;

/// Returns the text of a table: UTF-8, UTF-16 with its mark, or Windows-1252 as Excel writes it in Western countries. A text that
/// is more likely in the code page of another country, or of several encodings, is refused: its letters would become others.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TableError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes)
        && (encoding == UTF_16LE || encoding == UTF_16BE)
    {
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
        return text.filter(|text| !text.is_empty()).ok_or(TableError::NotText { line: 1 });
    }
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.strip_prefix('\u{feff}').unwrap_or(text).into()),
        Err(fault) => fault,
    };
    let line = bytes[..fault.valid_up_to()].split(|byte| *byte == b'\n').count();
    let foreign = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
    let is_mixed = foreign().any(|line| std::str::from_utf8(line).is_ok());
    if is_mixed || !is_western(&foreign().collect::<Vec<_>>().join(&b'\n')) {
        return Err(TableError::NotText { line });
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
    let is_text = !text.chars().any(|c| c == 'ÿ' || (c.is_control() && !matches!(c, '\r' | '\n' | '\t')));
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
            assert_eq!(decode(&bytes).unwrap(), format!("{HEADER}QQA,Łódź"));
        }
    }

    #[test]
    fn western_letters_of_one_byte_are_read_as_excel_writes_them() {
        for city in ["Zürich", "São Paulo", "Malmö", "Düsseldorf", "Málaga", "Besançon", "Nîmes – Garons", "L’Aquila"]
        {
            let text = format!("{HEADER}QQA,{city}\r\n");
            let bytes = WINDOWS_1252.encode(&text).0;
            assert_eq!(decode(&bytes).unwrap(), text);
        }
    }

    #[test]
    fn letters_of_another_code_page_are_refused_with_their_line() {
        let lodz = encoding_rs::WINDOWS_1250.encode("Łódź").0.into_owned();
        let moscow = encoding_rs::WINDOWS_1251.encode("Москва").0.into_owned();
        let beijing = encoding_rs::GBK.encode("北京").0.into_owned();
        for city in [lodz, moscow, beijing, vec![0x81], vec![0xff]] {
            let bytes = [HEADER.as_bytes(), b"QQA,", &city, b"\r\n"].concat();
            assert!(matches!(decode(&bytes), Err(TableError::NotText { line: 2 })), "{city:?}");
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
            assert!(decode(&parts.concat()).is_err());
        }
    }

    #[test]
    fn half_a_character_of_utf_16_is_refused() {
        for bytes in [&[0xff, 0xfe][..], &[0xff, 0xfe, 0x61], &[0xff, 0xfe, 0, 0xd8]] {
            assert!(decode(bytes).is_err());
        }
    }
}
