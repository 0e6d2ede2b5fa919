//! Seasons in the form of the IATA Standard Schedules Information Manual (SSIM), chapter 7: records of 200 columns, each a line.
//! The first column is the type: 1 begins the file, 2 a carrier, 3 is a leg, 4 adds to it, 5 ends the carrier.
mod leg;
mod own;
mod record;
mod sold;
pub(super) mod write;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use loadmaster_kernel::{Fault, FlightNumber};
use loadmaster_platform::{
    tables::TableFaults,
    web::{Raw, read as values},
};
use loadmaster_reference::Reference;

use self::{
    own::Own,
    record::{Record, date},
    sold::SoldLegs,
};
use super::{
    super::FlightError,
    expanding::Expanding,
    model::{ScheduleLine, Season},
};

const TITLE: &str = "1AIRLINE STANDARD SCHEDULE DATA SET";
const LENGTH: usize = 200;
/// The serial number of a record after 999999: that of the first record does not come again.
const SERIAL_AGAIN: u32 = 2;
const LAST_SERIAL: u32 = 999_999;
/// Number of faults after which a file is read no further.
const ENOUGH_FAULTS: usize = 100;

/// Of a record of type 2.
#[derive(Debug, Clone, Copy)]
struct Carrier {
    is_in_utc: bool,
    /// The last day of the season, if it has one.
    to: Option<NaiveDate>,
}

/// Returns whether a file is SSIM: its first record, behind any that fill up a block, has the title.
pub(super) fn is_ssim(file: &[u8]) -> bool {
    let begin = file.iter().position(|byte| !matches!(byte, b'0' | b' ' | b'\r' | b'\n')).unwrap_or(file.len());
    file[begin..].starts_with(TITLE.as_bytes())
}

/// Returns the serial number of the record after this one.
const fn following(serial: u32) -> u32 {
    if serial == LAST_SERIAL { SERIAL_AGAIN } else { serial.saturating_add(1) }
}

/// Reads a file line by line. Fails with at most 100 faults, after which nothing more is read.
pub(super) fn read<'a>(
    file: &'a [u8],
    reference: &'a Reference,
    service_types: &'a [String],
    expanding: Expanding<'a>,
) -> Result<Season, FlightError> {
    let mut reading = Reading {
        reference,
        service_types,
        expanding,
        row: 0,
        kind: 0,
        serial: Some(0),
        is_continued: false,
        carrier: None,
        pending: None,
        sold: SoldLegs::default(),
        other_offsets: 0,
        lines: Vec::new(),
        faults: TableFaults::default(),
    };
    for (row, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if reading.is_given_up() {
            break;
        }
        // Records of zeros, or blanks, fill up the blocks of a tape.
        let is_filler = line.iter().all(|byte| matches!(byte, b'0' | b' '));
        if let Some(kind) = line.first().filter(|_| !is_filler) {
            reading.row = row;
            reading.record(*kind, line)?;
        }
    }
    reading.finish()
}

/// The last leg. It is expanded after its records of type 4, one of which may say that it is flown under another number.
struct Pending<'a> {
    row: u64,
    text: &'a str,
    carrier: Carrier,
    own: Option<Own>,
    others: BTreeSet<FlightNumber>,
    /// The number under which it is flown, if that is another: then it gives no flight.
    operating: Option<FlightNumber>,
}

struct Reading<'a> {
    reference: &'a Reference,
    service_types: &'a [String],
    expanding: Expanding<'a>,
    /// The present line of the file, counted from 1, and the type of its record.
    row: u64,
    kind: u8,
    /// The serial number of the record before, if it was read.
    serial: Option<u32>,
    /// Whether another carrier follows the last one.
    is_continued: bool,
    carrier: Option<Carrier>,
    pending: Option<Pending<'a>>,
    sold: SoldLegs,
    /// Number of legs that state another offset from UTC than their airport has.
    other_offsets: u64,
    lines: Vec<ScheduleLine>,
    faults: TableFaults,
}

impl<'a> Reading<'a> {
    fn record(&mut self, kind: u8, line: &'a [u8]) -> Result<(), FlightError> {
        let before = std::mem::replace(&mut self.kind, kind);
        if !self.may_follow(before) {
            self.fault(
                "record_type",
                "is not in order: 1, then for each carrier 2, its legs (3, each with its 4) and 5",
            );
        }
        let text = std::str::from_utf8(line).ok().filter(|text| text.is_ascii() && text.len() == LENGTH);
        let Some(text) = text else {
            self.serial = None;
            self.fault("record", format!("must have {LENGTH} characters of ASCII; it has {}", line.len()));
            return Ok(());
        };
        if kind != b'4' {
            self.add_pending()?;
        }
        let last_serial = self.serial;
        self.check_serial(text);
        match kind {
            b'2' => self.carrier(text),
            b'3' => self.leg(text),
            b'4' => self.data(text),
            b'5' => self.trailer(text, last_serial),
            _ => {}
        }
        Ok(())
    }

