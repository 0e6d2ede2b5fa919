//! In random networks all over the world, routes found in memory are those that plain SQL finds in the tables.
use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster_platform::zones::Zone;
use loadmaster_testkit::{
    Client, Dice, TestDatabase, World, WorldOptions, freight::text, rounds, sum_of, until_it_follows,
};
use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

use super::ranked;

const SEED: u64 = 20_261_126;
/// The first days of the networks: in most, clocks change two days later, in America, Europe and Australia.
const WEEKS: [&str; 7] =
    ["2027-03-12", "2027-03-26", "2027-04-02", "2027-06-04", "2027-10-01", "2027-10-29", "2027-11-05"];
/// Zones that change their clocks, are half an hour off, or lie beside the date line: their airports come first.
const ZONES: [&str; 10] = [
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Pacific/Pago_Pago",
    "Pacific/Kiritimati",
    "Pacific/Auckland",
    "Australia/Adelaide",
    "Asia/Kathmandu",
    "America/St_Johns",
];
const AIRPORTS: usize = 5;
const FLIGHTS: u64 = 40;

struct Network {
    airports: Vec<String>,
    first: NaiveDate,
}

/// The rows of `flights` to be written, by column.
#[derive(Default)]
struct Rows {
    ids: Vec<Uuid>,
    numbers: Vec<String>,
    origins: Vec<String>,
    destinations: Vec<String>,
    departures: Vec<DateTime<Utc>>,
    arrivals: Vec<DateTime<Utc>>,
    statuses: Vec<String>,
}

impl Rows {
    fn draw(&mut self, network: &Network, dice: &mut Dice) {
        let minutes = |dice: &mut Dice, bound| TimeDelta::minutes(15 * i64::try_from(dice.below(bound)).unwrap());
        for _ in 0..FLIGHTS {
            let start = (network.first - Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc();
            let departure = start + minutes(dice, 5 * 96);
            let origin = dice.below(AIRPORTS as u64);
            let destination = (origin + 1 + dice.below(AIRPORTS as u64 - 1)) % AIRPORTS as u64;
            let [origin, destination] =
                [origin, destination].map(|it| network.airports[usize::try_from(it).unwrap()].clone());
            self.ids.push(Uuid::now_v7());
            self.numbers.push(format!("AI{}", 1 + dice.below(9)));
            self.origins.push(origin);
            self.destinations.push(destination);
            self.departures.push(departure);
            self.arrivals.push(departure + TimeDelta::minutes(30) + minutes(dice, 40));
            let status =
                *dice.pick(&["SCHEDULED", "SCHEDULED", "SCHEDULED", "SCHEDULED", "SCHEDULED", "CANCELLED", "DEPARTED"]);
            self.statuses.push(status.to_owned());
        }
    }

    /// A number that leaves an airport twice a day is left out the second time.
    async fn write(self, owner: &mut PgConnection) {
        let query = "with new as (
            insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at,
                                 scheduled_departure_at, scheduled_arrival_at, scheduled_date, is_freighter, cancelled_at,
                                 actual_departure_at, created_at, updated_at)
            select id, number, 'AI', origin, destination, departure, arrival, departure, arrival,
                   (departure at time zone a.time_zone)::date, false, case when status = 'CANCELLED' then departure end,
                   case when status = 'DEPARTED' then departure end, departure, departure
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[])
                 as new (id, number, origin, destination, departure, arrival, status)
            join airports a on a.iata_code = origin
            on conflict do nothing returning id, departure_at, cancelled_at, actual_departure_at
        ) insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l,
                                       capacity_positions)
          select id, case when cancelled_at is not null then 'CANCELLED' when actual_departure_at is not null then 'DEPARTED'
                     else 'SCHEDULED' end, departure_at, 1000, 1000, 10 from new";
        let query = sqlx::query(query).bind(self.ids).bind(self.numbers).bind(self.origins).bind(self.destinations);
        query.bind(self.departures).bind(self.arrivals).bind(self.statuses).execute(owner).await.unwrap();
    }
}

/// The zones for which PostgreSQL, which checks, has rules of an earlier release than the product.
async fn zones_of_other_rules(owner: &mut PgConnection) -> BTreeSet<String> {
    let instants: Vec<DateTime<Utc>> = WEEKS
        .iter()
        .flat_map(|week| {
            let start = week.parse::<NaiveDate>().unwrap().and_time(chrono::NaiveTime::MIN).and_utc();
            (-2..=6).map(move |days| start + TimeDelta::days(days))
        })
        .collect();
    let offsets: Vec<(String, DateTime<Utc>, i32)> = sqlx::query_as(
        "select zone, at, extract(epoch from (at at time zone zone) - (at at time zone 'UTC'))::int
         from (select distinct time_zone from airports) a (zone) cross join unnest($1::timestamptz[]) at",
    )
    .bind(instants)
    .fetch_all(owner)
    .await
    .unwrap();
    let differs = |(zone, at, seconds): &(String, DateTime<Utc>, i32)| {
        Zone::named(zone).unwrap().offset(*at).local_minus_utc() != *seconds
    };
    let other: BTreeSet<String> = offsets.into_iter().filter(differs).map(|(zone, ..)| zone).collect();
    assert!(other.len() < 20, "{other:?}");
    other
}

