//! The booking desk: many requests in one transaction, and what one of them means for the others.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, at_once, order, path_of, text, with},
    is_long, pricing, sum_of, until, until_blocked,
};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use tokio::{task::JoinHandle, time::Instant};

async fn flight(world: &World, number: &str) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").weight(10_000.0)).await
}

/// Locks a flight's row, as a slow transaction would.
async fn lock(owner: &mut PgConnection, flight: &Value) {
    let statement = format!("begin; select from flight_capacity where flight_id = '{}' for update", text(flight, "id"));
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement))).await.unwrap();
}

async fn unlock(mut owner: PgConnection) {
    owner.execute("rollback").await.unwrap();
    owner.close().await.unwrap();
}

/// Submits these, until all of them are at the desk.
async fn submitted(customer: &Client, asked: impl IntoIterator<Item = Value>) -> Vec<JoinHandle<Answer>> {
    let before = sum_of(customer, "loadmaster_desk_orders_total ", "").await;
    let waiting: Vec<_> = asked.into_iter().map(|order| spawn_post(customer, BOOKINGS, order)).collect();
    let all = before + waiting.len() as u64;
    until("all orders are at the desk", async || sum_of(customer, "loadmaster_desk_orders_total ", "").await == all)
        .await;
    waiting
}

fn spawn_post(client: &Client, path: &'static str, body: Value) -> JoinHandle<Answer> {
    // On a connection of its own.
    let client = Client { token: client.token.clone(), ..Client::anonymous(&client.base) };
    tokio::spawn(async move { client.post(path, body).await })
}

/// Lets one more wait for a locked row, beside so many others.
async fn queued_beside(customer: &Client, others: u64, order: Value) -> JoinHandle<Answer> {
    let waiting = spawn_post(customer, BOOKINGS, order);
    until_blocked(customer, others + 1).await;
    waiting
}

/// Lets these wait for a locked row. That ends after six seconds.
async fn queued(customer: &Client, asked: impl IntoIterator<Item = Value>) -> Vec<JoinHandle<Answer>> {
    let waiting = submitted(customer, asked).await;
    until_blocked(customer, u64::try_from(waiting.len()).unwrap()).await;
    waiting
}

#[tokio::test]
async fn a_locked_flight_delays_only_requests_for_it() {
    let world = WorldOptions::patient().start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let direct = flight(&world, "AI103").await;
    let customer = world.customer().await;
    let mut owner = world.database.owner().await;
    // Whichever of the two has the lower id: while it is waited for, the other one is not locked.
    for locked in [&first, &onward] {
        lock(&mut owner, locked).await;
        let waiting = queued(&customer, [order(&[&first, &onward])]).await;
        let free = if locked == &first { &onward } else { &first };
        for flights in [&[free][..], &[&direct]] {
            customer.book(order(flights)).await;
        }
        assert!(waiting.iter().all(|answer| !answer.is_finished()));
        owner.execute("rollback").await.unwrap();
        for answer in waiting {
            answer.await.unwrap().expect(201);
        }
    }
    world.audit().await;
}

/// As while an import holds them.
#[tokio::test]
async fn any_number_of_locked_flights_delay_only_requests_for_them() {
    let world = WorldOptions::patient().start().await;
    let customer = world.customer().await;
    let mut locked = Vec::new();
    for number in 0..12 {
        locked.push(flight(&world, &format!("AI{}", 101 + 2 * number)).await);
    }
    let direct = flight(&world, "AI201").await;
    let mut owner = world.database.owner().await;
    owner.execute("begin").await.unwrap();
    for flight in &locked {
        let lock = format!("select from flight_capacity where flight_id = '{}' for update", text(flight, "id"));
        owner.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    }
    let waiting = queued(&customer, locked.iter().chain(&locked).map(|flight| order(&[flight]))).await;
    // Each of them would wait for too long if this took six seconds.
    for _ in 0..20 {
        customer.book(order(&[&direct])).await;
    }
    assert!(waiting.iter().all(|answer| !answer.is_finished()));
    unlock(owner).await;
    for answer in waiting {
        answer.await.unwrap().expect(201);
    }
    world.audit().await;
}

