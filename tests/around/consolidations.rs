//! Consolidations: who reads and changes what, and what becomes of masters.
mod aboard;
mod booked;
mod invitations;
mod keys;
mod listing;
mod manifest;
mod masters;
mod parts;
mod persons;
mod plan;
mod races;
mod refusals;
mod searching;
mod secrets;
mod sizes;
mod split;
mod together;
mod withdrawn;

use loadmaster_accounts::OneTime;
use loadmaster_consolidations::INVITATION;
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{text, with},
    notifications::Person,
};
use serde_json::{Value, json};
use uuid::Uuid;

const CONSOLIDATIONS: &str = "/api/v1/consolidations";
const JOIN: &str = "/api/v1/consolidations/join";

fn plan() -> Value {
    json!({"name": "Week 49", "destination": "LHR"})
}

/// A part of 100 kg that is ready.
fn part(origin: &str) -> Value {
    json!({"origin": origin, "pieces": 2, "weight_kg": 100, "status": "READY"})
}

/// A part with all texts that others may not read.
fn secret_part(origin: &str) -> Value {
    with(
        part(origin),
        json!({"house_number": "HOUSE-4711", "description": "Secretware",
               "shipper": {"name": "Secretsender"}, "consignee": {"name": "Secretreceiver"}}),
    )
}

fn at(consolidation: &Value) -> String {
    format!("{CONSOLIDATIONS}/{}", text(consolidation, "id"))
}

/// The path below a consolidation.
fn of(consolidation: &Value, rest: &str) -> String {
    format!("{}/{rest}", at(consolidation))
}

/// The consolidation as it is now.
async fn shown(client: &Client, consolidation: &Value) -> Value {
    client.get(&at(consolidation)).await.expect(200)
}

fn email(person: &Person) -> String {
    format!("{}@example.com", person.id)
}

/// The token of the open invitation of an address.
async fn token(world: &World, email: &str) -> String {
    let found = world.texts(&format!("select token_id::text from consolidation_members where email = '{email}'")).await;
    let id: Uuid = found.first().expect("an open invitation").parse().unwrap();
    let one_time: OneTime = world.state().service().unwrap();
    one_time.token_of(INVITATION, id.into())
}

/// Invites a person.
async fn invite(owner: &Client, consolidation: &Value, person: &Person) -> Value {
    owner.post(&of(consolidation, "members"), json!({"email": email(person)})).await.expect(202)
}

/// Invites a person, who accepts.
async fn join(world: &World, owner: &Client, consolidation: &Value, person: &Person) {
    invite(owner, consolidation, person).await;
    let token = token(world, &email(person)).await;
    person.client.post(JOIN, json!({"token": token, "answer": "ACCEPT"})).await.expect(200);
}

/// A flight to London with room for so much.
async fn flight(world: &World, number: &str, origin: &'static str, kilograms: f64) -> Value {
    world.flight(NewFlight::new(number, origin, "LHR").weight(kilograms)).await
}

fn ways(flights: &[(&str, &Value)]) -> Value {
    let ways = flights.iter().map(|(origin, flight)| json!({"origin": origin, "flight_ids": [flight["id"]]}));
    json!({"ways": ways.collect::<Vec<_>>()})
}

/// The origins of masters with their statuses.
fn statuses(consolidation: &Value) -> Vec<(String, String)> {
    let masters = consolidation["masters"].as_array().unwrap().iter();
    masters.map(|master| (text(master, "origin").to_owned(), text(master, "status").to_owned())).collect()
}

fn named(statuses: &[(&str, &str)]) -> Vec<(String, String)> {
    statuses.iter().map(|(origin, status)| ((*origin).to_owned(), (*status).to_owned())).collect()
}
