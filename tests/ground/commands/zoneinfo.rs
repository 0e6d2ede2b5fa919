//! Exports of random seasons over the nights on which clocks change, judged by another reading of zoneinfo: PostgreSQL's.
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use loadmaster_testkit::{Dice, World, command::loadmaster, import::table, is_long};

/// Days after which clocks go forward or back, in North America, Europe and Australia. The command knows the real time.
const NIGHTS: [&str; 6] = ["2031-03-08", "2031-03-29", "2031-04-05", "2031-10-04", "2031-10-25", "2031-11-01"];
/// The hours of UTC that clocks show for the second time: in Europe, New York and Sydney.
const REPEATED_HOURS: [i64; 3] = [1, 6, 16];
const AIRPORTS: [&str; 8] = ["LHR", "DEL", "JFK", "FRA", "BOM", "SYD", "PPG", "CPH"];

struct Candidate {
    number: String,
    origin: &'static str,
    destination: &'static str,
    departure: DateTime<Utc>,
    arrival: DateTime<Utc>,
}

/// The flights of one number around one of the nights: at one time in UTC, some days left out.
fn season(number: &str, dice: &mut Dice) -> Vec<Candidate> {
    let mut number_below = |end: u64| i64::try_from(dice.below(end)).unwrap();
    let night: NaiveDate = NIGHTS[usize::try_from(number_below(6)).unwrap()].parse().unwrap();
    let origin = usize::try_from(number_below(8)).unwrap();
    let destination = (origin + 1 + usize::try_from(number_below(7)).unwrap()) % AIRPORTS.len();
    let first = night - TimeDelta::days(number_below(8));
    let hour =
        if number_below(2) == 0 { REPEATED_HOURS[usize::try_from(number_below(3)).unwrap()] } else { number_below(24) };
    let (minute, flown) = (hour * 60 + number_below(60), 40 + number_below(900));
    let mut flights = Vec::new();
    for day in 0..=number_below(14) {
        if number_below(4) == 0 {
            continue;
        }
        let departure = (first + TimeDelta::days(day)).and_hms_opt(0, 0, 0).unwrap().and_utc();
        let departure = departure + TimeDelta::minutes(minute);
        flights.push(Candidate {
            number: number.to_owned(),
            origin: AIRPORTS[origin],
            destination: AIRPORTS[destination],
            departure,
            arrival: departure + TimeDelta::minutes(flown),
        });
    }
    flights
}

