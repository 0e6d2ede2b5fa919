//! What the number in a cell is, according to the cell's format (ECMA-376 part 1, 18.8.30).
use std::collections::HashMap;

use quick_xml::escape::unescape;

use super::parts::{Part, Step, attribute};

/// Most formats of a kind: more than spreadsheet programs allow.
const MOST: usize = 65_536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Number,
    /// A date, a time of day, or both.
    Time,
    /// Hours that may be more than a day.
    Elapsed,
}

/// The formats of cells, by the numbers of their styles.
#[derive(Default)]
pub(super) struct Formats(Vec<Format>);

impl Formats {
    pub fn read(mut part: Part<'_>) -> Result<Self, String> {
        let (mut custom, mut styles, mut is_of_cells) = (HashMap::new(), Vec::new(), false);
        loop {
            match part.next()? {
                Step::Open(element) => {
                    let number = |name| attribute(&element, name).and_then(|number| number.parse::<u32>().ok());
                    match element.local_name().as_ref() {
                        "cellXfs" => is_of_cells = true,
                        "xf" if is_of_cells => {
                            let format = number("numFmtId").unwrap_or_default();
                            styles.push(custom.get(&format).copied().unwrap_or_else(|| built_in(format)));
                        }
                        "numFmt" => {
                            let code = attribute(&element, "formatCode").unwrap_or_default();
                            custom.extend(
                                number("numFmtId").map(|id| (id, of_code(&unescape(&code).unwrap_or_default()))),
                            );
                        }
                        _ => {}
                    }
                }
                Step::Close(element) if element.local_name().as_ref() == "cellXfs" => return Ok(Self(styles)),
                Step::Close(_) | Step::Text(_) => {}
                Step::End => return Ok(Self(styles)),
            }
            if styles.len().max(custom.len()) > MOST {
                return Err(format!("The workbook has more than {MOST} formats."));
            }
        }
    }

    /// Returns the format of a style, as its number is written.
    pub fn of(&self, style: &str) -> Format {
        style.parse::<usize>().ok().and_then(|style| self.0.get(style)).copied().unwrap_or(Format::Number)
    }
}

const fn built_in(format: u32) -> Format {
    match format {
        14..=22 | 27..=36 | 45 | 47 | 50..=58 => Format::Time,
        46 => Format::Elapsed,
        _ => Format::Number,
    }
}

/// Reads the first section of a format, which is for positive numbers.
fn of_code(code: &str) -> Format {
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character.to_ascii_lowercase() {
            ';' => break,
            '\\' | '_' | '*' => drop(characters.next()),
            '"' => drop(characters.by_ref().find(|it| *it == '"')),
            '[' => {
                let within: String = characters.by_ref().take_while(|it| *it != ']').collect();
                if !within.is_empty()
                    && ["h", "m", "s"].iter().any(|unit| within.to_lowercase().replace(unit, "").is_empty())
                {
                    return Format::Elapsed;
                }
            }
            'd' | 'h' | 'm' | 's' | 'y' => return Format::Time,
            _ => {}
        }
    }
    Format::Number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_with_parts_of_dates_or_times_is_one_of_times() {
        for code in
            ["yyyy-mm-dd", "DD/MM/YY", "H:MM:SS;@", "[$-409]d-mmm-yy", "[Red]hh:mm", "ha/p\\\\m", "*-yyyy", "mmss.0"]
        {
            assert_eq!(of_code(code), Format::Time, "{code}");
        }
        for code in ["[h]:mm", "[mm]:ss", "[ss]", "[Blue]\\+[H]:mm;[Red]\\-[h]:mm"] {
            assert_eq!(of_code(code), Format::Elapsed, "{code}");
        }
        for code in [
            "General",
            "0.00E+00",
            "#,##0\\ [$kr-41D]",
            "0\" hours\"",
            "0_d",
            "0*y",
            "\\d0",
            "0;yyyy",
            "[Red]0",
            "[]0",
            "@",
            "\"open",
            "[open",
            "",
        ] {
            assert_eq!(of_code(code), Format::Number, "{code}");
        }
    }
}
