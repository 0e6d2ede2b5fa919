use std::sync::LazyLock;

use loadmaster_platform::tables::TableError;

use super::*;

mod codeshares;

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::bundled().unwrap());
static SERVICES: LazyLock<Vec<String>> = LazyLock::new(|| ["J", "F"].map(str::to_owned).to_vec());

/// A record with these texts at their columns, counted from 1.
fn record(parts: &[(usize, &str)]) -> String {
    let mut columns = " ".repeat(LENGTH);
    for (column, text) in parts {
        columns.replace_range(column - 1..column - 1 + text.len(), text);
    }
    columns
}

/// Replaces the text at a column, counted from 1.
fn with(record: &str, column: usize, text: &str) -> String {
    let mut changed = record.to_owned();
    changed.replace_range(column - 1..column - 1 + text.len(), text);
    changed
}

fn carrier(mode: &str) -> String {
    record(&[(1, "2"), (2, mode), (3, "AI"), (11, "S27"), (15, "28MAR2730OCT27"), (29, "03MAR27"), (72, "P")])
}

/// AI9007, on a Monday.
fn leg() -> String {
    record(&[
        (1, "3"),
        (3, "AI"),
        (6, "9007"),
        (10, "0101F"),
        (15, "03MAY2703MAY27"),
        (29, "1234567"),
        (37, "DEL"),
        (40, "10001000+0530"),
        (55, "BOM"),
        (58, "12101210+0530"),
        (73, "77X"),
    ])
}

/// A leg with other places, times in UTC or local, days and period.
fn other(lane: (&str, &str), times: (&str, &str), days: &str, period: &str) -> String {
    let leg = with(&with(&leg(), 37, lane.0), 55, lane.1);
    let leg = with(&with(&leg, 40, &times.0.repeat(2)), 58, &times.1.repeat(2));
    with(&with(&leg, 29, days), 15, period)
}

/// The file of a carrier with serial numbers, its title and its last record.
fn file(mode: &str, records: &[String]) -> String {
    let title = record(&[(1, "1AIRLINE STANDARD SCHEDULE DATA SET"), (192, "001")]);
    let last = records.len() + 3;
    let before = format!("{:06}", last - 1);
    let end = record(&[(1, "5"), (3, "AI"), (188, before.as_str()), (194, "E")]);
    let all = [title, carrier(mode)].into_iter().chain(records.iter().cloned()).chain([end]);
    let numbered = (1..).zip(all).map(|(serial, record): (usize, String)| with(&record, 195, &format!("{serial:06}")));
    numbered.collect::<Vec<_>>().join("\n")
}

fn read_file(file: &str) -> Result<Season, Vec<String>> {
    let now = "2027-01-10T12:00:00Z".parse().unwrap();
    assert!(is_ssim(file.as_bytes()));
    match read(file.as_bytes(), &REFERENCE, &SERVICES, Expanding::of(&REFERENCE, now, 1000)) {
        Ok(season) => Ok(season),
        Err(FlightError::Table(TableError::Faults(faults))) => {
            Err(faults.first().iter().map(|fault| fault.message.clone()).collect())
        }
        Err(error) => panic!("{error}"),
    }
}

/// The flights as `number lane departure arrival`, in UTC.
fn flights(file: &str) -> Vec<String> {
    let season = read_file(file).unwrap();
    let shown = season.timetable.0.iter().map(|dated| {
        let flight = &dated.flight;
        let [departure, arrival] = [flight.departure, flight.arrival].map(|at| at.format("%m-%d %H:%M"));
        format!("{} {}-{} {departure} {arrival}", flight.number, flight.origin, flight.destination)
    });
    shown.collect()
}

#[track_caller]
fn check_faults(file: &str, expected: &[&str]) {
    let found = read_file(file).unwrap_err();
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, begin)| found.starts_with(begin)),
        "{found:#?}"
    );
}

#[test]
fn a_file_may_begin_with_records_of_zeros() {
    let zeros = "0".repeat(LENGTH);
    let whole = file("L", &[leg()]);
    assert_eq!(flights(&format!("{zeros}\r\n{zeros}\n{whole}")), flights(&whole));
    for other in ["", "0000\n", "flight_number,origin\n", "00AI\n"] {
        assert!(!is_ssim(other.as_bytes()), "{other:?}");
    }
}