/// The rows of an import of these flights, the first of each number, origin and local date.
const ROWS: &str = "
    with candidate as (
        select c.*, (departure at time zone o.time_zone)::date as date
        from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) with ordinality
                 as c (number, origin, destination, departure, arrival, place)
             join airports o on o.iata_code = c.origin
    )
    select distinct on (number, origin, date)
           concat_ws(',', number, origin, destination, to_char(departure at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                     to_char(arrival at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '77X,,,,')
    from candidate order by number, origin, date, place";

/// The number of flights whose local time of departure or arrival the clocks show for the second time.
const REPEATED: &str = "
    select count(*)::text from flights f
    join airports o on o.iata_code = f.origin join airports d on d.iata_code = f.destination
    where departure_at at time zone o.time_zone = (departure_at - interval '1 hour') at time zone o.time_zone
       or arrival_at at time zone d.time_zone = (arrival_at - interval '1 hour') at time zone d.time_zone";

async fn rows(world: &World, candidates: &[Candidate]) -> Vec<String> {
    let texts = |of: fn(&Candidate) -> &str| candidates.iter().map(of).collect::<Vec<_>>();
    let instants = |of: fn(&Candidate) -> DateTime<Utc>| candidates.iter().map(of).collect::<Vec<_>>();
    sqlx::query_scalar(ROWS)
        .bind(texts(|flight| &flight.number))
        .bind(texts(|flight| flight.origin))
        .bind(texts(|flight| flight.destination))
        .bind(instants(|flight| flight.departure))
        .bind(instants(|flight| flight.arrival))
        .fetch_all(&mut world.database.owner().await)
        .await
        .unwrap()
}

/// The flights of an airline as the judge knows them: dates and times of departure and arrival, in UTC or local time, each with the
/// minutes of the airport's clocks ahead of UTC.
async fn judged(world: &World, airline: &str, mode: &str) -> Vec<String> {
    let time = |column: &str, airport: &str| {
        let zone = if mode == "UTC" { "'UTC'".to_owned() } else { format!("{airport}.time_zone") };
        format!(
            "to_char({column} at time zone {zone}, 'YYYY-MM-DD HH24MI'), (extract(epoch from ({column} at time zone \
             {airport}.time_zone) - ({column} at time zone 'UTC')) / 60)::int::text"
        )
    };
    let query = format!(
        "select concat_ws(' ', f.flight_number, f.origin || f.destination, {}, {}) from flights f
         join airports o on o.iata_code = f.origin join airports d on d.iata_code = f.destination
         where f.airline_code = '{airline}'",
        time("f.departure_at", "o"),
        time("f.arrival_at", "d")
    );
    let mut flights = world.texts(&query).await;
    flights.sort_unstable();
    flights
}

/// The same of a file.
fn flights_of(file: &str) -> Vec<String> {
    let date = |text: &str| NaiveDate::parse_from_str(text, "%d%b%y").unwrap();
    let variation = |text: &str| if text == "J" { -1 } else { text.parse::<i64>().unwrap() };
    let ahead = |text: &str| {
        let minutes = text[1..3].parse::<i64>().unwrap() * 60 + text[3..5].parse::<i64>().unwrap();
        if text.starts_with('-') { -minutes } else { minutes }
    };
    let mut flights = Vec::new();
    for leg in file.lines().filter(|line| line.starts_with('3')) {
        let number = format!("{}{}", leg[2..5].trim(), leg[5..9].trim());
        let (from, to, days) = (date(&leg[14..21]), date(&leg[21..28]), &leg.as_bytes()[28..35]);
        let is_flown = |date: &NaiveDate| days[date.weekday().num_days_from_monday() as usize] != b' ';
        for date in from.iter_days().take_while(|date| *date <= to).filter(is_flown) {
            let departs = date + TimeDelta::days(variation(&leg[192..193]));
            let arrives = date + TimeDelta::days(variation(&leg[193..194]));
            flights.push(format!(
                "{number} {}{} {departs} {} {} {arrives} {} {}",
                &leg[36..39],
                &leg[54..57],
                &leg[43..47],
                ahead(&leg[47..52]),
                &leg[57..61],
                ahead(&leg[65..70])
            ));
        }
    }
    flights.sort_unstable();
    flights
}

#[tokio::test]
async fn exported_seasons_have_the_times_of_zoneinfo_and_are_imported_without_a_difference() {
    let world = World::start().await;
    let seasons = if is_long() { 1000 } else { 200 };
    let mut dice = Dice::new(20_310_330);
    let candidates: Vec<Candidate> = (0..seasons)
        .flat_map(|number| season(&format!("{}{}", ["AI", "UA"][number % 2], 1 + number / 2), &mut dice))
        .collect();
    let rows = rows(&world, &candidates).await;
    assert!(rows.len() > seasons * 3, "{} flights", rows.len());
    let file = table(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    world.admin().await.post_raw("/api/v1/flights/import", "text/csv", file).await.expect(200);
    let repeated: usize = world.texts(REPEATED).await[0].parse().unwrap();
    assert!(repeated > 0, "no flight leaves or lands when an hour comes again");
    for (airline, mode) in [("AI", "UTC"), ("AI", "LOCAL"), ("UA", "UTC"), ("UA", "LOCAL")] {
        let path = format!("/api/v1/schedules/export?airline={airline}&from=2031-02-01&to=2031-12-01&time_mode={mode}");
        let exported = world.anonymous().get(&path).await;
        assert_eq!(exported.status, 200, "{}", exported.text);
        let expected = judged(&world, airline, mode).await;
        assert_eq!(flights_of(&exported.text), expected, "{airline} {mode}");
        let command = loadmaster(&["schedules", "import", "season.ssim", "--yes"]);
        let shown = command.file("season.ssim", &exported.text).on(&world.database).run().await.succeeded();
        let unchanged = format!("new: 0, changed: 0, unchanged: {}\nNothing to apply.\n", expected.len());
        assert_eq!(shown, unchanged, "{airline} {mode}");
    }
}
