//! What is kept never lies: after every change, a search tells what the tables say; at once where the change was made, soon
//! elsewhere, and whatever befalls Redis. The tables are asked through an instance that keeps nothing.
use loadmaster_platform::clock::Clock;
use loadmaster_testkit::{
    Client, NewFlight, OwnRedis, World, WorldOptions,
    flight_verbs::path_to,
    freight::{order, path_of, text},
    rounds, until,
};
use serde_json::{Value, json};

use super::{kept, put_back};

/// Two instances that keep what they find, and one that keeps nothing, with one schedule.
pub struct Three {
    pub here: World,
    pub there: World,
    pub plain: World,
    pub admin: Client,
}

impl Three {
    pub async fn start(redis: Option<&OwnRedis>) -> Self {
        let options = WorldOptions::patient().with_workers();
        Self::with(match redis {
            Some(redis) => options.set("redis.url", &redis.url()),
            None => options,
        })
        .await
    }

    async fn with(options: WorldOptions) -> Self {
        let here = options.clone().start().await;
        let options = options.on(&here.database);
        let there = options.clone().start().await;
        let plain = options.set("search.cache_ttl_seconds", "0").start().await;
        let admin = here.admin().await;
        Self { here, there, plain, admin }
    }

    /// Both instances have looked at all that is asked here.
    pub async fn look(&self) {
        for world in [&self.here, &self.there] {
            answers(world).await;
        }
    }

    /// Here at once, there soon.
    pub async fn is_told(&self, what: &str) {
        self.assert_current(&PAIRS, what).await;
    }

    /// The same for these pairs of airports alone.
    async fn assert_current(&self, pairs: &[Pair], what: &str) {
        let expected = answers_of(&self.plain, pairs).await;
        assert_eq!(answers_of(&self.here, pairs).await, expected, "{what}, here");
        until(&format!("{what} is told there"), async || answers_match(&self.there, pairs, &expected).await).await;
    }
}

/// An origin and a destination.
type Pair = (&'static str, &'static str);

pub const PAIRS: [Pair; 5] = [("DEL", "LHR"), ("DEL", "BOM"), ("BOM", "LHR"), ("DEL", "DXB"), ("LHR", "DEL")];

/// All that may be asked of two airports and a date besides the search.
const MORE: [&str; 4] =
    ["", "&sort=duration&volume_m3=3.5", "&sort=departure&limit=2", "&max_stops=0&special_handling_codes=CAO"];

/// Everything that is asked: paths, and the body of a search. Of [`MORE`], all are asked of the first pair and date, and one
/// in turn of the others, unless there is time: they judge the same kept routes.
fn questions(pairs: &[Pair]) -> Vec<(String, Option<Value>)> {
    let (mut questions, mut turn) = (Vec::new(), 0);
    for (origin, destination) in pairs {
        for date in ["2026-11-21", "2026-11-22"] {
            let body = json!({"origin": origin, "destination": destination, "departure_date": date, "weight_kg": 400});
            questions.push(("/api/v1/routes/search".to_owned(), Some(body)));
            let many = if turn == 0 { MORE.len() } else { rounds(1, MORE.len()) };
            for more in MORE.iter().cycle().skip(turn).take(many) {
                let route = format!("origin={origin}&destination={destination}&departure_date={date}{more}");
                questions.push((format!("/api/v1/routes?{route}"), None));
            }
            turn += 1;
        }
    }
    questions
}

/// The answer to one question, as text.
async fn answer(client: &Client, (path, body): (String, Option<Value>)) -> String {
    let answer = match body {
        Some(body) => client.post(&path, body).await,
        None => client.get(&path).await,
    };
    // Alternatives are left out where looking for them takes too long.
    answer.text.split(",\"alternatives\":").next().unwrap_or_default().to_owned()
}

/// The answers to all questions: the same to the byte.
pub async fn answers(world: &World) -> Vec<String> {
    answers_of(world, &PAIRS).await
}

async fn answers_of(world: &World, pairs: &[Pair]) -> Vec<String> {
    let client = world.anonymous();
    let mut answers = Vec::new();
    for question in questions(pairs) {
        answers.push(answer(&client, question).await);
    }
    answers
}

/// Whether an instance gives the expected answers. Stops at the first that differs.
pub async fn answers_match(world: &World, pairs: &[Pair], expected: &[String]) -> bool {
    let client = world.anonymous();
    for (question, expected) in questions(pairs).into_iter().zip(expected) {
        if answer(&client, question).await != *expected {
            return false;
        }
    }
    true
}

