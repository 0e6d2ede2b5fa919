use std::{collections::HashSet, sync::LazyLock};

use loadmaster_capacity::Space;
use loadmaster_kernel::{Positions, Volume, Weight};

use super::{super::super::expanding::Expanding, *};

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::bundled().unwrap());

/// `SplitMix64`: numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn number(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from).unwrap())).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(u64::try_from(all.len()).unwrap())).unwrap()]
    }

    fn is_one_of(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn flight(number: &str, lane: (&str, &str), departure: &str, arrival: &str) -> NewFlight {
    let aircraft = REFERENCE.aircraft("77X".parse().unwrap()).unwrap();
    NewFlight {
        number: number.parse().unwrap(),
        origin: lane.0.parse().unwrap(),
        destination: lane.1.parse().unwrap(),
        departure: instant(departure),
        arrival: instant(arrival),
        aircraft: Some(aircraft.code),
        is_freighter: aircraft.is_freighter,
        capacity: space_of(&aircraft),
        cutoff_minutes: NewFlight::DEFAULT_CUTOFF_MINUTES,
        also_sold_as: Some(Vec::new()),
    }
}

/// The file of these flights, each number on its own.
fn written(mode: TimeMode, numbers: &[Vec<NewFlight>]) -> String {
    let mut writer = Writer::new(REFERENCE.clone(), "AI".parse().unwrap(), mode);
    let season = ("2027-03-01".parse().unwrap(), "2027-11-30".parse().unwrap());
    let mut file = writer.head(season, "2027-01-10".parse().unwrap());
    for flights in numbers {
        file.push_str(&writer.flights(flights.clone()));
    }
    file + &writer.end()
}

fn sorted(mut flights: Vec<NewFlight>) -> Vec<NewFlight> {
    flights.sort_by_key(|flight| (flight.departure, flight.number, flight.origin));
    flights
}

fn read_back(file: &str) -> Vec<NewFlight> {
    let expanding = Expanding::of(&REFERENCE, instant("2027-01-10T12:00:00Z"), 10_000);
    let services = ["J", "F"].map(str::to_owned);
    let season = super::super::read(file.as_bytes(), &REFERENCE, &services, expanding);
    let season = season.unwrap_or_else(|error| panic!("{error:?}\n{file}"));
    sorted(season.timetable.0.into_iter().map(|dated| dated.flight).collect())
}

/// The legs of a file, without their serial numbers and trailing blanks.
fn legs(file: &str) -> Vec<&str> {
    let legs = file.lines().filter(|line| line.starts_with(['3', '4']));
    legs.map(|line| line[..194].trim_end()).collect()
}

const AIRPORTS: [&str; 10] = ["LHR", "DEL", "JFK", "FRA", "BOM", "SYD", "APW", "PPG", "YVR", "CPH"];
/// Days after which clocks go forward or back, in Europe, North America and Australia.
const NIGHTS: [&str; 6] = ["2027-03-13", "2027-03-27", "2027-04-03", "2027-10-02", "2027-10-30", "2027-11-06"];

/// The dated flights of one number, with irregularities: days left out, other times, second legs.
fn random_number(dice: &mut Dice, number: u64) -> Vec<NewFlight> {
    let (mut flights, mut names) = (Vec::new(), HashSet::new());
    let suffix = dice.of(&["", "", "A"]);
    let mut like = flight(
        &format!("AI{}{suffix}", 1 + number * 111),
        ("DEL", "LHR"),
        "2027-01-01T00:00:00Z",
        "2027-01-01T01:00:00Z",
    );
    let first: NaiveDate = dice.of(&NIGHTS).parse().unwrap();
    let (first, days) = (first - TimeDelta::days(dice.number(0, 12)), dice.number(1, 16));
    let (weekdays, any) = (dice.below(127) + 1, dice.number(0, 1440));
    let mut minute = dice.of(&[30, 90, 150, 179, any]);
    let (flown, ground) = (dice.number(40, 1000), dice.number(0, 900));
    let stops: Vec<AirportCode> = (0..=dice.number(1, 4)).map(|_| dice.of(&AIRPORTS).parse().unwrap()).collect();
    if dice.is_one_of(4) {
        like.capacity = Space {
            weight: Weight::from_hectograms(dice.number(1, 9_999_999)),
            volume: Volume::from_litres(dice.number(1, 9_999_999)),
            positions: Positions::new(dice.number(0, 50)),
        };
        like.cutoff_minutes = u32::try_from(dice.number(0, 43_201)).unwrap();
        if dice.is_one_of(2) {
            (like.aircraft, like.is_freighter) = (None, false);
        }
    }
    if dice.is_one_of(3) {
        like.also_sold_as = Some(random_others(dice));
    }
    for day in (0..days).filter(|day| weekdays >> (day % 7) & 1 == 1) {
        if dice.is_one_of(12) {
            like.also_sold_as = Some(random_others(dice));
        }
        if dice.is_one_of(8) {
            minute = (minute + dice.number(0, 90)) % 1440;
        }
        let airport = REFERENCE.airport(stops[0]).unwrap();
        let local = (first + TimeDelta::days(day)).and_time(NaiveTime::MIN) + TimeDelta::minutes(minute);
        let mut departure = if dice.is_one_of(2) { airport.at(local) } else { airport.at_second(local) };
        for lane in stops.windows(2).filter(|lane| lane[0] != lane[1]) {
            let arrival = departure + TimeDelta::minutes(flown);
            let date = REFERENCE.airport(lane[0]).unwrap().local_date(departure);
            if names.insert((lane[0], date)) && !dice.is_one_of(12) {
                flights.push(NewFlight { origin: lane[0], destination: lane[1], departure, arrival, ..like.clone() });
            }
            departure = arrival + TimeDelta::minutes(ground);
        }
    }
    flights
}

/// More than one record has, at times.
fn random_others(dice: &mut Dice) -> Vec<FlightNumber> {
    let number =
        |dice: &mut Dice| format!("{}{}{}", dice.of(&["SQ", "UA", "5X"]), 1 + dice.below(9999), dice.of(&["", "B"]));
    let most = dice.of(&[1, 2, 3, 40]);
    let others: BTreeSet<FlightNumber> = (0..dice.below(most)).map(|_| number(dice).parse().unwrap()).collect();
    others.into_iter().collect()
}

#[test]
fn a_written_season_is_read_as_it_was() {
    let mut compared = 0;
    for seed in 0..1000 {
        let mut dice = Dice(seed);
        let all: Vec<Vec<NewFlight>> = (0..=dice.below(2)).map(|number| random_number(&mut dice, number)).collect();
        for mode in [TimeMode::Utc, TimeMode::Local] {
            let file = written(mode, &all);
            assert!(file.split_terminator("\r\n").all(|line| line.len() == LENGTH), "{file}");
            let expected = sorted(all.concat());
            assert!(read_back(&file) == expected, "seed {seed}, {mode:?}: {expected:#?}\n{file}");
            compared += expected.len();
        }
    }
    assert!(compared > 10_000, "{compared} flights were compared");
}

#[test]
fn a_season_is_written_in_records() {
    let daily = [
        flight("AI7", ("DEL", "BOM"), "2027-05-03T04:30:00Z", "2027-05-03T06:40:00Z"),
        flight("AI7", ("DEL", "BOM"), "2027-05-05T04:30:00Z", "2027-05-05T06:40:00Z"),
        flight("AI7", ("DEL", "BOM"), "2027-05-10T04:30:00Z", "2027-05-10T06:40:00Z"),
        flight("AI7", ("DEL", "BOM"), "2027-05-12T04:30:00Z", "2027-05-12T06:40:00Z"),
    ];
    let file = written(TimeMode::Local, &[daily.to_vec()]);
    let records: Vec<&str> = file.split_terminator("\r\n").collect();
    let blank = |count| " ".repeat(count);
    let expected = [
        format!("{TITLE}{}001000001", blank(156)),
        format!("2LAI {}01MAR2730NOV2710JAN27{}P{}000002", blank(9), blank(36), blank(122)),
        format!("3 AI    70101F03MAY2712MAY271 3     DEL10001000+0530  BOM12101210+0530  77X{}00000003", blank(117)),
        format!("5 AI {}000003E000004", blank(182)),
    ];
    assert_eq!(records, expected);
}

#[test]
fn legs_in_a_row_are_one_itinerary() {
    let flights = vec![
        flight("AI8", ("DEL", "BOM"), "2027-05-03T16:00:00Z", "2027-05-03T18:10:00Z"),
        flight("AI8", ("BOM", "LHR"), "2027-05-03T20:00:00Z", "2027-05-04T05:30:00Z"),
        flight("AI8", ("DEL", "BOM"), "2027-05-04T16:00:00Z", "2027-05-04T18:10:00Z"),
        flight("AI8", ("BOM", "LHR"), "2027-05-04T20:00:00Z", "2027-05-05T05:30:00Z"),
    ];
    let file = written(TimeMode::Local, std::slice::from_ref(&flights));
    let legs = legs(&file);
    let [first, second] = legs[..] else { panic!("{file}") };
    assert!(
        first.starts_with("3 AI    80101F03MAY2704MAY2712      DEL21302130+0530  BOM23402340+0530  77X"),
        "{first}"
    );
    assert!(
        second.starts_with("3 AI    80102F03MAY2704MAY2712      BOM01300130+0530  LHR06300630+0100  77X"),
        "{second}"
    );
    assert!(first.ends_with("00") && second.ends_with("11"), "{file}");
    assert_eq!(read_back(&file), sorted(flights));
}

#[test]
fn more_than_99_variations_flow_over_into_their_column() {
    let day = |day: i64| {
        let departure = instant("2027-05-03T04:00:00Z") + TimeDelta::days(day) + TimeDelta::minutes(day);
        let like = flight("AI9A", ("DEL", "BOM"), "2027-05-03T04:00:00Z", "2027-05-03T06:00:00Z");
        NewFlight { departure, arrival: departure + TimeDelta::minutes(130), ..like }
    };
    let flights: Vec<NewFlight> = (0..120).map(day).collect();
    let file = written(TimeMode::Utc, std::slice::from_ref(&flights));
    let variations: Vec<String> = legs(&file).iter().map(|leg| format!("{}{}", &leg[127..128], &leg[9..11])).collect();
    assert_eq!([0, 98, 99, 119].map(|at: usize| variations[at].as_str()), [" 01", " 99", "100", "120"]);
    assert!(legs(&file)[0].starts_with("3AAI    90101F03MAY27"), "{file}");
    assert_eq!(read_back(&file), sorted(flights));
}

#[test]
fn what_the_aircraft_does_not_say_stands_in_a_record_of_its_own() {
    let like = flight("AI8", ("DEL", "BOM"), "2027-05-03T16:00:00Z", "2027-05-03T18:10:00Z");
    let weight = Weight::from_hectograms(12_345);
    let small = NewFlight { capacity: Space { weight, ..like.capacity }, cutoff_minutes: 90, ..like };
    let bare = NewFlight { aircraft: None, is_freighter: false, ..small.clone() };
    for flight in [small, bare] {
        let file = written(TimeMode::Utc, &[vec![flight.clone()]]);
        let own = legs(&file)[1];
        assert_eq!(&own[..14], &legs(&file)[0].replacen('3', "4", 1)[..14]);
        assert_eq!(&own[27..], " AB900DELBOMLOADMASTER 1234.5 KG 653.000 M3 37 POS 90 MIN");
        assert_eq!(read_back(&file), [flight]);
    }
}

#[test]
fn the_numbers_of_others_stand_in_the_data_element_010() {
    let like = flight("AI8", ("DEL", "BOM"), "2027-05-03T16:00:00Z", "2027-05-03T18:10:00Z");
    let others: Vec<FlightNumber> = ["5X12B", "SQ401"].map(|number| number.parse().unwrap()).to_vec();
    let sold = NewFlight { also_sold_as: Some(others), cutoff_minutes: 90, ..like.clone() };
    let next = NewFlight {
        departure: sold.departure + TimeDelta::days(1),
        arrival: sold.arrival + TimeDelta::days(1),
        ..like
    };
    let file = written(TimeMode::Utc, &[vec![sold.clone(), next.clone()]]);
    let legs = legs(&file);
    assert_eq!(legs.len(), 4, "a flight that is sold otherwise is another line: {file}");
    assert_eq!(&legs[1][..14], &legs[0].replacen('3', "4", 1)[..14]);
    assert_eq!(&legs[1][27..], " AB010DELBOM5X 0012B/SQ 0401");
    assert!(legs[2][27..].starts_with(" AB900DELBOMLOADMASTER "), "{file}");
    assert_eq!(read_back(&file), [sold.clone(), next]);

    let many: BTreeSet<FlightNumber> = (1..=50).map(|number| format!("UA{number}").parse().unwrap()).collect();
    let sold = NewFlight { also_sold_as: Some(many.into_iter().collect()), ..sold };
    assert_eq!(read_back(&written(TimeMode::Local, &[vec![sold.clone()]])), [sold]);
}

#[test]
fn serial_numbers_begin_again_at_the_second() {
    let mut writer = Writer::new(REFERENCE.clone(), "AI".parse().unwrap(), TimeMode::Utc);
    writer.serial = 999_998;
    let last = writer.end() + &writer.end();
    let serials: Vec<&str> = last.lines().map(|line| &line[187..200]).collect();
    assert_eq!(serials, ["999998E999999", "999999E000002"]);
}

#[test]
fn periods_have_exactly_the_dates() {
    let mut dice = Dice(1);
    for _ in 0..500 {
        let first: NaiveDate = "2027-03-01".parse().unwrap();
        let (weekdays, days) = (dice.below(127) + 1, dice.number(1, 60));
        let is_flown = |day: &i64| weekdays >> (day % 7) & 1 == 1;
        let mut dates: BTreeSet<_> = (0..days).filter(is_flown).map(|day| first + TimeDelta::days(day)).collect();
        dates.retain(|_| !dice.is_one_of(20));
        let found: Vec<_> = periods(&dates).iter().flat_map(|it| it.days.between(it.from, it.to)).collect();
        assert_eq!(found, dates.into_iter().collect::<Vec<_>>());
    }
    let weeks: BTreeSet<NaiveDate> = "2027-03-01".parse::<NaiveDate>().unwrap().iter_weeks().take(20).collect();
    assert_eq!(periods(&weeks).len(), 1);
}
