//! Callers that meet at an air waybill, at the best flight, or at a flight that is being changed.
use chrono::TimeDelta;
use loadmaster_testkit::{Answer, Brake, Client, NewFlight, World, WorldOptions, start_of_time, until_blocked};
use serde_json::{Value, json};
use sqlx::Connection;

use super::{at_once, booked_kg, kilograms, order, parted, text};

const AWB: &str = "098-12345675";

fn roomy(number: &str) -> NewFlight {
    NewFlight::new(number, "DEL", "LHR").weight(100_000.0)
}

fn under_awb(flight: &Value) -> Value {
    let mut wish = order("DEL", "LHR", &[flight], 10);
    wish["awb_number"] = json!(AWB);
    wish
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_50_concurrent_bookings_with_one_air_waybill_is_made() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = world.flight(roomy("AI101")).await;
    let customer = world.customer().await;
    let answers = at_once(50, |_| {
        let (client, wish) = (customer.clone(), under_awb(&flight));
        async move { client.post("/api/v1/bookings", wish).await }
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.expect_problem(409, "already_exists");
    }
    assert_eq!(kilograms(&json!(booked_kg(&customer, &flight).await)), 10);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_air_waybill_goes_from_a_cancelled_booking_to_one_new_one_at_most() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = world.flight(roomy("AI101")).await;
    let customer = world.customer().await;
    let mut held = customer.post("/api/v1/bookings", under_awb(&flight)).await.expect(201);
    for _ in 0..30 {
        let cancel = format!("/api/v1/bookings/{}/cancel", text(&held["ref_id"]));
        let answers =
            at_once(4, |number| {
                let (client, wish, cancel) = (customer.clone(), under_awb(&flight), cancel.clone());
                async move {
                    if number == 0 { client.poke(&cancel).await } else { client.post("/api/v1/bookings", wish).await }
                }
            })
            .await;
        let mut answers = answers.into_iter();
        answers.next().unwrap().expect(200);
        let (won, lost): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status == 201);
        for answer in lost {
            answer.expect_problem(409, "already_exists");
        }
        held = match <[Answer; 1]>::try_from(won) {
            Ok([answer]) => answer.body,
            Err(won) => {
                assert!(won.is_empty(), "{} bookings have one air waybill", won.len());
                customer.post("/api/v1/bookings", under_awb(&flight)).await.expect(201)
            }
        };
    }
    assert_eq!(kilograms(&json!(booked_kg(&customer, &flight).await)), 10);
    world.audit().await;
}

fn anywhere() -> Value {
    json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 40})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bookings_without_flights_spill_over_to_the_next_best_one_until_all_are_full() {
    let world = WorldOptions::patient().with_workers().start().await;
    let mut flights = Vec::new();
    for (number, hours) in [("AI101", 24), ("AI103", 26), ("AI105", 28)] {
        flights.push(world.flight(roomy(number).weight(400.0).leaves_in_hours(hours)).await);
    }
    // The last way: over Bombay, with room for five.
    let first = NewFlight::new("AI201", "DEL", "BOM").leaves_in_hours(24).weight(1000.0);
    let second = NewFlight::new("AI202", "BOM", "LHR").leaves_in_hours(34).weight(200.0);
    let over_bombay = [world.flight(first).await, world.flight(second).await];
    let customer = world.customer().await;

    let answers = at_once(60, |_| {
        let client = customer.clone();
        async move { client.post("/api/v1/bookings", anywhere()).await }
    })
    .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (35, 25));
    for answer in lost {
        answer.expect_problem(409, "no_bookable_itinerary");
    }
    let on = |wanted: &[&Value]| {
        let ids: Vec<_> = wanted.iter().map(|flight| flight["id"].clone()).collect();
        won.iter().filter(|answer| answer.body["flight_ids"] == json!(ids)).count()
    };
    for flight in &flights {
        assert_eq!(on(&[flight]), 10);
    }
    assert_eq!(on(&[&over_bombay[0], &over_bombay[1]]), 5);
    assert_eq!(kilograms(&json!(booked_kg(&customer, &over_bombay[0]).await)), 200, "no half of a journey is taken");
    world.audit().await;
}

/// A row of an import that gives AI101 this capacity, lets it leave so much later, and leaves all else as [`roomy`] has it.
fn import_of(weight_kg: u64, later: TimeDelta) -> String {
    let departure = start_of_time() + roomy("AI101").leaves_in + later;
    let arrival = departure + roomy("AI101").takes;
    format!(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,\
         positions,cutoff_minutes\nAI101,DEL,LHR,{},{},,{weight_kg},1000,10,60\n",
        departure.to_rfc3339(),
        arrival.to_rfc3339()
    )
}