pub struct Schedule {
    pub direct: Value,
    pub first: Value,
    pub second: Value,
    pub freighter: Value,
}

pub async fn schedule(world: &World) -> Schedule {
    Schedule {
        direct: world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.5).volume(7.125)).await,
        first: world.flight(NewFlight::new("AI102", "DEL", "BOM").leaves_in_hours(22).takes_minutes(90)).await,
        second: world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(30)).await,
        freighter: world.flight(NewFlight::new("AI104", "DEL", "LHR").leaves_in_hours(26).aircraft("77X")).await,
    }
}

/// Every verb that changes what searches show, each followed by a look. Takes turns between instances: `act` is where it is
/// done.
async fn live(three: &Three) {
    let admin = &three.admin;
    let Schedule { direct, first, second, freighter } = schedule(&three.here).await;
    three.is_told("new flights").await;

    let booking = admin.book(order(&[&direct])).await;
    three.is_told("a booking").await;
    let two_legs = admin.book(order(&[&first, &second])).await;
    three.is_told("a booking of two legs").await;
    admin.patch(&path_of(&booking), json!({"weight_kg": 350.5})).await.expect(200);
    three.is_told("an amendment").await;
    admin.patch(&path_of(&two_legs), json!({"flight_ids": [freighter["id"]]})).await.expect(200);
    three.is_told("a rerouting").await;
    admin.poke(&format!("{}/cancel", path_of(&two_legs))).await.expect(200);
    three.is_told("a cancelled booking").await;

    admin.patch(&path_to(&first), json!({"cutoff_minutes": 1440})).await.expect(200);
    three.is_told("a cut-off").await;
    admin.patch(&path_to(&second), json!({"capacity": {"weight_kg": 333.3}})).await.expect(200);
    three.is_told("a smaller capacity").await;
    admin.patch(&path_to(&freighter), json!({"aircraft_code": "77W"})).await.expect(200);
    three.is_told("another aircraft").await;
    let early = json!({"departure_datetime": "2026-11-21T20:00:00Z", "arrival_datetime": "2026-11-21T23:00:00Z"});
    let now = three.here.clock.now();
    assert!(now < "2026-11-21T20:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap(), "{now}");
    admin.patch(&path_to(&second), early).await.expect(200);
    three.is_told("a connection that was lost or won").await;
    admin.patch(&path_to(&direct), json!({"offload": [booking["ref_id"]]})).await.expect(200);
    three.is_told("an off-loading").await;

    let table = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes
AI102,DEL,BOM,2026-11-21T07:00:00Z,2026-11-21T09:00:00Z,,800,,,60
EK511,DEL,DXB,2026-11-21T08:00:00Z,2026-11-21T11:00:00Z,,700,,,60
EK512,BOM,LHR,2026-11-21T12:00:00Z,2026-11-21T20:00:00Z,,700,,,60
";
    admin.post_raw("/api/v1/flights/import", "text/csv", table).await.expect(200);
    three.is_told("an import").await;

    admin.poke(&format!("{}/cancel", path_to(&freighter))).await.expect(200);
    three.is_told("a cancelled flight").await;
    admin.poke(&format!("{}/depart", path_to(&direct))).await.expect(200);
    three.is_told("a departure").await;
    admin.poke(&format!("{}/arrive", path_to(&direct))).await.expect(200);
    three.is_told("an arrival").await;
    let late = json!({"flight_number": "AI105", "origin": "DEL", "destination": "LHR", "capacity": {"weight_kg": 77.7},
        "departure_datetime": "2026-11-21T17:30:00Z", "arrival_datetime": "2026-11-22T01:00:00Z"});
    admin.post("/api/v1/flights", late).await.expect(201);
    three.is_told("a flight where there was none").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_change_is_shown_here_at_once_and_there_soon() {
    let three = Three::start(None).await;
    three.look().await;
    live(&three).await;
    three.here.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_redis_too() {
    let options = WorldOptions::patient().with_workers().without_redis();
    let three = Three::with(options).await;
    three.look().await;
    live(&three).await;
}

/// A booking, a retimed and a cancelled flight, and a new one.
async fn change(three: &Three, number: u32) {
    let minutes = i64::from(number);
    // No flight changes elsewhere.
    let pairs = &PAIRS[..rounds(1, PAIRS.len())];
    let flights = [
        NewFlight::new(&format!("LH{}", number * 2), "DEL", "LHR").takes_minutes(400 + minutes),
        NewFlight::new(&format!("LH{}", number * 2 + 1), "DEL", "LHR").takes_minutes(300 + minutes),
    ];
    let kept = three.here.flight(flights[0].clone()).await;
    let lost = three.here.flight(flights[1].clone()).await;
    three.assert_current(pairs, "two new flights").await;
    three.admin.book(order(&[&kept])).await;
    three.assert_current(pairs, "a booking").await;
    let later = json!({"departure_datetime": "2026-11-22T09:00:00Z", "arrival_datetime": "2026-11-22T15:00:00Z"});
    three.admin.patch(&path_to(&kept), later).await.expect(200);
    three.assert_current(pairs, "a retimed flight").await;
    three.admin.poke(&format!("{}/cancel", path_to(&lost))).await.expect(200);
    three.assert_current(pairs, "a cancelled flight").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_is_emptied_paused_killed_or_full_makes_nothing_old_come_back() {
    let mut redis = OwnRedis::start().await;
    let three = Three::start(Some(&redis)).await;
    schedule(&three.here).await;
    three.look().await;
    change(&three, 1).await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut redis.connect().await).await.unwrap();
    change(&three, 2).await;
    redis.pause();
    change(&three, 3).await;
    redis.go_on();
    change(&three, 4).await;
    redis.fill().await;
    change(&three, 5).await;
    redis.make_room().await;
    redis.kill();
    change(&three, 6).await;
    redis.start_again().await;
    change(&three, 7).await;
    three.here.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_comes_back_with_what_it_had_long_ago_is_not_believed() {
    let redis = OwnRedis::start().await;
    let three = Three::start(Some(&redis)).await;
    schedule(&three.here).await;
    three.look().await;
    until("it is in Redis", async || kept(&redis).await.len() >= 10).await;
    let old = kept(&redis).await;
    change(&three, 1).await;
    put_back(&redis, &old).await;
    three.is_told("what is now").await;
    // One that has just started knows nothing but what is in Redis.
    let options = WorldOptions::patient().with_workers().on(&three.here.database).set("redis.url", &redis.url());
    let newcomer = options.clone().start().await;
    assert_eq!(answers(&newcomer).await, answers(&three.plain).await);
    // Nor is it believed when it tells nonsense.
    let nonsense: Vec<_> = kept(&redis).await.into_iter().map(|(key, _)| (key, b"{\"flights\":[]}".to_vec())).collect();
    put_back(&redis, &nonsense).await;
    let newcomer = options.start().await;
    assert_eq!(answers(&newcomer).await, answers(&three.plain).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_instance_that_is_behind_reads_the_tables() {
    let three = Three::start(None).await;
    let Schedule { direct, .. } = schedule(&three.here).await;
    three.is_told("new flights").await;
    // From now on nobody can read messages, and nobody can write any.
    let mut owner = three.here.database.owner().await;
    sqlx::Executor::execute(&mut owner, "begin; lock table outbox in access exclusive mode").await.unwrap();
    three
        .here
        .sql(&format!(
            "update flight_capacity set booked_weight_hg = booked_weight_hg + 10, ledger_seq = ledger_seq + 1
             where flight_id = '{}'",
            text(&direct, "id")
        ))
        .await;
    let expected = answers(&three.plain).await;
    for world in [&three.here, &three.there] {
        until("it asks the tables", async || answers_match(world, &PAIRS, &expected).await).await;
    }
    three.here.sql("update flights set arrival_at = arrival_at + interval '1 minute'").await;
    let expected = answers(&three.plain).await;
    for world in [&three.here, &three.there] {
        assert_eq!(answers(world).await, expected, "it is known that nothing is heard: nothing is believed");
    }
    sqlx::Executor::execute(&mut owner, "rollback").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_was_away_is_read_anew() {
    let three = Three::start(None).await;
    let Schedule { direct, .. } = schedule(&three.here).await;
    three.is_told("new flights").await;
    for _ in 0..2 {
        let database = &three.here.database;
        database.close_doors().await;
        database.open_doors().await;
        until("all are ready", async || {
            let mut ready = true;
            for world in [&three.here, &three.there, &three.plain] {
                ready &= world.anonymous().get("/readyz").await.status == 200;
            }
            ready
        })
        .await;
        until("it can be booked", async || {
            let answer = three.admin.post("/api/v1/bookings", order(&[&direct])).await;
            answer.status == 201
        })
        .await;
        three.is_told("a booking").await;
    }
}