/// Somebody else has claimed an air waybill, and may still take that back.
#[tokio::test]
async fn only_the_order_waits_whose_air_waybill_is_being_claimed_elsewhere() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let other = customer.book(order(&[&flight])).await;
    let under_awb = || with(order(&[&flight]), json!({"awb_number": "020-12345675"}));
    for (end, status) in [("rollback", 201), ("commit", 409)] {
        world.sql("delete from awb_claims").await;
        let claim = format!(
            "begin; insert into awb_claims (awb_number, booking_id)
                    select '020-12345675', id from bookings where ref_id = '{}'",
            text(&other, "ref_id")
        );
        let mut owner = world.database.owner().await;
        owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(claim))).await.unwrap();
        let waiting = queued(&customer, [under_awb()]).await;
        // Also while it is tried again from time to time.
        for _ in 0..20 {
            customer.book(order(&[&flight])).await;
        }
        assert!(!waiting[0].is_finished());
        owner.execute(end).await.unwrap();
        for answer in waiting {
            assert_eq!(answer.await.unwrap().status, status);
        }
        if status == 201 {
            world.audit().await;
        }
    }
}

/// As a migration does.
#[tokio::test]
async fn a_locked_table_delays_orders_and_fails_none() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let mut owner = world.database.owner().await;
    owner.execute("begin; lock table bookings in exclusive mode").await.unwrap();
    let waiting = queued(&customer, (0..40).map(|_| order(&[&flight]))).await;
    unlock(owner).await;
    for answer in waiting {
        answer.await.unwrap().expect(201);
    }
    world.audit().await;
}

/// After a lock that is on no row of theirs, twice as many are tried each time, and 64 at most: one that fails takes down few.
#[tokio::test]
async fn orders_that_met_a_locked_table_are_tried_in_batches_of_64_at_most() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let light = with(order(&[&flight]), json!({"weight_kg": 1, "volume_m3": 0.001}));
    let mut owner = world.database.owner().await;
    owner.execute("begin; lock table bookings in exclusive mode").await.unwrap();
    // The first 127 are tried in batches of 1, 2, 4, 8, 16, 32 and 64, and those that are left are more than 64.
    let waiting = queued(&customer, (0..200).map(|_| light.clone())).await;
    unlock(owner).await;
    for answer in waiting {
        answer.await.unwrap().expect(201);
    }
    // Each booking has the number of the transaction that made it.
    let batches = "select count(*)::text from bookings group by xmin::text order by count(*) desc limit 3";
    assert_eq!(world.texts(batches).await, ["64", "64", "32"]);
    world.audit().await;
}

#[tokio::test]
async fn a_full_queue_of_one_flight_refuses_no_order_for_another() {
    let world = WorldOptions::patient().set("desk.queue", "3").start().await;
    let (crowded, other) = (flight(&world, "AI101").await, flight(&world, "AI103").await);
    let customer = world.customer().await;
    let mut owner = world.database.owner().await;
    lock(&mut owner, &crowded).await;
    let waiting = queued(&customer, (0..3).map(|_| order(&[&crowded]))).await;
    let refused = customer.post(BOOKINGS, order(&[&crowded])).await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");
    customer.book(order(&[&other])).await;
    unlock(owner).await;
    for answer in waiting {
        answer.await.unwrap().expect(201);
    }
    customer.book(order(&[&crowded])).await;
    world.audit().await;
}

/// Lets the database refuse bookings of 13 pieces with this code.
async fn refuse_13_pieces(world: &World, code: &str) {
    let refuse = format!(
        "create or replace function refuse() returns trigger language plpgsql as $$ begin
             if new.pieces = 13 then raise exception 'no' using errcode = '{code}'; end if;
             return new;
         end $$;
         create or replace trigger refuse before insert on bookings for each row execute function refuse()"
    );
    world.database.owner().await.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(refuse))).await.unwrap();
}

