//! Stations as tables: without notices and contacts, which a table leaves as they are.
use std::collections::BTreeMap;

use loadmaster_kernel::{AirportCode, Fault, FaultCode};
use loadmaster_platform::{
    tables::{CellKind::Flag, Columns, Table, TableError, read_table},
    web::{Fields, Raw, read},
};
use loadmaster_reference::Reference;
use serde_json::{Value, json};

use super::{
    acceptance::Acceptance,
    hours::{StationDesk, StationHours, fault_of_closing, overlap},
    input::{
        LONGEST_BEFORE, LONGEST_SUMMARY, LONGEST_TEXT, MOST_CAPABILITIES, MOST_HIGHLIGHTS, MOST_HOURS, MOST_RULES,
        MOST_TAGS, once, overlapping, read_highlight, read_product, slug,
    },
    model::{Station, StationCapability},
};

/// The columns of an export, which an import takes.
pub(super) const COLUMNS: &[&str] =
    &["iata_code", "summary", "text", "highlights", "tags", "capabilities", "hours", "acceptance", "is_featured"];

const READ: Columns = Columns {
    required: &["iata_code"],
    optional: &["summary", "text", "highlights", "tags", "capabilities", "hours", "acceptance", "is_featured"],
    kinds: &[("is_featured", Flag)],
};

/// A row of a table. An empty cell leaves what is there.
#[derive(Debug, Clone)]
pub(super) struct StationRow {
    pub iata_code: AirportCode,
    pub summary: Option<String>,
    pub text: Option<String>,
    pub highlights: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub capabilities: Option<Vec<StationCapability>>,
    pub hours: Option<Vec<StationHours>>,
    pub acceptance: Option<Vec<Acceptance>>,
    pub is_featured: Option<bool>,
}