/// The airport's own offset counts, and the leg is counted as one to look at.
#[test]
fn a_leg_that_states_another_offset_is_read_by_its_airports_and_counted() {
    for (column, stated, expected) in [(48, "+0530", 0), (48, "     ", 0), (48, "+0500", 1), (66, "+0630", 1)] {
        let season = read_file(&file("L", &[with(&leg(), column, stated)])).unwrap();
        let [dated] = season.timetable.0.as_slice() else { panic!("one flight") };
        let times = [dated.flight.departure, dated.flight.arrival].map(|time| time.to_rfc3339());
        assert_eq!(times, ["2027-05-03T04:30:00+00:00", "2027-05-03T06:40:00+00:00"]);
        assert_eq!(season.other_offsets, expected, "{stated:?} in column {column}");
    }
}

#[test]
fn a_local_leg_is_a_flight_of_its_aircraft() {
    let season = read_file(&file("L", &[leg()])).unwrap();
    let [dated] = season.timetable.0.as_slice() else { panic!("one flight") };
    let times = [dated.flight.departure, dated.flight.arrival].map(|time| time.to_rfc3339());
    assert_eq!(times, ["2027-05-03T04:30:00+00:00", "2027-05-03T06:40:00+00:00"]);
    assert_eq!((dated.flight.number.as_str(), dated.row), ("AI9007", 3));
    let flight = &dated.flight;
    assert_eq!((flight.aircraft, flight.is_freighter), (Some("77X".parse().unwrap()), true));
    assert_eq!((flight.capacity.figures(), flight.cutoff_minutes), ([1_020_000, 653_000, 37], 60));
}

#[test]
fn records_of_zeros_and_carriage_returns_are_skipped() {
    let plain = file("L", &[leg()]);
    let zeros = "0".repeat(LENGTH);
    let padded = plain.replace('\n', &format!("\r\n{zeros}\r\n{zeros}\r\n"));
    assert_eq!(flights(&padded), flights(&plain));
}

#[test]
fn blank_records_are_skipped_like_those_of_zeros() {
    let plain = file("L", &[leg()]);
    let padded =
        format!("{}\n{}\n\n", plain.replace('\n', &format!("\n{}\n\n", " ".repeat(LENGTH))), "0".repeat(LENGTH));
    assert_eq!(flights(&padded), flights(&plain));
}

/// As airlines exchange it.
const SEASON: [(&str, &str); 4] = [
    ("1AIRLINE STANDARD SCHEDULE DATA SET", "001000001"),
    ("2LAI      S27 03MAY2703MAY2703MAY27", "000002"),
    ("3 AI 90070101F03MAY2703MAY271234567 DEL10001000+0530  BOM12101210+0530  77X", "000003"),
    ("5 AI", "000003E000004"),
];

#[test]
fn a_file_is_read_by_its_columns() {
    let record = |(text, end): (&str, &str)| format!("{text:<width$}{end}\n", width = LENGTH - end.len());
    let file: String = SEASON.into_iter().map(record).collect();
    assert_eq!(flights(&file), ["AI9007 DEL-BOM 05-03 04:30 05-03 06:40"]);
    let without_end: String = SEASON[..3].iter().copied().map(record).collect();
    check_faults(&without_end, &["`record_type` in row 3 must not be the last one"]);
}

#[test]
fn both_modes_give_equal_flights_over_both_changes_of_the_clocks() {
    // London: summer time from 28 March to 31 October 2027. 10:00 there is 09:00 UTC in summer.
    let local = other(("LHR", "DEL"), ("1000", "2200"), "1234567", "25MAR2731MAR27");
    let in_winter = other(("LHR", "DEL"), ("1000", "1630"), "1234567", "25MAR2727MAR27");
    let in_summer = other(("LHR", "DEL"), ("0900", "1630"), "1234567", "28MAR2731MAR27");
    assert_eq!(flights(&file("U", &[in_winter, in_summer])), flights(&file("L", &[local])));
    let in_utc = other(("LHR", "DEL"), ("1000", "1900"), "1234567", "29OCT2702NOV27");
    let season = read_file(&file("U", &[in_utc])).unwrap();
    let lines = season.lines.iter().map(|line| format!("{} {} {}", line.from, line.to, line.departure));
    assert_eq!(lines.collect::<Vec<_>>(), ["2027-10-29 2027-10-30 11:00:00", "2027-10-31 2027-11-02 10:00:00"]);
    assert!(season.timetable.0.iter().all(|dated| dated.flight.departure.format("%H:%M").to_string() == "10:00"));
    assert_eq!(season.timetable.0.len(), 5);
}

