//! Two processes that hold and book at once, and one that is killed between two holds.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    Answer, Client, NewFlight, OwnRedis, Process, TestDatabase, World, WorldOptions,
    freight::{order, race, text, with},
    rounds, until, until_blocked,
};
use serde_json::{Value, json};
use sqlx::Executor;

use super::{
    at, flight,
    masters::{awb, open_holds, ready},
    named, of, shown, statuses, ways,
};

/// Two flights to London with room for so much: from Bombay and from Delhi.
async fn two_origins(world: &World, round: usize, kilograms: f64) -> [Value; 2] {
    let bom = flight(world, &format!("AI{}", 1000 + 2 * round), "BOM", kilograms).await;
    let del = flight(world, &format!("AI{}", 1001 + 2 * round), "DEL", kilograms).await;
    [bom, del]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_hold_the_last_room_over_two_processes_one_gets_it_whole_and_the_other_nothing() {
    let [one, other] = World::two(WorldOptions::patient().set("auth.access_token_minutes", "1440")).await;
    let (first, second) = (one.customer().await, one.customer().await);
    let elsewhere = other.same(&second);
    for round in 0..rounds(6, 200) {
        let [bom, del] = two_origins(&one, round, 150.0).await;
        let own = [ready(&first, &["BOM", "DEL"]).await, ready(&second, &["BOM", "DEL"]).await];
        // They name their origins in opposite orders.
        let wanted = [ways(&[("BOM", &bom), ("DEL", &del)]), ways(&[("DEL", &del), ("BOM", &bom)])];
        let [path, its_path] = [of(&own[0], "hold"), of(&own[1], "hold")];
        let answers =
            race(round, first.post(&path, wanted[0].clone()), elsewhere.post(&its_path, wanted[1].clone())).await;
        let winner = usize::from(answers[1].status == 200);
        let [one_answer, other_answer] = answers;
        let (held, refused) = if winner == 0 { (one_answer, other_answer) } else { (other_answer, one_answer) };
        assert_eq!(statuses(&held.expect(200)), named(&[("BOM", "HELD"), ("DEL", "HELD")]), "round {round}");
        let problem = refused.expect_problem(409, "capacity_exceeded");
        assert_eq!(problem["origin"], "BOM", "round {round}");
        assert_eq!(open_holds(&one).await, 2, "round {round}: the other one holds nothing");
        let owners = [&first, &second];
        let loser = 1 - winner;
        assert_eq!(shown(owners[loser], &own[loser]).await["masters"], json!([]), "round {round}");
        let released = owners[winner].post(&of(&own[winner], "release"), json!({})).await.expect(200);
        assert_eq!(statuses(&released), named(&[("BOM", "RELEASED"), ("DEL", "RELEASED")]));
        // What was given back is there for the other one.
        owners[loser].post(&of(&own[loser], "hold"), wanted[loser].clone()).await.expect(200);
        owners[loser].post(&of(&own[loser], "release"), json!({})).await.expect(200);
        assert_eq!(open_holds(&one).await, 0, "round {round}");
    }
    one.audit().await;
}

/// Repeats a request under its key until the first one is done.
async fn repeated(client: &Client, key: &str, path: &str, body: &Value) -> Answer {
    let mut last = client.post_under(key, path, body).await;
    until("the first request is done", async || {
        if last.body["code"] == "idempotency_in_progress" {
            last = client.post_under(key, path, body).await;
        }
        last.body["code"] != "idempotency_in_progress"
    })
    .await;
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_sent_to_two_processes_at_once_holds_and_books_once() {
    let [one, other] = World::two(WorldOptions::patient().set("auth.access_token_minutes", "1440")).await;
    let owner = one.customer().await;
    let elsewhere = other.same(&owner);
    for round in 0..rounds(4, 100) {
        // Twice as much would fit.
        let [bom, del] = two_origins(&one, round, 1000.0).await;
        let consolidation = ready(&owner, &["BOM", "DEL"]).await;
        let (path, wanted) = (of(&consolidation, "hold"), ways(&[("DEL", &del), ("BOM", &bom)]));
        let both =
            race(round, owner.post_under("hold", &path, &wanted), elsewhere.post_under("hold", &path, &wanted)).await;
        for answer in both {
            if answer.status != 200 {
                answer.expect_problem(409, "idempotency_in_progress");
            }
        }
        let held = repeated(&owner, "hold", &path, &wanted).await;
        let again = repeated(&elsewhere, "hold", &path, &wanted).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "round {round}: {}", again.text);
        assert_eq!(held.text, again.text, "round {round}");
        assert_eq!(statuses(&held.expect(200)), named(&[("BOM", "HELD"), ("DEL", "HELD")]), "round {round}");
        assert_eq!(open_holds(&one).await, 2, "round {round}");

        let (path, all) = (of(&consolidation, "book"), json!({}));
        let both = race(round, owner.post_under("book", &path, &all), elsewhere.post_under("book", &path, &all)).await;
        for answer in both {
            let booked = answer.expect(200);
            for row in booked["results"].as_array().unwrap() {
                let code = &row["problem"]["code"];
                assert!(row["ok"] == true || *code == "idempotency_in_progress", "round {round}: {booked}");
            }
        }
        let booked = owner.post_under("book", &path, &all).await.expect(200);
        assert_eq!((&booked["succeeded"], &booked["failed"]), (&json!(2), &json!(0)), "round {round}: {booked}");
        let again = elsewhere.post_under("book", &path, &all).await.expect(200);
        assert_eq!(again["results"], booked["results"], "round {round}");
        for (flight, row) in [&bom, &del].into_iter().zip(booked["results"].as_array().unwrap()) {
            assert_eq!(one.available(flight).await["weight_kg"], 900, "round {round}: {row}");
        }
        assert_eq!(one.count("bookings").await, 2 * (round + 1), "round {round}");
        assert_eq!(open_holds(&one).await, 0, "round {round}");
    }
    one.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_origins_at_two_processes_one_is_full_and_nothing_is_held() {
    let [one, other] = World::two(WorldOptions::patient()).await;
    let owner = one.customer().await;
    let elsewhere = other.same(&owner);
    let [bom, del] = two_origins(&one, 0, 1000.0).await;
    let maa = flight(&one, "AI103", "MAA", 150.0).await;
    one.customer().await.book(order(&[&maa])).await;
    let consolidation = ready(&owner, &["BOM", "DEL", "MAA"]).await;
    let (path, wanted) = (of(&consolidation, "hold"), ways(&[("MAA", &maa), ("DEL", &del), ("BOM", &bom)]));
    for (round, client) in [&owner, &elsewhere, &owner].into_iter().enumerate() {
        let problem = client.post_under("full", &path, &wanted).await.expect_problem(409, "capacity_exceeded");
        assert_eq!(problem["origin"], "MAA", "try {round}");
        assert_eq!(open_holds(&one).await, 0, "try {round}");
        for flight in [&bom, &del] {
            assert_eq!(one.available(flight).await["weight_kg"], 1000, "try {round}");
        }
    }
    assert_eq!(shown(&elsewhere, &consolidation).await["masters"], json!([]));
    one.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_air_waybill_number_that_is_taken_leaves_one_master_held_at_both_processes() {
    let [one, other] = World::two(WorldOptions::patient()).await;
    let owner = one.customer().await;
    let elsewhere = other.same(&owner);
    let [bom, del] = two_origins(&one, 0, 1000.0).await;
    let maa = flight(&one, "AI103", "MAA", 1000.0).await;
    let taken = awb(1_234_567);
    one.customer().await.book(with(order(&[&maa]), json!({"awb_number": taken}))).await;
    let consolidation = ready(&owner, &["BOM", "DEL", "MAA"]).await;
    let wanted = ways(&[("BOM", &bom), ("DEL", &del), ("MAA", &maa)]);
    owner.post(&of(&consolidation, "hold"), wanted).await.expect(200);
    let (path, numbers) = (of(&consolidation, "book"), json!({"awb_numbers": {"MAA": taken}}));
    let first = elsewhere.post_under("b", &path, &numbers).await.expect(200);
    assert_eq!((&first["succeeded"], &first["failed"]), (&json!(2), &json!(1)), "{first}");
    assert_eq!(first["results"][2]["problem"]["code"], "already_exists", "{first}");
    let again = owner.post_under("b", &path, &numbers).await.expect(200);
    for origin in 0..2 {
        assert_eq!(again["results"][origin]["booking_ref"], first["results"][origin]["booking_ref"], "{again}");
    }
    for client in [&owner, &elsewhere] {
        let now = statuses(&shown(client, &consolidation).await);
        assert_eq!(now, named(&[("BOM", "BOOKED"), ("DEL", "BOOKED"), ("MAA", "HELD")]));
    }
    assert_eq!((one.count("bookings").await, open_holds(&one).await), (3, 1));
    one.audit_and_rebuild().await;
}

/// A process that was killed after it held the first of two masters, and what it was to hold.
struct Killed {
    world: World,
    owner: Client,
    consolidation: Value,
    bom: Value,
    wanted: Value,
    redis: OwnRedis,
    database: TestDatabase,
}

/// The key of the request that is not answered.
const KEY: &str = "killed";

/// These processes have the machine's clock, and wait for locked rows for longer than the test takes.
const PATIENT: [&str; 3] =
    ["database.acquire_timeout_ms=60000", "database.statement_timeout_ms=120000", "server.request_timeout_ms=60000"];

impl Killed {
    async fn between_two_holds(settings: &[&str]) -> Self {
        let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
        let world = WorldOptions::patient().without_redis().on(&database).start().await;
        let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
        world.clock.set(now);
        let leaves = (now + TimeDelta::days(3)).to_rfc3339();
        let made = async |number: &str, origin| {
            world.flight(NewFlight::new(number, origin, "LHR").departs(&leaves).weight(150.0)).await
        };
        let (bom, del) = (made("AI101", "BOM").await, made("AI102", "DEL").await);
        let owner = world.customer().await;
        let consolidation = ready(&owner, &["BOM", "DEL"]).await;
        let wanted = ways(&[("BOM", &bom), ("DEL", &del)]);
        let mut doomed = Process::start(&database, &redis, &[&PATIENT[..], settings].concat()).await;
        let mut lock = database.owner().await;
        let statement =
            format!("begin; select from flight_capacity where flight_id = '{}' for update", text(&del, "id"));
        lock.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement))).await.unwrap();
        let there = Client::anonymous(&doomed.base).with_token(owner.token.as_deref().unwrap());
        let request = there.request(reqwest::Method::POST, &of(&consolidation, "hold"));
        let sent = tokio::spawn(request.header("idempotency-key", KEY).json(&wanted).send());
        until_blocked(&there, 1).await;
        assert_eq!(open_holds(&world).await, 1, "the first one is held");
        doomed.child.kill().await.unwrap();
        assert!(sent.await.unwrap().is_err(), "it is not answered");
        lock.execute("rollback").await.unwrap();
        assert_eq!(shown(&owner, &consolidation).await["masters"], json!([]));
        assert_eq!(open_holds(&world).await, 1);
        Self { world, owner, consolidation, bom, wanted, redis, database }
    }

    /// Another process, and the owner there.
    async fn heir(&self, settings: &[&str]) -> (Process, Client) {
        let heir = Process::start(&self.database, &self.redis, settings).await;
        let there = Client::anonymous(&heir.base).with_token(self.owner.token.as_deref().unwrap());
        (heir, there)
    }
}

