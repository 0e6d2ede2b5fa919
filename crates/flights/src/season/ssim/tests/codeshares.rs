//! Flights that other carriers sell under numbers of their own.
use super::*;

/// The flights as `number date: others`.
fn sold(records: &[String]) -> Vec<String> {
    let season = read_file(&file("L", records)).unwrap();
    let shown = season.timetable.0.iter().map(|dated| {
        let others: Vec<&str> = dated.flight.also_sold_as.as_ref().unwrap().iter().map(FlightNumber::as_str).collect();
        format!("{} {}: {}", dated.name.0, dated.name.2.format("%m-%d"), others.join(" "))
    });
    shown.collect()
}

/// A record 4 of a number with a data element and its data.
fn data(number: &str, element: &str, data: &str) -> String {
    record(&[(1, "4"), (3, "AI"), (6, number), (10, "0101F"), (31, element), (34, "DELBOM"), (40, data)])
}

#[test]
fn the_carrier_that_flies_a_leg_gives_the_numbers_of_the_others() {
    let week = with(&leg(), 15, "03MAY2704MAY27");
    let others = [data("9007", "010", "UA 9012 /SQ 0401A/AI 9007"), data("9007", "010", "SQ0401 A/5X 0007")];
    let records = [std::slice::from_ref(&week), &others[..]].concat();
    assert_eq!(sold(&records), ["AI9007 05-03: 5X7 SQ401A UA9012", "AI9007 05-04: 5X7 SQ401A UA9012"]);
    assert_eq!(sold(&[leg()]), ["AI9007 05-03: "]);
    let text = "`also_sold_as` in row 4 must be flight numbers with / between them, such as SQ 0401/LH 9012, in columns 40 to 194";
    for unreadable in ["", "SQ", "SQ 0401//UA 9012", "SQ 0401 UA 9012"] {
        check_faults(&file("L", &[leg(), data("9007", "010", unreadable)]), &[text]);
    }
    let each = |from: usize| (from..from + 17).map(|number| format!("SQ{number:04}")).collect::<Vec<_>>().join("/");
    let many = [leg(), data("9007", "010", &each(1)), data("9007", "010", &each(18)), data("9007", "010", &each(35))];
    let text = "`also_sold_as` in row 6 gives a flight more than 50 numbers beside its own, in columns 40 to 194";
    check_faults(&file("L", &many), &[text]);
}

#[test]
fn a_leg_that_is_only_sold_adds_its_number_to_the_flight() {
    let week = with(&leg(), 15, "03MAY2709MAY27");
    // Before the leg that is flown, on Mondays and Wednesdays; and behind it, every day.
    let first = with(&with(&with(&week, 6, "9001"), 29, "1 3    "), 73, "QQQ");
    let second = with(&with(&with(&week, 3, "UA"), 6, "0002"), 15, "05MAY2706MAY27");
    let of_second = with(&data("0002", "050", "AI 9007"), 3, "UA");
    let records = [first, data("9001", "050", "AI 9007"), week.clone(), second, of_second];
    let expected = [
        "AI9007 05-03: AI9001",
        "AI9007 05-04: ",
        "AI9007 05-05: AI9001 UA2",
        "AI9007 05-06: UA2",
        "AI9007 05-07: ",
        "AI9007 05-08: ",
        "AI9007 05-09: ",
    ];
    assert_eq!(sold(&records), expected);
    // Out of another airport, or of a flight that the file does not have.
    let elsewhere = with(&with(&week, 37, "BLR"), 6, "9001");
    let absent = with(&week, 6, "9003");
    let records = [leg(), elsewhere, data("9001", "050", "AI 9007"), absent, data("9003", "050", "AI 9999")];
    assert_eq!(sold(&records), ["AI9007 05-03: "]);
    check_faults(
        &file("L", &[leg(), data("9007", "050", "SQ 0401/UA 9012")]),
        &["`operating_flight` in row 4 must be one flight number, such as SQ 0401, in columns 40 to 194"],
    );
}

#[test]
fn a_leg_that_is_only_sold_every_second_week_is_so_in_the_other_mode_too() {
    // 20:00 UTC on Monday is 01:30 on Tuesday in Delhi.
    let flown = other(("DEL", "BOM"), ("2000", "2210"), "1......", "03MAY2717MAY27");
    let sold_leg = with(&with(&flown, 6, "9001"), 36, "2");
    let season = read_file(&file("U", &[sold_leg, data("9001", "050", "AI 9007"), flown])).unwrap();
    let others = season.timetable.0.iter().map(|dated| (dated.name.2.to_string(), dated.flight.also_sold_as.clone()));
    let sold = |is_sold: bool| {
        let numbers: Vec<FlightNumber> = if is_sold { vec!["AI9001".parse().unwrap()] } else { Vec::new() };
        Some(numbers)
    };
    let expected = [("2027-05-04", true), ("2027-05-11", false), ("2027-05-18", true)];
    assert_eq!(others.collect::<Vec<_>>(), expected.map(|(date, is_sold)| (date.to_owned(), sold(is_sold))));
}

#[test]
fn more_than_50_legs_that_sell_a_flight_are_a_fault() {
    let sold_leg = |number: usize| {
        let number = format!("{number:04}");
        [with(&leg(), 6, &number), data(&number, "050", "AI 9007")]
    };
    let records: Vec<String> = [leg()].into_iter().chain((1..=51).flat_map(sold_leg)).collect();
    check_faults(
        &file("L", &records),
        &["`flight_number` in row 104 gives a flight more than 50 numbers beside its own"],
    );
}
