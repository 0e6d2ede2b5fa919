//! The booking desk: many requests in one transaction, and what one of them means for the others.
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinHandle;

use crate::support::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, path_of, text, with},
    sum_of, until, until_blocked,
};

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

fn book(customer: &Client, order: Value) -> JoinHandle<Answer> {
    // On a connection of its own.
    let client = Client { token: customer.token.clone(), ..Client::anonymous(&customer.base) };
    tokio::spawn(async move { client.post(BOOKINGS, order).await })
}

/// How many orders have been left at the desk.
async fn orders(client: &Client) -> u64 {
    let metrics = client.get("/metrics").await.text;
    let counted = metrics.lines().find_map(|line| line.strip_prefix("loadmaster_desk_orders_total "));
    counted.unwrap().parse().unwrap()
}

/// Submits these, until all of them are at the desk.
async fn submitted(customer: &Client, asked: impl IntoIterator<Item = Value>) -> Vec<JoinHandle<Answer>> {
    let before = orders(customer).await;
    let waiting: Vec<_> = asked.into_iter().map(|order| book(customer, order)).collect();
    let all = before + waiting.len() as u64;
    until("all orders are at the desk", async || orders(customer).await == all).await;
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

#[tokio::test]
async fn only_the_order_fails_whose_data_the_database_refuses() {
    let world = WorldOptions::patient().start().await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin
                      if new.pieces = 13 then raise exception 'no' using errcode = '23514'; end if;
                      return new;
                  end $$;
                  create trigger refuse before insert on bookings for each row execute function refuse()";
    world.database.owner().await.execute(sqlx::raw_sql(refuse)).await.unwrap();
    let (flight, customer) = (flight(&world, "AI101").await, world.customer().await);
    let mut owner = world.database.owner().await;
    lock(&mut owner, &flight).await;
    let asked = (0..20).map(|number| with(order(&[&flight]), json!({"pieces": if number == 7 { 13 } else { 1 }})));
    let waiting = queued(&customer, asked).await;
    unlock(owner).await;
    for (number, answer) in waiting.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        if number == 7 {
            answer.expect_problem(500, "internal");
        } else {
            answer.expect(201);
        }
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
    assert_eq!(world.texts("select count(*)::text from bookings").await, ["3"]);
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