#[test]
fn a_flight_in_utc_has_the_local_date_of_its_departure() {
    // 20:00 UTC on Monday is 01:30 on Tuesday in Delhi.
    let season =
        read_file(&file("U", &[other(("DEL", "BOM"), ("2000", "2210"), "1......", "03MAY2709MAY27")])).unwrap();
    let line = &season.lines[0];
    assert_eq!((line.from.to_string(), line.days.to_string()), ("2027-05-04".to_owned(), ".2.....".to_owned()));
    assert_eq!((line.departure.to_string(), line.arrival.to_string()), ("01:30:00".to_owned(), "03:40:00".to_owned()));
    assert_eq!(season.timetable.0[0].flight.departure.to_rfc3339(), "2027-05-03T20:00:00+00:00");
}

#[test]
fn in_utc_the_second_of_two_equal_local_times_is_apart_from_the_first() {
    // 01:30 in London on 31 October 2027 is 00:30 UTC, and again 01:30 UTC.
    let first = other(("LHR", "DEL"), ("0030", "0900"), "1234567", "31OCT2731OCT27");
    assert_eq!(flights(&file("U", &[first])), ["AI9007 LHR-DEL 10-31 00:30 10-31 09:00"]);
    let second = other(("LHR", "DEL"), ("0130", "1000"), "1234567", "31OCT2731OCT27");
    assert_eq!(flights(&file("U", &[second])), ["AI9007 LHR-DEL 10-31 01:30 10-31 10:00"]);
    let lands = other(("DEL", "LHR"), ("1600", "0130"), "1234567", "30OCT2730OCT27");
    assert_eq!(flights(&file("U", &[with(&lands, 194, "1")])), ["AI9007 DEL-LHR 10-30 16:00 10-31 01:30"]);
    let local = other(("LHR", "DEL"), ("0130", "1400"), "1234567", "31OCT2731OCT27");
    assert_eq!(flights(&file("L", &[local])), ["AI9007 LHR-DEL 10-31 00:30 10-31 08:30"]);
}

#[test]
fn in_local_time_the_stated_offset_says_which_of_two_equal_times_is_meant() {
    let departs = other(("LHR", "DEL"), ("0130", "1400"), "1234567", "30OCT2701NOV27");
    let read = |leg: &str| {
        let season = read_file(&file("L", &[leg.to_owned()])).unwrap();
        let shown = season.timetable.0.iter().map(|dated| dated.flight.departure.format("%m-%d %H:%M").to_string());
        (shown.collect::<Vec<_>>(), season.rows(chrono::DateTime::UNIX_EPOCH), season.other_offsets)
    };
    let first = ["10-30 00:30", "10-31 00:30", "11-01 01:30"].map(str::to_owned).to_vec();
    let second = ["10-30 00:30", "10-31 01:30", "11-01 01:30"].map(str::to_owned).to_vec();
    assert_eq!(read(&with(&departs, 48, "+0100")), (first.clone(), 1, 0));
    assert_eq!(read(&with(&departs, 48, "     ")), (first.clone(), 1, 0));
    assert_eq!(read(&with(&departs, 48, "+0200")), (first, 1, 1), "one that is of neither says nothing");
    // The first day has another one, which is counted as one to look at.
    assert_eq!(read(&with(&departs, 48, "+0000")), (second, 1, 1));
    let lands = with(&other(("DEL", "LHR"), ("2130", "0130"), "1234567", "30OCT2730OCT27"), 194, "1");
    assert_eq!(flights(&file("L", &[with(&lands, 66, "+0100")])), ["AI9007 DEL-LHR 10-30 16:00 10-31 00:30"]);
    assert_eq!(flights(&file("L", &[with(&lands, 66, "+0000")])), ["AI9007 DEL-LHR 10-30 16:00 10-31 01:30"]);
}

