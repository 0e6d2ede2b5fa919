//! Codeshares: flights that other carriers sell under numbers of their own.
use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use loadmaster_capacity::Space;
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightNumber};
use loadmaster_reference::Reference;

use super::{
    super::{
        super::timetable::Dated,
        days::DaysOfOperation,
        model::{ScheduleLine, is_flown_in_week},
    },
    Carrier, leg,
    own::Own,
    record::Record,
};

/// The identifier of the data element with the numbers of the others: it stands behind a leg of the carrier that flies it.
pub(super) const OTHERS: &str = "010";
/// That with the number under which a leg is flown: it stands behind the leg of a carrier that only sells it.
pub(super) const OPERATING: &str = "050";
/// Most numbers of a flight beside its own.
const MOST: usize = 50;
/// Numbers that fit into the data of one record.
const IN_RECORD: usize = 16;

/// Reads numbers such as `SQ 0401/LH 9012`.
fn read(data: &str) -> Result<Vec<FlightNumber>, Fault> {
    let fault = || Fault::format("must be flight numbers with / between them, such as SQ 0401/LH 9012");
    let compact = |text: &str| text.split_ascii_whitespace().collect::<String>();
    data.split('/').map(|text| compact(text).parse::<FlightNumber>().map_err(|_| fault())).collect()
}

/// Reads the number under which a leg is flown.
pub(super) fn read_operating(data: &str) -> Result<FlightNumber, Fault> {
    match *read(data)?.as_slice() {
        [number] => Ok(number),
        _ => Err(Fault::format("must be one flight number, such as SQ 0401")),
    }
}

/// Reads numbers, and adds them to those of a flight.
pub(super) fn read_others(data: &str, others: &mut BTreeSet<FlightNumber>) -> Result<(), Fault> {
    others.extend(read(data)?);
    if others.len() > MOST { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> Fault {
    Fault::new(FaultCode::TooLong, format!("gives a flight more than {MOST} numbers beside its own"))
}

/// Returns the data of the records that give these numbers.
pub(super) fn written(numbers: &[FlightNumber]) -> impl Iterator<Item = String> {
    let data = |numbers: &[FlightNumber]| numbers.iter().copied().map(designator).collect::<Vec<_>>().join("/");
    numbers.chunks(IN_RECORD).map(data)
}

fn designator(number: FlightNumber) -> String {
    let (airline, rest) = number.as_str().split_at(2);
    let digits = rest.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    format!("{airline:3}{digits:0>4}{}", &rest[digits.len()..])
}

/// The legs that carriers only sell, by number and origin of the flight.
#[derive(Default)]
pub(super) struct SoldLegs(HashMap<(FlightNumber, AirportCode), Vec<SoldLeg>>);

/// The days on which a carrier sells a flight under its own number.
struct SoldLeg {
    row: u64,
    number: FlightNumber,
    from: NaiveDate,
    to: NaiveDate,
    days: DaysOfOperation,
    fortnightly_from: Option<NaiveDate>,
}

impl SoldLeg {
    fn is_on(&self, date: NaiveDate) -> bool {
        let is_in_period = (self.from..=self.to).contains(&date) && self.days.contains(date);
        is_in_period && is_flown_in_week(self.fortnightly_from, date)
    }
}

impl SoldLegs {
    /// Adds a leg that is flown under another number. One that cannot be read is left out: nothing is sold under its number.
    pub fn add(&mut self, (row, text): (u64, &str), carrier: Carrier, operating: FlightNumber, reference: &Reference) {
        // Aircraft and capacity are those of the flight.
        let text = format!("{}   {}", &text[..72], &text[75..]);
        let own = Own { capacity: Space::default(), cutoff_minutes: 0 };
        let lines = leg::lines(&mut Record::of(row, &text), Some(own), carrier, reference);
        for line in lines.unwrap_or_default() {
            let ScheduleLine { number, origin, from, to, days, fortnightly_from, .. } = line;
            let leg = SoldLeg { row, number, from, to, days, fortnightly_from };
            self.0.entry((operating, origin)).or_default().push(leg);
        }
    }

    /// Gives flights the numbers under which they are sold. Fails with the row of a leg that gives a flight one too many.
    pub fn give(&self, flights: &mut [Dated]) -> Result<(), (u64, Fault)> {
        if self.0.is_empty() {
            return Ok(());
        }
        for Dated { name: (number, origin, date), flight, .. } in flights {
            let legs = self.0.get(&(*number, *origin)).into_iter().flatten();
            for leg in legs.filter(|leg| leg.number != *number && leg.is_on(*date)) {
                let others = flight.also_sold_as.get_or_insert_default();
                let Err(place) = others.binary_search(&leg.number) else { continue };
                if others.len() == MOST {
                    return Err((leg.row, too_many()));
                }
                others.insert(place, leg.number);
            }
        }
        Ok(())
    }
}