/// Networks that share no airport in any week.
async fn networks(owner: &mut PgConnection, count: usize) -> Vec<Network> {
    let other: Vec<String> = zones_of_other_rules(owner).await.into_iter().collect();
    let airports: Vec<String> = sqlx::query_scalar(
        "select iata_code from airports where time_zone <> all($2) and iata_code not in (select code from cities)
         order by time_zone = any($1) desc, md5(iata_code)",
    )
    .bind(ZONES)
    .bind(other)
    .fetch_all(owner)
    .await
    .unwrap();
    let weekly = count.div_ceil(WEEKS.len());
    (0..count)
        .map(|number| Network {
            airports: (0..AIRPORTS).map(|turn| airports[number / WEEKS.len() + turn * weekly].clone()).collect(),
            first: WEEKS[number % WEEKS.len()].parse().unwrap(),
        })
        .collect()
}

/// The rules of the contract in SQL: all direct flights and all connections that set out on a date.
async fn by_sql(owner: &mut PgConnection, ends: [&str; 2], date: NaiveDate) -> BTreeSet<Vec<Uuid>> {
    let query = "
        with of_day as (
            select f.* from flights f join airports a on a.iata_code = f.origin
            where f.origin = $1 and (f.departure_at at time zone a.time_zone)::date = $3
              and f.cancelled_at is null and f.actual_departure_at is null)
        select array[id] from of_day where destination = $2
        union all
        select array[f.id, n.id]
        from of_day f join flights n on n.origin = f.destination and n.destination = $2
             join airports a on a.iata_code = n.origin
        where f.destination <> $2 and n.cancelled_at is null and n.actual_departure_at is null
          and n.departure_at >= f.arrival_at + case when n.flight_number = f.flight_number then interval '0'
                                               else interval '120 minutes' end
          and (n.departure_at at time zone a.time_zone)::date <= $3 + 1";
    let query = sqlx::query_scalar(query).bind(ends[0]).bind(ends[1]).bind(date);
    query.fetch_all(owner).await.unwrap().into_iter().collect()
}

/// The flights of the options that have one stop at most.
fn found(options: &Value) -> BTreeSet<Vec<Uuid>> {
    let id = |flight: &Value| flight["id"].as_str().unwrap().parse().unwrap();
    let options = options.as_array().unwrap().iter().filter(|option| option["stops"].as_u64() <= Some(1));
    options.map(|option| option["flights"].as_array().unwrap().iter().map(id).collect()).collect()
}

/// The searches that found their routes there.
async fn reads(world: &World, from: &str) -> u64 {
    sum_of(&world.anonymous(), "loadmaster_route_reads_total{", &format!("from=\"{from}\"")).await
}

/// Takes seconds: 140 networks are written, and asked for three times each.
#[tokio::test]
async fn routes_in_memory_are_those_that_plain_sql_finds() {
    let database = TestDatabase::light().await;
    let (mut owner, mut dice) = (database.owner().await, Dice::new(SEED));
    let networks = networks(&mut owner, rounds(140, 10_000)).await;
    for some in networks.chunks(500) {
        let mut rows = Rows::default();
        for network in some {
            rows.draw(network, &mut dice);
        }
        rows.write(&mut owner).await;
    }
    sqlx::raw_sql("analyze flights; analyze flight_capacity").execute(&mut owner).await.unwrap();
    let world = WorldOptions::patient().with_workers().on(&database).start().await;
    until_it_follows(&world).await;
    let (mut routes, mut connections) = (0, 0);
    for (number, network) in networks.iter().enumerate() {
        for day in 0..3 {
            let origin = usize::try_from(dice.below(AIRPORTS as u64)).unwrap();
            let step = 1 + usize::try_from(dice.below(AIRPORTS as u64 - 1)).unwrap();
            let ends = [origin, (origin + step) % AIRPORTS].map(|place| network.airports[place].as_str());
            let date = network.first + Days::new(day);
            let expected = by_sql(&mut owner, ends, date).await;
            let stops = if dice.below(4) == 0 { 3 } else { 1 };
            let query =
                format!("origin={}&destination={}&departure_date={date}&max_stops={stops}&limit=200", ends[0], ends[1]);
            assert_eq!(found(&ranked(&world, &query).await), expected, "network {number}: {query}");
            routes += expected.len();
            connections += expected.iter().filter(|route| route.len() == 2).count();
        }
    }
    assert!(routes > networks.len() && connections > networks.len() / 2, "{routes} routes, {connections} connections");
    assert_eq!((reads(&world, "tables").await, reads(&world, "memory").await), (0, 3 * networks.len() as u64));
}