#[tokio::test]
async fn only_the_order_fails_that_the_database_refuses_with_any_code() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let unfair = world.customer().await;
    // A constraint, a row named twice, a function's own error, a denied right, an error within the server.
    for (code, status) in [("23514", 500), ("21000", 500), ("P0001", 500), ("42501", 500), ("XX000", 503)] {
        refuse_13_pieces(&world, code).await;
        let mut owner = world.database.owner().await;
        lock(&mut owner, &flight).await;
        let mut waiting = queued(&customer, (0..7).map(|_| order(&[&flight]))).await;
        let refused = queued_beside(&unfair, 7, with(order(&[&flight]), json!({"pieces": 13}))).await;
        waiting.extend(submitted(&customer, (0..12).map(|_| order(&[&flight]))).await);
        unlock(owner).await;
        assert_eq!(refused.await.unwrap().status, status, "{code}");
        for answer in waiting {
            answer.await.unwrap().expect(201);
        }
    }
    assert!(sum_of(&customer, "loadmaster_desk_batches_split_total{", "lane").await > 0);
    world.audit().await;
}

/// The caller's next orders are served apart, and are right.
#[tokio::test]
async fn an_order_that_always_fails_harms_no_stranger_and_its_caller_books_on() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer, unfair) = (flight(&world, "AI101").await, world.customer().await, world.customer().await);
    refuse_13_pieces(&world, "P0001").await;
    let failing = {
        let (unfair, order) = (unfair.clone(), with(order(&[&flight]), json!({"pieces": 13})));
        tokio::spawn(async move {
            for _ in 0..40 {
                unfair.post(BOOKINGS, order.clone()).await.expect_problem(500, "internal");
            }
        })
    };
    let strangers = (0..8).map(|_| {
        let (stranger, order) = (customer.clone(), order(&[&flight]));
        async move {
            for _ in 0..10 {
                stranger.post(BOOKINGS, order.clone()).await.expect(201);
            }
        }
    });
    at_once(strangers).await;
    failing.await.unwrap();
    // They are more than are served apart.
    for _ in 0..35 {
        let booking = unfair.book(with(order(&[&flight]), json!({"weight_kg": 1, "volume_m3": 0.01}))).await;
        unfair.walk(&booking, &["cancel"]).await;
    }
    world.audit().await;
}

#[tokio::test]
async fn holds_of_one_quote_are_made_in_one_batch_as_one_after_the_other() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer, stranger) = (flight(&world, "AI101").await, world.customer().await, world.customer().await);
    world.admin().await.post("/api/v1/tariffs", pricing::tariff("DEMO", json!({}))).await.expect(201);
    let quote = customer.post(pricing::QUOTES, pricing::asked(&[&flight], 100.0)).await.expect(201);
    let wanted = json!({"flight_ids": [flight["id"]], "weight_kg": 100, "quote_id": quote["id"]});
    let mut owner = world.database.owner().await;
    lock(&mut owner, &flight).await;
    let mut waiting = queued(&stranger, (0..5).map(|_| order(&[&flight]))).await;
    let double_click = (0..6).map(|_| {
        // Half of them are booked at once.
        let (client, wanted) = (customer.clone(), wanted.clone());
        [
            spawn_post(&client, "/api/v1/holds", wanted.clone()),
            spawn_post(&client, BOOKINGS, with(wanted, json!({"origin": "DEL", "destination": "LHR", "pieces": 1}))),
        ]
    });
    waiting.extend(double_click.flatten().collect::<Vec<_>>());
    until_blocked(&customer, waiting.len() as u64).await;
    unlock(owner).await;
    for answer in waiting {
        answer.await.unwrap().expect(201);
    }
    world.audit().await;
}

#[tokio::test]
async fn of_two_orders_with_one_air_waybill_one_is_made_and_the_others_around_them_are_too() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let mut owner = world.database.owner().await;
    lock(&mut owner, &flight).await;
    let awb = |number: usize| number.is_multiple_of(5).then_some("020-12345675");
    let asked = (0..20).map(|number| with(order(&[&flight]), json!({"awb_number": awb(number)})));
    let waiting = queued(&customer, asked).await;
    unlock(owner).await;
    let mut made = 0;
    for (number, answer) in waiting.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        if answer.status == 201 {
            made += usize::from(awb(number).is_some());
        } else {
            assert!(awb(number).is_some(), "{}", answer.text);
            answer.expect_problem(409, "already_exists");
        }
    }
    assert_eq!(made, 1);
    world.audit().await;
}