impl StationRow {
    fn read(fields: &mut Fields<'_>, reference: &Reference) -> Option<Self> {
        let iata_code = fields.required("iata_code", |raw: Raw<'_>| reference.read_airport(raw));
        let summary = fields.optional("summary", read::line(LONGEST_SUMMARY));
        let text = fields.optional("text", read::prose(LONGEST_TEXT));
        let highlights = fields.optional("highlights", |raw: Raw<'_>| {
            parts(raw, '\n', MOST_HIGHLIGHTS, |part| read_highlight(Raw::Text(part)))
        });
        let tag = once(slug);
        let tags = fields.optional("tags", |raw: Raw<'_>| parts(raw, ' ', MOST_TAGS, |part| tag(Raw::Text(part))));
        let word = once(read::word(StationCapability::WORDS));
        let capabilities = fields
            .optional("capabilities", |raw: Raw<'_>| parts(raw, ' ', MOST_CAPABILITIES, |part| word(Raw::Text(part))));
        let hours = fields.optional("hours", read_hours);
        let acceptance = fields
            .optional("acceptance", |raw: Raw<'_>| parts(raw, ';', MOST_RULES, |part| read_rule(part, reference)));
        let is_featured = fields.optional("is_featured", read::boolean);
        let iata_code = iata_code?;
        Some(Self { iata_code, summary, text, highlights, tags, capabilities, hours, acceptance, is_featured })
    }

    /// Returns the station after the row.
    pub fn applied(&self, before: &Station) -> Station {
        let (row, mut after) = (self.clone(), before.clone());
        let content = &mut after.content;
        content.summary = row.summary.or(content.summary.take());
        content.text = row.text.or(content.text.take());
        replace(&mut content.highlights, row.highlights);
        replace(&mut content.tags, row.tags);
        replace(&mut content.capabilities, row.capabilities);
        replace(&mut content.hours, row.hours);
        replace(&mut content.acceptance, row.acceptance);
        replace(&mut after.is_featured, row.is_featured);
        after
    }
}

fn replace<T>(member: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *member = with;
    }
}

/// Reads the parts of a cell.
fn parts<T>(
    raw: Raw<'_>,
    separator: char,
    most: usize,
    read: impl Fn(&str) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let cell = read::any(raw)?;
    let parts: Vec<&str> = cell.split(separator).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > most {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {most} entries")));
    }
    parts.into_iter().map(read).collect()
}

/// Reads hours such as `EXPORT 12345 06:00-22:00; IMPORT 67 08:00-12:00`.
fn read_hours(raw: Raw<'_>) -> Result<Vec<StationHours>, Fault> {
    let hours = parts(raw, ';', MOST_HOURS, read_opening)?;
    if overlapping(&hours).is_empty() { Ok(hours) } else { Err(overlap()) }
}

fn read_opening(part: &str) -> Result<StationHours, Fault> {
    let malformed = || Fault::format("must be hours such as EXPORT 12345 06:00-22:00, with ; between them");
    let [desk, days, times] =
        <[&str; 3]>::try_from(part.split_whitespace().collect::<Vec<_>>()).map_err(|_| malformed())?;
    let desk = read::word(StationDesk::WORDS)(Raw::Text(desk))?;
    let day = once(read::integer(1_i16, 7));
    let digits = days.chars().map(|digit| day(Raw::Text(&digit.to_string())));
    let mut days = digits.collect::<Result<Vec<_>, _>>()?;
    days.sort_unstable();
    let (from, to) = times.split_once('-').ok_or_else(malformed)?;
    let from = from.parse()?;
    Ok(StationHours { desk, days, from, to: fault_of_closing(Some(from), to.parse()?)? })
}

/// Reads a rule such as `240`, `90 product=EXPRESS` or `360 code=AVI`.
fn read_rule(part: &str, reference: &Reference) -> Result<Acceptance, Fault> {
    let mut words = part.split_whitespace();
    let minutes = words.next().unwrap_or_default();
    let minutes_before = read::integer(0, LONGEST_BEFORE)(Raw::Text(minutes))?;
    let mut rule = Acceptance { minutes_before, product: None, handling_code: None };
    for word in words {
        match word.split_once('=') {
            Some(("product", product)) if rule.product.is_none() => {
                rule.product = Some(read_product(Raw::Text(product))?);
            }
            Some(("code", code)) if rule.handling_code.is_none() => {
                rule.handling_code = Some(reference.read_handling_code(Raw::Text(code))?);
            }
            _ => return Err(Fault::format("must be minutes, and perhaps product=… or code=…, with ; between rules")),
        }
    }
    Ok(rule)
}

/// Reads the rows of a table, each with its number.
pub(super) fn read_rows(table: &Table, reference: &Reference) -> Result<Vec<(u64, StationRow)>, TableError> {
    let mut seen = BTreeMap::<AirportCode, u64>::new();
    read_table(table, &READ, |fields, number| {
        let row = StationRow::read(fields, reference)?;
        if let Some(first) = seen.insert(row.iata_code, number) {
            fields.fault("iata_code", &Fault::format(format!("names the same station as row {first}")));
        }
        Some((number, row))
    })
}

/// Returns a station as a row of an export.
pub(super) fn written(station: &Station) -> Value {
    let content = &station.content;
    let capabilities: Vec<&str> = content.capabilities.iter().map(|word| word.as_str()).collect();
    let hours: Vec<String> = content.hours.iter().map(written_hours).collect();
    let acceptance: Vec<String> = content.acceptance.iter().map(written_rule).collect();
    json!({
        "iata_code": station.code, "summary": content.summary, "text": content.text,
        "highlights": content.highlights.join("\n"), "tags": content.tags.join(" "),
        "capabilities": capabilities.join(" "), "hours": hours.join("; "), "acceptance": acceptance.join("; "),
        "is_featured": station.is_featured,
    })
}

fn written_hours(hours: &StationHours) -> String {
    let days: String = hours.days.iter().map(ToString::to_string).collect();
    format!("{} {days} {}-{}", hours.desk.as_str(), hours.from, hours.to)
}

fn written_rule(rule: &Acceptance) -> String {
    let product = rule.product.iter().map(|product| format!(" product={product}"));
    let code = rule.handling_code.iter().map(|code| format!(" code={code}"));
    std::iter::once(rule.minutes_before.to_string()).chain(product).chain(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_rules_are_read_as_they_are_written() {
        let reference = Reference::bundled().unwrap();
        let cell = "EXPORT 12345 06:00-22:00; EXPORT 67 08:00-24:00; CUSTOMS 1 00:00-12:00";
        let hours = read_hours(Raw::Text(cell)).unwrap();
        assert_eq!(hours.iter().map(written_hours).collect::<Vec<_>>().join("; "), cell);
        for rule in ["240", "90 product=EXPRESS", "360 code=AVI", "60 product=EXPRESS code=PER"] {
            assert_eq!(written_rule(&read_rule(rule, &reference).unwrap()), rule);
        }
    }

    #[test]
    fn a_cell_that_is_no_hours_or_rules_is_refused() {
        let reference = Reference::bundled().unwrap();
        for (cell, code) in [
            ("EXPORT 1 06:00", FaultCode::InvalidFormat),
            ("EXPORT 18 06:00-07:00", FaultCode::TooLarge),
            ("EXPORT 11 06:00-07:00", FaultCode::InvalidFormat),
            ("DOCK 1 06:00-07:00", FaultCode::UnknownValue),
            ("EXPORT 1 07:00-06:00", FaultCode::OutOfOrder),
            ("EXPORT 1 06:00-08:00; EXPORT 12 07:00-09:00", FaultCode::OutOfOrder),
        ] {
            assert_eq!(read_hours(Raw::Text(cell)).unwrap_err().code, code, "{cell}");
        }
        for (rule, code) in [
            ("soon", FaultCode::WrongType),
            ("10081", FaultCode::TooLarge),
            ("60 code=QQQ", FaultCode::UnknownValue),
            ("60 AVI", FaultCode::InvalidFormat),
            ("60 code=AVI code=PER", FaultCode::InvalidFormat),
            ("60 product=EXPRESS product=PHARMA", FaultCode::InvalidFormat),
        ] {
            assert_eq!(read_rule(rule, &reference).unwrap_err().code, code, "{rule}");
        }
    }
}