async fn import(admin: &Client, weight_kg: u64) -> Answer {
    admin.post_raw("/api/v1/flights/import", "text/csv", import_of(weight_kg, TimeDelta::zero())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bookings_while_imports_change_the_capacity_never_exceed_what_it_is_at_the_time() {
    const IMPORTS: [u64; 12] = [1500, 600, 2000, 200, 900, 1000, 1400, 700, 3000, 1600, 500, 2000];
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = world.flight(roomy("AI101").weight(1000.0)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);

    let answers = at_once(81, |number| {
        let (customer, admin, flight) = (customer.clone(), admin.clone(), flight.clone());
        async move {
            if number > 0 {
                return customer.post("/api/v1/bookings", order("DEL", "LHR", &[&flight], 40)).await;
            }
            let mut last = None;
            for weight in IMPORTS {
                let answer = import(&admin, weight).await;
                if answer.status != 200 {
                    // Less than what is booked by now: the one fault there can be.
                    assert_eq!(answer.clone().expect_faults(), [("/weight_kg".to_owned(), "too_small".to_owned())]);
                }
                last = Some(answer);
            }
            last.unwrap()
        }
    })
    .await;

    let (booked, refused) = parted(answers.into_iter().skip(1).collect());
    assert_eq!(booked.len() + refused.len(), 80);
    let sold = kilograms(&json!(booked_kg(&customer, &flight).await));
    assert_eq!(sold, 40 * booked.len() as u64);
    let path = format!("/api/v1/flights/{}/availability", text(&flight["id"]));
    let capacity = kilograms(&customer.get(&path).await.expect(200)["capacity"]["weight_kg"]);
    assert!(sold <= capacity && IMPORTS.contains(&capacity), "{sold} of {capacity} kg");
    world.audit().await;
}

/// Moves the flight's version on, as an import does, while the call waits for its row.
async fn changed_while_waiting(
    world: &World,
    flight: &Value,
    call: impl Future<Output = Answer> + Send + 'static,
) -> Answer {
    let mut owner = world.database.owner().await;
    let mut importing = owner.begin().await.unwrap();
    sqlx::query(
        "with changed as (
             update flight_capacity set version = version + 1, ledger_seq = ledger_seq + 1 where flight_id = $1::uuid
             returning *)
         insert into capacity_ledger
         select flight_id, ledger_seq, 'CAPACITY_SET', null, null, null, 0, 0, 0, capacity_weight_hg,
                capacity_volume_l, capacity_positions, booked_weight_hg, booked_volume_l, booked_positions,
                held_weight_hg, held_volume_l, held_positions, now() from changed",
    )
    .bind(text(&flight["id"]))
    .execute(&mut *importing)
    .await
    .unwrap();
    let call = tokio::spawn(call);
    until_blocked(&world.anonymous(), 1).await;
    importing.commit().await.unwrap();
    call.await.unwrap()
}

#[tokio::test]
async fn a_booking_whose_flight_changes_under_it_is_decided_anew() {
    let world = World::working().await;
    let flight = world.flight(roomy("AI101")).await;
    for wish in [order("DEL", "LHR", &[&flight], 40), anywhere()] {
        let customer = world.customer().await;
        let call = async move { customer.post("/api/v1/bookings", wish).await };
        let booking = changed_while_waiting(&world, &flight, call).await.expect(201);
        assert_eq!(booking["flight_ids"], json!([flight["id"]]));
    }
    world.audit().await;
}

/// What was validated is what is sold: a leg never has the times that its flight had before.
#[tokio::test]
async fn a_booking_that_waits_behind_an_import_flies_at_the_new_times() {
    let world = World::working().await;
    let flight = world.flight(roomy("AI101")).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let mut brake = Brake::on(&world.database).await;
    let importing = tokio::spawn(async move {
        let table = import_of(100_000, TimeDelta::minutes(30));
        admin.post_raw("/api/v1/flights/import", "text/csv", table).await
    });
    brake.until_stopped(1).await;
    let wish = order("DEL", "LHR", &[&flight], 40);
    let booking = tokio::spawn({
        let customer = customer.clone();
        async move { customer.post("/api/v1/bookings", wish).await }
    });
    until_blocked(&customer, 1).await;
    brake.release().await;

    assert_eq!(importing.await.unwrap().expect(200)["updated"], 1);
    let booking = booking.await.unwrap().expect(201);
    let now = world.anonymous().get(&format!("/api/v1/flights/{}", text(&flight["id"]))).await.expect(200);
    assert_ne!(now["departure_datetime"], flight["departure_datetime"]);
    assert_eq!(booking["legs"][0]["departure_datetime"], now["departure_datetime"]);
    world.audit().await;
}