#[test]
fn every_second_week_counts_from_the_first_day_of_the_period() {
    // Wednesday 5 May 2027: its week has Friday 7 and Monday 10, the next but one begins on Wednesday 19.
    let leg = with(&other(("DEL", "BOM"), ("1000", "1210"), "1...5..", "05MAY2724MAY27"), 36, "2");
    let expected = ["05-07", "05-10", "05-21", "05-24"].map(|date| format!("AI9007 DEL-BOM {date} 04:30 {date} 06:40"));
    assert_eq!(flights(&file("L", std::slice::from_ref(&leg))), expected);
    check_faults(
        &file("L", &[with(&leg, 36, "3")]),
        &["`frequency_rate` in row 3 must be blank, or 2 for every second week, in column 36"],
    );
}

#[test]
fn variations_of_dates_move_departure_and_arrival() {
    // The day of the flight is Monday; it leaves on Tuesday and lands on Wednesday.
    let leg = with(&other(("DEL", "BOM"), ("2300", "0110"), "1......", "03MAY2703MAY27"), 193, "12");
    assert_eq!(flights(&file("L", &[leg])), ["AI9007 DEL-BOM 05-04 17:30 05-04 19:40"]);
    let back = with(&other(("APW", "PPG"), ("0800", "0840"), "1......", "03MAY2703MAY27"), 194, "J");
    assert_eq!(flights(&file("L", &[back])), ["AI9007 APW-PPG 05-02 19:00 05-02 19:40"]);
    let midnight = other(("DEL", "BOM"), ("2200", "2400"), "1......", "03MAY2703MAY27");
    assert_eq!(flights(&file("L", &[midnight])), ["AI9007 DEL-BOM 05-03 16:30 05-03 18:30"]);
}

#[test]
fn legs_of_other_services_and_those_flown_under_another_number_give_no_flight() {
    let bus = with(&with(&leg(), 14, "U"), 73, "BUS");
    let elsewhere = record(&[(1, "4"), (3, "AI"), (6, "9008"), (10, "0101J"), (31, "050DELBOMSQ 0401")]);
    let sold = with(&with(&leg(), 6, "9008"), 14, "J");
    let operated = record(&[(1, "4"), (3, "AI"), (6, "9009"), (10, "0101J"), (31, "010DELBOMSQ 0401")]);
    let flown = with(&with(&leg(), 6, "9009"), 14, "J");
    let season = read_file(&file("L", &[bus, sold, elsewhere, flown, operated])).unwrap();
    let numbers = season.timetable.0.iter().map(|dated| dated.flight.number.to_string());
    assert_eq!(numbers.collect::<Vec<_>>(), ["AI9009"]);
}

#[test]
fn a_leg_that_is_flown_under_another_number_is_not_checked() {
    let sold = with(&with(&leg(), 73, "QQQ"), 37, "QQQ");
    let elsewhere = record(&[(1, "4"), (3, "AI"), (6, "9007"), (10, "0101F"), (31, "050DELBOMSQ 0401")]);
    assert_eq!(read_file(&file("L", &[sold, elsewhere.clone()])).unwrap().timetable.0.len(), 0);
    check_faults(
        &file("L", &[leg(), with(&elsewhere, 6, "9008")]),
        &["`flight_number` in row 4 must be as in the leg before, like all of columns 2 to 13"],
    );
}