/// Takes ten seconds: that is the shortest time for which room is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_process_held_before_it_was_killed_ends_by_itself() {
    let killed = Killed::between_two_holds(&["holds.ttl_seconds=10"]).await;
    let (_heir, there) = killed.heir(&[]).await;
    let world = &killed.world;
    until("the hold has expired", async || world.count("holds where status = 'EXPIRED'").await == 1).await;
    assert_eq!(open_holds(world).await, 0);
    assert_eq!(world.available(&killed.bom).await["weight_kg"], 150);
    let now = there.get(&at(&killed.consolidation)).await.expect(200);
    assert_eq!((&now["status"], &now["masters"]), (&json!("PLANNING"), &json!([])));
    world.audit().await;
    // Under the same key and under another one the room can be held again.
    let path = of(&killed.consolidation, "hold");
    let held = there.post_under(KEY, &path, &killed.wanted).await.expect(200);
    assert_eq!(statuses(&held), named(&[("BOM", "HELD"), ("DEL", "HELD")]));
    there.post(&of(&killed.consolidation, "release"), json!({})).await.expect(200);
    let held = there.post_under("another", &path, &killed.wanted).await.expect(200);
    assert_eq!(statuses(&held), named(&[("BOM", "HELD"), ("DEL", "HELD")]));
    assert_eq!(open_holds(world).await, 2);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_a_killed_process_began_is_completed_when_it_is_repeated() {
    let killed = Killed::between_two_holds(&[]).await;
    let begun = killed.world.texts("select id::text from holds where status = 'ACTIVE'").await;
    let (_heir, there) = killed.heir(&[]).await;
    let path = of(&killed.consolidation, "hold");
    let held = there.post_under(KEY, &path, &killed.wanted).await.expect(200);
    assert_eq!(statuses(&held), named(&[("BOM", "HELD"), ("DEL", "HELD")]));
    assert_eq!(held["masters"][0]["hold_id"], json!(begun[0]), "what was held is taken up");
    assert_eq!(open_holds(&killed.world).await, 2);
    let again = there.post_under(KEY, &path, &killed.wanted).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{}", again.text);
    assert_eq!(killed.world.count("holds").await, 2);
    let booked = there.post(&of(&killed.consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(booked["succeeded"], 2, "{booked}");
    killed.world.audit_and_rebuild().await;
}