/// What the options are, whichever of those that are alike were found.
fn figures(options: &Value) -> BTreeSet<(u64, String, u64)> {
    let figures = |option: &Value| {
        let number = |member: &str| option[member].as_u64().unwrap();
        (number("stops"), option["arrival_datetime"].to_string(), number("total_duration_minutes"))
    };
    options.as_array().unwrap().iter().map(figures).collect()
}

/// Changes the schedule in one of the ways in which it may change.
async fn change(admin: &Client, network: &Network, made: &mut Vec<String>, dice: &mut Dice) {
    let start = (network.first - Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc();
    let departure = start + TimeDelta::minutes(15 * i64::try_from(dice.below(4 * 96)).unwrap());
    let arrival = departure + TimeDelta::minutes(30 + 15 * i64::try_from(dice.below(40)).unwrap());
    let times = json!({"departure_datetime": departure, "arrival_datetime": arrival});
    if made.len() < 8 || dice.below(3) == 0 {
        let origin = usize::try_from(dice.below(AIRPORTS as u64)).unwrap();
        let step = 1 + usize::try_from(dice.below(AIRPORTS as u64 - 1)).unwrap();
        let mut flight = json!({"flight_number": format!("BA{}", made.len() + 1), "origin": network.airports[origin],
            "destination": network.airports[(origin + step) % AIRPORTS], "aircraft_code": "77X"});
        flight.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        made.push(text(&admin.post("/api/v1/flights", flight).await.expect(201), "id").to_owned());
        return;
    }
    let path = format!("/api/v1/flights/{}", dice.pick(made));
    let is_scheduled = admin.get(&path).await.expect(200)["status"] == "SCHEDULED";
    match dice.below(4) {
        _ if !is_scheduled => {}
        0 => drop(admin.poke(&format!("{path}/cancel")).await.expect(200)),
        1 => drop(admin.patch(&path, json!({"cutoff_minutes": dice.below(60)})).await.expect(200)),
        _ => drop(admin.patch(&path, times).await.expect(200)),
    }
}

/// Takes seconds: hundreds of searches are compared, after each of six rounds of changes.
#[tokio::test]
async fn routes_in_memory_follow_each_change() {
    let database = TestDatabase::light().await;
    let (mut owner, mut dice) = (database.owner().await, Dice::new(SEED + 1));
    let network = networks(&mut owner, 1).await.remove(0);
    let mut rows = Rows::default();
    rows.draw(&network, &mut dice);
    rows.write(&mut owner).await;
    let world = WorldOptions::patient().with_workers().on(&database).start().await;
    // This one follows nothing, and looks into the tables each time.
    let tables = WorldOptions::patient().without_redis().on(&database).start().await;
    let (admin, mut made, mut far) = (world.admin().await, Vec::new(), 0);
    for round in 0..6 {
        for _ in 0..10 {
            change(&admin, &network, &mut made, &mut dice).await;
        }
        if round == 4 {
            until_it_follows(&world).await;
            let behind_the_api = "update flights set departure_at = departure_at + interval '3 hours',
                                         arrival_at = arrival_at + interval '3 hours' where flight_number < 'AI5'";
            owner.execute(behind_the_api).await.unwrap();
        }
        until_it_follows(&world).await;
        for (origin, step) in (0..AIRPORTS).flat_map(|origin| (1..AIRPORTS).map(move |step| (origin, step))) {
            let ends = [origin, (origin + step) % AIRPORTS].map(|place| network.airports[place].as_str());
            let date = network.first + Days::new(dice.below(3));
            let query =
                format!("origin={}&destination={}&departure_date={date}&max_stops=3&limit=200", ends[0], ends[1]);
            let options = ranked(&world, &query).await;
            assert_eq!(found(&options), by_sql(&mut owner, ends, date).await, "round {round}: {query}");
            assert_eq!(figures(&options), figures(&ranked(&tables, &query).await), "round {round}: {query}");
            far += figures(&options).iter().filter(|(stops, ..)| *stops > 1).count();
        }
    }
    assert!(far > 2, "{far} routes have more than one stop");
    // Servers of one test count together.
    assert_eq!((reads(&world, "tables").await, reads(&world, "memory").await), (120, 120));
}