#[test]
fn our_own_data_give_capacity_and_cutoff() {
    let own = |data: &str| record(&[(1, "4"), (3, "AI"), (6, "9007"), (10, "0101F"), (29, "AB900DELBOM"), (40, data)]);
    let blank = with(&leg(), 73, "   ");
    let data = own("LOADMASTER 1234.5 KG 6 M3 4 POS 90 MIN");
    let season = read_file(&file("L", &[blank.clone(), data])).unwrap();
    let flight = &season.timetable.0[0].flight;
    assert_eq!((flight.aircraft, flight.is_freighter), (None, false));
    assert_eq!((flight.capacity.figures(), flight.cutoff_minutes), ([12_345, 6_000, 4], 90));
    let of_others = own("CREW MEAL 2");
    let season = read_file(&file("L", &[leg(), of_others.clone()])).unwrap();
    assert_eq!(season.timetable.0[0].flight.cutoff_minutes, 60);
    check_faults(
        &file("L", &[blank, of_others]),
        &["`aircraft_code` in row 3 must be a three-character aircraft type code"],
    );
    for (data, expected) in [
        (
            "LOADMASTER",
            "`capacity` in row 4 must be as in LOADMASTER 1000.0 KG 6.000 M3 4 POS 60 MIN, in columns 40 to 194",
        ),
        ("LOADMASTER 0 KG 6 M3 4 POS 90 MIN", "`capacity` in row 4 must be "),
        ("LOADMASTER 1 KG 6 M3 4 POS 43201 MIN", "`capacity` in row 4 must be "),
        ("LOADMASTER 1 KG 6 M3 10000 POS 90 MIN", "`capacity` in row 4 must be "),
    ] {
        check_faults(&file("L", &[leg(), own(data)]), &[expected]);
    }
}

#[test]
fn services_are_read_in_either_case() {
    assert_eq!(flights(&file("L", &[with(&leg(), 14, "f")])).len(), 1);
    assert_eq!(flights(&file("L", &[with(&leg(), 14, "j")])).len(), 1);
    assert_eq!(flights(&file("L", &[with(&leg(), 14, "p")])).len(), 0);
    assert_eq!(flights(&file("L", &[leg().to_lowercase()])).len(), 1);
}

#[test]
fn nothing_is_read_after_a_hundred_faults_or_more_flights_than_a_file_may_give() {
    let faulty = with(&leg(), 37, "QQQ");
    let found = read_file(&file("L", &vec![faulty; 5000])).unwrap_err();
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|fault| fault.contains("names an unknown airport")), "{found:#?}");
    let year = other(("DEL", "BOM"), ("1000", "1210"), "1234567", "01MAR2731DEC27");
    let many: Vec<String> = (1..5000).map(|number: u32| with(&year, 6, &format!("{number:04}"))).collect();
    check_faults(
        &file("U", &many),
        &["`days_of_operation` in row 6 gives more flights than the 1000 that a table may give"],
    );
}

#[test]
fn serial_numbers_begin_again_behind_999999() {
    assert_eq!([1, 999_998, 999_999].map(following), [2, 999_999, 2]);
}

#[test]
fn a_period_without_an_end_lasts_until_the_season_ends() {
    let leg = other(("DEL", "BOM"), ("1000", "1210"), "......7", "18OCT2700XXX00");
    assert_eq!(read_file(&file("L", std::slice::from_ref(&leg))).unwrap().timetable.0.len(), 1);
    let endless = file("L", &[leg]).replace("28MAR2730OCT27", "28MAR2700XXX00");
    check_faults(&endless, &["`to` in row 3 must be an existing date such as 03MAY27, in columns 22 to 28"]);
}

#[test]
fn two_itinerary_variations_with_one_flight_are_a_fault() {
    let again = with(&with(&leg(), 10, "02"), 37, "DEL");
    check_faults(
        &file("L", &[leg(), again]),
        &["`flight_number` in row 4 gives the same flight as row 3, on 2027-05-03"],
    );
}

