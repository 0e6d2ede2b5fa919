use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    tables::{CellKind, Columns, Table, read_apart, read_table},
    web::{Fields, Raw, read},
};
use loadmaster_reference::Reference;

use super::{
    super::{
        FlightError, FlightService,
        dto::{CapacityShape, complete_capacity, read_capacity},
        model::{LONGEST_CUTOFF_MINUTES, NewFlight},
    },
    expanding::Expanding,
    model::{LONGEST_PERIOD, ScheduleLine, Season},
    ssim, times,
};

/// The columns of a season, in the order of the documented header.
const COLUMNS: Columns = Columns {
    required: &[
        "flight_number",
        "origin",
        "destination",
        "departure_time",
        "arrival_time",
        "arrival_day_offset",
        "days_of_operation",
        "from",
        "to",
        "aircraft_code",
        "weight_kg",
        "volume_m3",
        "positions",
        "cutoff_minutes",
    ],
    optional: &[],
    kinds: &[
        ("from", CellKind::Date),
        ("to", CellKind::Date),
        ("weight_kg", CellKind::Number),
        ("volume_m3", CellKind::Number),
        ("positions", CellKind::Number),
        ("cutoff_minutes", CellKind::Number),
    ],
};
/// Most dated flights of a table: they are created in one transaction.
pub(crate) const MOST_FLIGHTS: usize = 500_000;

impl FlightService {
    /// Reads a table of recurring flights, or a file of SSIM.
    pub async fn read_season(&self, table: Table) -> Result<Season, FlightError> {
        let (reference, services, now) = (self.reference.clone(), self.service_types.clone(), self.clock.now());
        read_apart(move || Season::read(&table, &reference, &services, now, MOST_FLIGHTS)).await?
    }
}

impl Season {
    /// Reads a file of SSIM, or a table, whose airports, airlines and aircraft must be in `reference`, and expands it to at most `most`
    /// flights. Of a file of SSIM, legs of these service types are flights. Fails with at most 100 faults.
    pub fn read(
        table: &Table,
        reference: &Reference,
        service_types: &[String],
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Self, FlightError> {
        let mut expanding = Expanding::of(reference, now, most);
        if ssim::is_ssim(table.bytes()) {
            return ssim::read(table.bytes(), reference, service_types, expanding);
        }
        let lines = read_table(table, &COLUMNS, |fields, row| {
            let line = ScheduleLine::read(fields, row, reference)?;
            if !fields.is_clean() {
                return None;
            }
            match expanding.add(&line) {
                Ok(None) => Some(Ok(line)),
                Ok(Some((column, fault))) => {
                    fields.fault(column, &fault);
                    None
                }
                Err(error) => Some(Err(error)),
            }
        });
        let lines = lines?.into_iter().collect::<Result<_, _>>()?;
        Ok(expanding.finish(lines))
    }
}

impl ScheduleLine {
    /// `None` after a fault.
    fn read(fields: &mut Fields<'_>, row: u64, reference: &Reference) -> Option<Self> {
        let number = fields.required("flight_number", |raw| reference.read_flight_number(raw));
        let origin = fields.required("origin", |raw| reference.read_airport(raw));
        let destination = fields.required("destination", |raw| reference.read_destination(raw, origin));
        let departure = fields.required("departure_time", times::departure);
        let arrival = fields.required("arrival_time", times::arrival);
        let offset = fields.optional("arrival_day_offset", times::day_offset);
        let offset = arrival.and_then(|arrival| {
            arrival.offset(offset).map_err(|fault| fields.fault("arrival_day_offset", &fault)).ok()
        });
        let days = fields.required("days_of_operation", read::code);
        let from = fields.required("from", read::date);
        let to = fields.required("to", |raw| read_to(raw, from));
        let aircraft = fields.optional("aircraft_code", |raw| reference.read_aircraft(raw));
        let capacity = read_capacity(fields, CapacityShape::Cells);
        let cutoff = fields.optional("cutoff_minutes", read::integer(0, LONGEST_CUTOFF_MINUTES));
        let known = aircraft.and_then(|code| reference.aircraft(code));
        Some(Self {
            row,
            number: number?,
            origin: origin?,
            destination: destination?,
            departure: departure?,
            arrival: arrival?.time,
            is_second: (false, false),
            arrival_day_offset: offset?,
            days: days?,
            from: from?,
            to: to?,
            fortnightly_from: None,
            aircraft,
            is_freighter: known.as_deref().is_some_and(|aircraft| aircraft.is_freighter),
            capacity: complete_capacity(capacity?, known.as_deref())?,
            cutoff_minutes: cutoff.unwrap_or(NewFlight::DEFAULT_CUTOFF_MINUTES),
            also_sold_as: None,
        })
    }
}

/// Reads the last date of a period that begins then.
pub(crate) fn read_to(raw: Raw<'_>, from: Option<NaiveDate>) -> Result<NaiveDate, Fault> {
    let to = read::last_date(raw, from, "from")?;
    match from {
        Some(from) if (to - from).num_days() >= LONGEST_PERIOD => {
            Err(Fault::new(FaultCode::TooLarge, format!("must end a period of at most {LONGEST_PERIOD} days")))
        }
        _ => Ok(to),
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write, sync::LazyLock};

    use super::*;
    use loadmaster_platform::tables::TableError;

    static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::bundled().unwrap());
    const LINE: &str = "AI101,DEL,LHR,10:00,14:30,,1.3.5..,2026-12-01,2026-12-31,77X,,,,";