#[tokio::test]
async fn an_order_whose_client_leaves_before_it_is_begun_is_skipped() {
    let world = WorldOptions::patient().start().await;
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let mut owner = world.database.owner().await;
    lock(&mut owner, &flight).await;
    let waiting = queued(&customer, (0..5).map(|_| order(&[&flight]))).await;
    for answer in &waiting[..2] {
        answer.abort();
    }
    let gone = async || sum_of(&customer, "http_requests_total{", "\"499\"").await;
    until("the server has noticed it", async || gone().await == 2).await;
    unlock(owner).await;
    for answer in waiting.into_iter().skip(2) {
        answer.await.unwrap().expect(201);
    }
    assert_eq!(world.count("bookings").await, 3);
    world.audit().await;
}

/// Cancelling gives room back to those who wait behind it in the same transaction.
#[tokio::test]
async fn orders_are_decided_in_the_order_of_arrival_with_what_those_before_them_left() {
    let world = WorldOptions::patient().set("desk.lanes", "1").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    let customer = world.customer().await;
    let kilograms = |weight: u32| with(order(&[&flight]), json!({"weight_kg": weight, "volume_m3": 0.01}));
    let booking = customer.book(kilograms(90)).await;
    let mut owner = world.database.owner().await;
    lock(&mut owner, &flight).await;
    let mut waiting = Vec::new();
    let cancel = {
        let (client, path) = (customer.clone(), format!("{}/cancel", path_of(&booking)));
        let asked = tokio::spawn(async move { client.poke(&path).await });
        until_blocked(&customer, 1).await;
        asked
    };
    for weight in [60, 50, 40] {
        waiting.extend(submitted(&customer, [kilograms(weight)]).await);
    }
    unlock(owner).await;
    cancel.await.unwrap().expect(200);
    let mut told = Vec::new();
    for answer in waiting {
        told.push(answer.await.unwrap().status.as_u16());
    }
    assert_eq!(told, [201, 409, 201], "greedy: the smaller later one fits");
    assert_eq!(world.available(&flight).await["weight_kg"], 0);
    world.audit().await;
}

/// How long 40 strangers wait beside one caller whose order always fails. Times are printed, not asserted:
/// `./test --long forty_strangers`.
#[tokio::test]
async fn forty_strangers_are_served_beside_an_order_that_always_fails() {
    if !is_long() {
        return;
    }
    let world = WorldOptions::patient().start().await;
    let (flight, customer, unfair) = (flight(&world, "AI101").await, world.customer().await, world.customer().await);
    refuse_13_pieces(&world, "P0001").await;
    let light = with(order(&[&flight]), json!({"weight_kg": 1, "volume_m3": 0.001}));
    let failing = with(light.clone(), json!({"pieces": 13}));
    // Twice in turns, so that a quiet or busy moment of the machine does not decide.
    for round in ["alone", "beside it", "alone", "beside it"] {
        let attempts = (round == "beside it").then(|| {
            let (unfair, failing) = (unfair.clone(), failing.clone());
            tokio::spawn(async move {
                loop {
                    unfair.post(BOOKINGS, failing.clone()).await.expect_problem(500, "internal");
                }
            })
        });
        let strangers = (0..40).map(|_| {
            let (stranger, order) = (customer.clone(), light.clone());
            async move {
                let mut waits = Vec::new();
                for _ in 0..50 {
                    let began = Instant::now();
                    stranger.post(BOOKINGS, order.clone()).await.expect(201);
                    waits.push(began.elapsed());
                }
                waits
            }
        });
        let mut waits = at_once(strangers).await.concat();
        waits.sort_unstable();
        println!(
            "forty strangers {round}: median {:?}, p99 {:?}",
            waits[waits.len() / 2],
            waits[waits.len() * 99 / 100]
        );
        attempts.inspect(JoinHandle::abort);
    }
    world.audit().await;
}