    fn may_follow(&self, before: u8) -> bool {
        match self.kind {
            b'1' => before == 0,
            b'2' => before == b'1' || (before == b'5' && self.is_continued),
            b'3' | b'5' => matches!(before, b'2' | b'3' | b'4'),
            b'4' => matches!(before, b'3' | b'4'),
            _ => false,
        }
    }

    fn fault(&mut self, column: &'static str, text: impl Into<std::borrow::Cow<'static, str>>) {
        let mut record = Record::of(self.row, "");
        record.fault(column, &Fault::format(text));
        self.faults.add(record.finish());
    }

    fn check_serial(&mut self, text: &str) {
        let mut record = Record::of(self.row, text);
        let serial = record.at("serial", 194..200, record::number);
        self.faults.add(record.finish());
        let expected = self.serial.map(following);
        if let (Some(serial), Some(expected)) = (serial, expected)
            && serial != expected
        {
            self.fault("serial", format!("must be {expected:06} after the record before, in columns 195 to 200"));
        }
        self.serial = serial;
    }

    fn carrier(&mut self, text: &str) {
        let mut record = Record::of(self.row, text);
        let mode = values::word(&[("U", true), ("L", false)]);
        let is_in_utc = record.at("time_mode", 1..2, |cell| mode(Raw::Text(cell)));
        let to = record.at("to", 21..28, |cell| if record::is_open(cell) { Ok(None) } else { date(cell).map(Some) });
        self.carrier = is_in_utc.zip(to).map(|(is_in_utc, to)| Carrier { is_in_utc, to });
        self.faults.add(record.finish());
    }

    fn leg(&mut self, text: &'a str) {
        // Without a carrier, its fault has been reported.
        let carrier = self.carrier.filter(|_| leg::is_flight(text, self.service_types));
        let (own, others, operating) = (None, BTreeSet::new(), None);
        self.pending = carrier.map(|carrier| Pending { row: self.row, text, carrier, own, others, operating });
    }

    /// Reads what is added to the last leg.
    fn data(&mut self, text: &str) {
        let Some(pending) = &mut self.pending else { return };
        if text[1..13] != pending.text[1..13] {
            self.fault("flight_number", "must be as in the leg before, like all of columns 2 to 13");
            return;
        }
        let mut record = Record::of(self.row, text);
        match &text[30..33] {
            sold::OPERATING => match record.at("operating_flight", 39..194, sold::read_operating) {
                Some(number) => pending.operating = Some(number),
                None => self.pending = None,
            },
            sold::OTHERS => {
                record.at("also_sold_as", 39..194, |data| sold::read_others(data, &mut pending.others));
            }
            own::IDENTIFIER => {
                if let Some(Some(own)) = record.at("capacity", 39..194, own::read) {
                    pending.own = Some(own);
                }
            }
            _ => {}
        }
        self.faults.add(record.finish());
    }

    fn trailer(&mut self, text: &str, last_serial: Option<u32>) {
        let mut record = Record::of(self.row, text);
        let checked = record.at("serial_before", 187..193, record::number);
        let end = values::word(&[("C", true), ("E", false)]);
        let is_continued = record.at("end", 193..194, |cell| end(Raw::Text(cell)));
        self.faults.add(record.finish());
        self.is_continued = is_continued.unwrap_or_default();
        if checked.zip(last_serial).is_some_and(|(checked, last)| checked != last) {
            self.fault("serial_before", "must be the serial number of the record before, in columns 188 to 193");
        }
        self.carrier = None;
    }

    /// Adds the flights of the last leg.
    fn add_pending(&mut self) -> Result<(), FlightError> {
        let Some(Pending { row, text, carrier, own, others, operating }) = self.pending.take() else { return Ok(()) };
        if let Some(operating) = operating {
            self.sold.add((row, text), carrier, operating, self.reference);
            return Ok(());
        }
        let mut record = Record::of(row, text);
        let mut is_other = false;
        for mut line in leg::lines(&mut record, own, carrier, self.reference).unwrap_or_default() {
            line.also_sold_as = Some(others.iter().copied().filter(|other| *other != line.number).collect());
            if let Some((column, fault)) = self.expanding.add(&line)? {
                record.fault(column, &fault);
                break;
            }
            is_other |= leg::states_other_offset(text, &line, self.reference);
            self.lines.push(line);
        }
        self.other_offsets += u64::from(is_other);
        self.faults.add(record.finish());
        Ok(())
    }

    /// Returns whether the file is refused, whatever follows.
    const fn is_given_up(&self) -> bool {
        self.expanding.is_full() || self.faults.total() >= ENOUGH_FAULTS
    }

    fn finish(mut self) -> Result<Season, FlightError> {
        if !self.is_given_up() && (self.kind != b'5' || self.is_continued) {
            self.fault("record_type", "must not be the last one: the file ends without its record of type 5");
        }
        if let Err((row, fault)) = self.sold.give(self.expanding.flights()) {
            let mut record = Record::of(row, "");
            record.fault("flight_number", &fault);
            self.faults.add(record.finish());
        }
        let Self { expanding, lines, faults, other_offsets, .. } = self;
        let season = expanding.finish(faults.unless_faulty(lines)?);
        Ok(Season { other_offsets, ..season })
    }
}

#[cfg(test)]
mod tests;