    fn table(rows: &[&str]) -> Table {
        let mut text = COLUMNS.required.join(",");
        for row in rows {
            write!(text, "\n{row}").unwrap();
        }
        Table::of_file(text.into_bytes().into())
    }

    /// In the morning of 10 December 2026 in Delhi, late on the 9th in New York.
    fn read_at_most(most: usize, table: &Table) -> Result<Season, Vec<String>> {
        let now = "2026-12-10T03:30:00Z".parse().unwrap();
        match Season::read(table, &REFERENCE, &[], now, most) {
            Ok(season) => Ok(season),
            Err(FlightError::Table(TableError::Faults(faults))) => {
                Err(faults.first().iter().map(|fault| fault.message.clone()).collect())
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn read(rows: &[&str]) -> Result<Season, Vec<String>> {
        read_at_most(MOST_FLIGHTS, &table(rows))
    }

    /// The faults of `LINE` with another text.
    fn faults(replace: &str, by: &str) -> Vec<String> {
        assert!(LINE.contains(replace));
        read(&[&LINE.replacen(replace, by, 1)]).unwrap_err()
    }

    #[test]
    fn a_line_has_the_defaults_of_a_flight() {
        let season = read(&[LINE, "ai0102,lhr,del,9:05,23:00,,7,2026-12-13,2026-12-13,,1000,,,90"]).unwrap();
        let [first, second] = season.lines.as_slice() else { panic!("two lines") };
        assert_eq!((first.row, first.arrival_day_offset, first.cutoff_minutes), (1, 0, 60));
        assert_eq!(first.capacity.figures(), [1_020_000, 653_000, 37]);
        assert!(first.is_freighter);
        assert_eq!((second.number.as_str(), second.departure.to_string()), ("AI102", "09:05:00".to_owned()));
        assert_eq!((second.aircraft, second.capacity.figures(), second.cutoff_minutes), (None, [10_000, 6_000, 0], 90));
    }

    /// British Columbia stays at -07 from November 2026 on (release 2026b of the time zone database).
    #[test]
    fn a_line_follows_the_rules_of_time_zones_of_2026() {
        let season = read(&["AI9001,YVR,LHR,10:00,05:00,1,1234567,2027-01-20,2027-01-20,,1000,,,"]).unwrap();
        let departures: Vec<String> =
            season.timetable.0.iter().map(|dated| dated.flight.departure.to_rfc3339()).collect();
        assert_eq!(departures, ["2027-01-20T17:00:00+00:00"]);
    }

    /// As timetables write them: 24:00 ends the day of arrival (SSIM, chapter 7), and days after that of departure have a sign.
    #[test]
    fn a_line_may_arrive_at_24_00_and_one_day_later_with_a_sign() {
        let text = "flight_number,origin,destination,departure_time,arrival_time,arrival_day_offset,days_of_operation,from,to,\
                    aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n\
                    AI9004,DEL,BOM,22:00,24:00,0,1234567,2027-03-02,2027-03-02,,1000,,,\n\
                    AI9005,DEL,BOM,23:00,01:10,+1,1234567,2027-03-02,2027-03-02,,1000,,,\n";
        let season = read_at_most(MOST_FLIGHTS, &Table::of_file(text.as_bytes().to_vec().into())).unwrap();
        let arrivals: Vec<String> = season.timetable.0.iter().map(|dated| dated.flight.arrival.to_rfc3339()).collect();
        assert_eq!(arrivals, ["2027-03-02T18:30:00+00:00", "2027-03-02T19:40:00+00:00"]);
    }

    #[test]
    fn flights_before_today_at_their_origin_are_left_out() {
        let daily =
            |number, from, to| format!("{number},{from},{to},12:00,20:00,,1234567,2026-12-08,2026-12-11,77X,,,,");
        let season = read(&[&daily("AI1", "DEL", "FRA"), &daily("AI2", "JFK", "BOS")]).unwrap();
        let dates = season.timetable.0.iter().map(|dated| format!("{} {}", dated.name.0, dated.name.2.format("%d")));
        assert_eq!(dates.collect::<Vec<_>>(), ["AI1 10", "AI1 11", "AI2 09", "AI2 10", "AI2 11"]);
        assert_eq!(season.past, 3);
        for (number, origin, begin) in [("AI1", "DEL", "2026-12-10"), ("AI2", "JFK", "2026-12-09")] {
            let periods = &season.periods()[&origin.parse().unwrap()][&number.parse().unwrap()];
            assert_eq!(periods.iter().map(|(from, _)| from.to_string()).collect::<Vec<_>>(), [begin]);
        }
    }

    #[test]
    fn each_cell_is_checked() {
        for (replace, by, expected) in [
            ("AI101", "AI", "`flight_number` in row 1 must be an airline designator"),
            ("DEL", "QQQ", "`origin` in row 1 names an unknown airport"),
            ("LHR", "DEL", "`destination` in row 1 "),
            ("10:00", "25:00", "`departure_time` in row 1 must be a local time from 00:00 to 23:59."),
            ("10:00", "10:0", "`departure_time` in row 1 must be a local time"),
            ("10:00", "10:00:30", "`departure_time` in row 1 must be a local time"),
            ("10:00", "24:00", "`departure_time` in row 1 must be a local time from 00:00 to 23:59; at midnight"),
            ("10:00", "", "`departure_time` in row 1 is required."),
            ("14:30", "half past two", "`arrival_time` in row 1 must be a local time"),
            (",,1.3", ",3,1.3", "`arrival_day_offset` in row 1 must be at most 2."),
            (",,1.3", ",-2,1.3", "`arrival_day_offset` in row 1 must be at least -1."),
            ("1.3.5..", "daily", "`days_of_operation` in row 1 must be days in order, 1 for Monday"),
            ("1.3.5..", "", "`days_of_operation` in row 1 is required."),
            ("2026-12-01", "1 December", "`from` in row 1 must be an existing date"),
            ("2026-12-31", "2026-11-30", "`to` in row 1 must not be before `from`."),
            ("2026-12-31", "2028-01-05", "`to` in row 1 must end a period of at most 400 days."),
            ("77X", "QQQ", "`aircraft_code` in row 1 "),
            ("77X", "", "`weight_kg` in row 1 is required."),
            ("77X,,,,", "77X,,,,43201", "`cutoff_minutes` in row 1 must be at most 43200."),
            ("14:30", "04:00", "`arrival_time` in row 1 must be after the departure on 2026-12-02."),
        ] {
            let found = faults(replace, by);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{replace} → {by}: {found:?}");
        }
        assert!(read(&[&LINE.replace("2026-12-31", "2028-01-04")]).is_ok());
        // Both days exist, but neither is a Monday, Wednesday or Friday.
        let found = faults("2026-12-01,2026-12-31", "2026-12-05,2026-12-06");
        assert_eq!(found, ["`days_of_operation` in row 1 has no day between `from` and `to`."]);
    }

    #[test]
    fn an_arrival_at_24_00_ends_the_day_and_days_may_have_a_plus() {
        let season = read(&[
            "AI9004,DEL,BOM,22:00,24:00,0,1234567,2027-03-02,2027-03-02,,1000,,,",
            "AI9005,DEL,BOM,23:00,01:10,+1,1234567,2027-03-02,2027-03-02,,1000,,,",
            "AI 9006,DEL,BOM,2300,0110+1,,1234567,02.03.2027,02MAR27,,1000,,,",
        ]);
        let arrivals = season.unwrap().timetable.0.into_iter().map(|dated| dated.flight.arrival.to_rfc3339());
        let expected = ["2027-03-02T18:30:00+00:00", "2027-03-02T19:40:00+00:00", "2027-03-02T19:40:00+00:00"];
        assert_eq!(arrivals.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn all_faults_of_all_rows_are_reported() {
        let found = read(&[&LINE.replace("DEL", "QQQ").replace("10:00", "x"), LINE, &LINE.replace("LHR", "QQQ")]);
        let found = found.unwrap_err();
        let begins = ["`origin` in row 1", "`departure_time` in row 1", "`destination` in row 3"];
        assert!(
            found.len() == 3 && found.iter().zip(begins).all(|(fault, begin)| fault.starts_with(begin)),
            "{found:?}"
        );
    }

    #[test]
    fn two_lines_that_give_one_flight_are_a_fault_that_names_both() {
        let other = LINE.replace("LHR", "FRA").replace("1.3.5..", "..345..");
        let found = read(&[LINE, &LINE.replace("DEL", "BOM"), &other]).unwrap_err();
        assert_eq!(found, ["`flight_number` in row 3 gives the same flight as row 1, on 2026-12-02."]);
        assert!(read(&[LINE, &LINE.replace("1.3.5..", ".2.4.67")]).is_ok());
    }

    #[test]
    fn a_table_gives_a_bounded_number_of_flights() {
        // Thirteen each.
        let rows = [LINE, &LINE.replace("AI101", "AI102"), &LINE.replace("AI101", "AI103")];
        assert!(read_at_most(39, &table(&rows)).is_ok());
        let found = read_at_most(25, &table(&rows)).unwrap_err();
        let text = "`days_of_operation` in row 2 gives more flights than the 25 that a table may give.";
        assert_eq!(found, [text]);
    }

    #[test]
    fn a_workbook_may_have_times_and_dates_of_its_own() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        let cells = LINE.split(',').map(str::to_owned);
        for (at, (name, cell)) in (0..).zip(COLUMNS.required.iter().zip(cells)) {
            sheet.write_string(0, at, *name).unwrap();
            match *name {
                "departure_time" => sheet.write_number(1, at, 10.0 / 24.0).unwrap(),
                "days_of_operation" => sheet.write_number(1, at, 135.0).unwrap(),
                _ => sheet.write_string(1, at, cell).unwrap(),
            };
        }
        let time = rust_xlsxwriter::Format::new().set_num_format("hh:mm");
        let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_number_with_format(1, 3, 10.0 / 24.0, &time).unwrap();
        sheet.write_number_with_format(1, 4, 0.0, &time).unwrap();
        sheet.write_number(1, 5, 1.0).unwrap();
        // 1 December 2026.
        sheet.write_number_with_format(1, 7, 46_357.0, &date).unwrap();
        let table = Table::of_file(workbook.save_to_buffer().unwrap().into());
        let season = read_at_most(MOST_FLIGHTS, &table).unwrap();
        let line = &season.lines[0];
        assert_eq!((line.departure.to_string(), line.arrival.to_string()), ("10:00:00".into(), "00:00:00".into()));
        assert_eq!((line.from.to_string(), line.days.to_string()), ("2026-12-01".into(), "1.3.5..".into()));
    }

    #[test]
    fn a_workbook_may_have_times_and_dates_in_iso_8601() {
        let workbook = include_bytes!("../../../../tests/fuzz/corpus/workbook/iso-cells.xlsx").as_slice();
        let season = read_at_most(MOST_FLIGHTS, &Table::of_file(workbook.into())).unwrap();
        let [dated] = season.timetable.0.as_slice() else { panic!("one flight") };
        let times = [dated.flight.departure, dated.flight.arrival].map(|time| time.to_rfc3339());
        assert_eq!(times, ["2027-03-03T04:30:00+00:00", "2027-03-03T06:40:00+00:00"]);
        assert_eq!(season.lines[0].number.as_str(), "AI9006");
    }
}