#[test]
fn each_column_is_checked() {
    for (column, text, expected) in [
        (3, "QQ", "`flight_number` in row 3 names an unknown airline"),
        (6, "90A7", "`flight_number` in row 3 must be an airline designator"),
        (10, "A1", "`itinerary_variation` in row 3 must be digits, in columns 10 to 11"),
        (12, "0 ", "`leg` in row 3 must be digits, in columns 12 to 13"),
        (15, "31APR27", "`from` in row 3 must be an existing date such as 03MAY27, in columns 15 to 21"),
        (22, "02MAY27", "`to` in row 3 must not be before `from`, in columns 22 to 28"),
        (22, "03MAY29", "`to` in row 3 must end a period of at most 400 days, in columns 22 to 28"),
        (29, "12345 8", "`days_of_operation` in row 3 must be days in order"),
        (29, "......7", "`days_of_operation` in row 3 has no day between `from` and `to`, in columns 29 to 35"),
        (128, "x", "`itinerary_variation_overflow` in row 3 must be digits, in column 128"),
        (37, "QQQ", "`origin` in row 3 names an unknown airport"),
        (44, "2400", "`departure_time` in row 3 must be from 0000 to 2359, in columns 44 to 47"),
        (44, "10 0", "`departure_time` in row 3 must be a time from 0000 to 2400, in columns 44 to 47"),
        (55, "DEL", "`destination` in row 3 must differ from the origin, in columns 55 to 57"),
        (58, "2401", "`arrival_time` in row 3 must be a time from 0000 to 2400, in columns 58 to 61"),
        (58, "0900", "`arrival_time` in row 3 must be after the departure on 2027-05-03"),
        (73, "QQQ", "`aircraft_code` in row 3 names an unknown aircraft type"),
        (
            193,
            "9",
            "`departure_date_variation` in row 3 must be blank, a digit up to 7, or J for the day before, in column 193",
        ),
        (
            194,
            "X",
            "`arrival_date_variation` in row 3 must be blank, a digit up to 7, or J for the day before, in column 194",
        ),
    ] {
        let found = read_file(&file("L", &[with(&leg(), column, text)])).unwrap_err();
        assert!(found.len() == 1 && found[0].starts_with(expected), "{column} {text}: {found:?}");
    }
    check_faults(&file("X", &[leg()]), &["`time_mode` in row 2 "]);
}

#[test]
fn length_order_and_serial_numbers_are_checked() {
    let whole = file("L", &[leg()]);
    let lines: Vec<&str> = whole.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n");
    let &[title, carrier, leg, end] = lines.as_slice() else { panic!("four records") };
    check_faults(
        &joined(&[title, carrier, &leg[..199], end]),
        &["`record` in row 3 must have 200 characters of ASCII; it has 199"],
    );
    check_faults(
        &joined(&[title, carrier, &leg.replace("000003", "000004"), end]),
        &["`serial` in row 3 must be 000003 ", "`serial` in row 4 must be 000005 ", "`serial_before` in row 4 "],
    );
    check_faults(&joined(&[title, carrier, leg]), &["`record_type` in row 3 must not be the last one"]);
    check_faults(
        &joined(&[title, carrier, leg, &with(end, 194, "C")]),
        &["`record_type` in row 4 must not be the last one"],
    );
    check_faults(&joined(&[title, carrier, leg, &with(end, 188, "000009")]), &["`serial_before` in row 4 must be "]);
    let (first, second) = (with(carrier, 195, "000003"), with(leg, 195, "000002"));
    check_faults(
        &joined(&[title, &second, &first, end]),
        &["`record_type` in row 2 is not", "`record_type` in row 3 is not"],
    );
}

#[test]
fn another_carrier_may_follow() {
    let whole = file("L", &[leg()]);
    let lines: Vec<&str> = whole.lines().collect();
    let more = [
        lines[0].to_owned(),
        lines[1].to_owned(),
        lines[2].to_owned(),
        with(lines[3], 194, "C"),
        with(&carrier("U"), 195, "000005"),
        with(&with(lines[2], 6, "9008"), 195, "000006"),
        with(&with(lines[3], 188, "000006"), 195, "000007"),
    ];
    let expected = ["AI9007 DEL-BOM 05-03 04:30 05-03 06:40", "AI9008 DEL-BOM 05-03 10:00 05-03 12:10"];
    assert_eq!(flights(&more.join("\n")), expected);
}

#[test]
fn any_byte_in_a_leg_is_read_or_a_fault() {
    for column in 2..=194 {
        for text in [" ", "0", "9", "Z", "z", "\u{7f}"] {
            let found = read_file(&file("U", &[with(&leg(), column, text)]));
            assert!(found.err().is_none_or(|faults| !faults.is_empty()), "{column} {text:?}");
        }
    }
    let beyond_ascii = leg().replacen("DEL", "DÉL", 1);
    let lines = file("L", &[leg()]).replace(&leg()[..190], &beyond_ascii[..191]);
    check_faults(&lines, &["`record` in row 3 must have 200 characters of ASCII; it has 201"]);
}
