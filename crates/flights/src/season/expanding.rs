use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirportCode, Fault, FaultCode};
use loadmaster_reference::Reference;

use super::{
    super::{
        FlightError,
        timetable::{Dated, Name, Timetable},
    },
    expand::Cause,
    model::{ScheduleLine, Season},
};

/// The dated flights of the lines so far.
pub(super) struct Expanding<'a> {
    reference: &'a Reference,
    now: DateTime<Utc>,
    most: usize,
    /// Each flight, and the row that gives it.
    seen: HashMap<Name, u64>,
    dated: Vec<Dated>,
    today: HashMap<AirportCode, NaiveDate>,
    past: u64,
    is_full: bool,
}

impl<'a> Expanding<'a> {
    pub fn of(reference: &'a Reference, now: DateTime<Utc>, most: usize) -> Self {
        let (seen, dated, today) = (HashMap::new(), Vec::new(), HashMap::new());
        Self { reference, now, most, seen, dated, today, past: 0, is_full: false }
    }

    /// Adds the flights of a line. Returns what is wrong with them, if anything.
    pub fn add(&mut self, line: &ScheduleLine) -> Result<Option<Cause>, FlightError> {
        let airport = |code| self.reference.airport(code).ok_or(FlightError::NoSuchAirport(code));
        let (origin, destination) = (airport(line.origin)?, airport(line.destination)?);
        let today = *self.today.entry(line.origin).or_insert_with(|| origin.local_date(self.now));
        // Counted first: what is too much is not made at all.
        let flights = line.dates().count();
        if flights == 0 {
            return Ok(Some(("days_of_operation", Fault::format("has no day between `from` and `to`"))));
        }
        if self.is_full || self.seen.len() + flights > self.most {
            let text = format!("gives more flights than the {} that a table may give", self.most);
            let is_first = !std::mem::replace(&mut self.is_full, true);
            return Ok(is_first.then(|| ("days_of_operation", Fault::new(FaultCode::TooLong, text))));
        }
        let flights = match line.expand(&origin, &destination) {
            Ok(flights) => flights,
            Err(cause) => return Ok(Some(cause)),
        };
        for (date, flight) in flights {
            let name = (line.number, line.origin, date);
            match self.seen.entry(name) {
                Entry::Vacant(free) => drop(free.insert(line.row)),
                Entry::Occupied(first) => {
                    let text = format!("gives the same flight as row {}, on {date}", first.get());
                    return Ok(Some(("flight_number", Fault::format(text))));
                }
            }
            if date < today {
                self.past += 1;
            } else {
                self.dated.push(Dated { row: line.row, name, flight });
            }
        }
        Ok(None)
    }

    /// Returns whether a line has given more flights than a table may give: the lines after it are not expanded.
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Returns the flights so far, from today on.
    pub fn flights(&mut self) -> &mut [Dated] {
        &mut self.dated
    }

    pub fn finish(self, lines: Vec<ScheduleLine>) -> Season {
        let Self { dated, today, past, .. } = self;
        Season { lines, timetable: Timetable(dated), today, past, other_offsets: 0 }
    }
}
