//! Operations on consolidations that change something.
use loadmaster_accounts::OneTime;
use loadmaster_consolidations::INVITATION;
use loadmaster_testkit::{Client, NewFlight, World};
use serde_json::{Value, json};
use uuid::Uuid;

use super::operations::Deed;

pub(super) const LIST: &str = "/api/v1/consolidations";
pub(super) const JOIN: &str = "/api/v1/consolidations/join";
pub(super) const PARTS: &str = "/api/v1/consolidations/{id}/parts";
pub(super) const PART: &str = "/api/v1/consolidations/{id}/parts/{part_id}";
pub(super) const MEMBERS: &str = "/api/v1/consolidations/{id}/members";
pub(super) const MEMBER: &str = "/api/v1/consolidations/{id}/members/{organization_id}";
pub(super) const RELEASE: &str = "/api/v1/consolidations/{id}/release";
pub(super) const AMEND: &str = "/api/v1/consolidations/{id}/masters/{origin}/amend";
/// Each master has a key of its own; that is tried with the consolidations.
pub(super) const IN_PARTS: [&str; 2] = ["/api/v1/consolidations/{id}/hold", "/api/v1/consolidations/{id}/book"];

fn part() -> Value {
    json!({"origin": "DEL", "pieces": 1, "weight_kg": 100, "status": "READY"})
}

/// The path of a new consolidation with a part that is ready, and the path of the part.
async fn planned(owner: &Client) -> (String, String) {
    let made = owner.post(LIST, json!({"name": "Week 49", "destination": "LHR"})).await.expect(201);
    let path = format!("{LIST}/{}", made["id"].as_str().unwrap());
    let part = owner.post(&format!("{path}/parts"), part()).await.expect(201);
    let part = format!("{path}/parts/{}", part["id"].as_str().unwrap());
    (path, part)
}

/// Each of them, in an order in which each can be done.
pub(super) async fn deeds(world: &World, caller: &Client) -> Vec<Deed> {
    let deed = |method, template: &'static str, path: String, body, status| Deed {
        operation: (method, template),
        path,
        body,
        status,
    };
    let flight = world.flight(NewFlight::new("AI131", "DEL", "LHR").weight(100_000.0)).await;
    let ways = json!({"ways": [{"origin": "DEL", "flight_ids": [flight["id"]]}]});
    let ((changed, kept), (gone, _)) = (planned(caller).await, planned(caller).await);
    let ((held, _), (differing, _)) = (planned(caller).await, planned(caller).await);
    for path in [&held, &differing] {
        caller.post(&format!("{path}/hold"), ways.clone()).await.expect(200);
    }
    caller.post(&format!("{differing}/parts"), part()).await.expect(201);
    let address = |address: &str| json!({"email": address});
    let invited = caller.post(&format!("{changed}/members"), address("ben@partner.example")).await.expect(202);
    let invited = format!("{changed}/members/{}", invited["id"].as_str().unwrap());
    let owner = world.customer().await;
    let (foreign, _) = planned(&owner).await;
    let email = caller.get("/api/v1/auth/me").await.expect(200)["email"].clone();
    owner.post(&format!("{foreign}/members"), address(email.as_str().unwrap())).await.expect(202);
    let tokens =
        format!("select token_id::text from consolidation_members where email = '{}'", email.as_str().unwrap());
    let one_time: OneTime = world.state().service().unwrap();
    let token = one_time.token_of(INVITATION, world.texts(&tokens).await[0].parse::<Uuid>().unwrap().into());
    vec![
        deed("POST", LIST, LIST.to_owned(), Some(json!({"name": "Week 50", "destination": "LHR"})), 201),
        deed("PATCH", "/api/v1/consolidations/{id}", changed.clone(), Some(json!({"name": "Week 51"})), 200),
        deed("POST", PARTS, format!("{changed}/parts"), Some(part()), 201),
        deed("PATCH", PART, kept.clone(), Some(json!({"pieces": 2})), 200),
        deed("DELETE", PART, kept, None, 200),
        deed("POST", MEMBERS, format!("{changed}/members"), Some(address("ann@partner.example")), 202),
        deed("DELETE", MEMBER, invited, None, 204),
        deed("POST", JOIN, JOIN.to_owned(), Some(json!({"token": token, "answer": "ACCEPT"})), 200),
        deed("POST", RELEASE, format!("{held}/release"), None, 200),
        deed("POST", AMEND, format!("{differing}/masters/DEL/amend"), None, 200),
        deed("DELETE", "/api/v1/consolidations/{id}", gone, None, 200),
    ]
}
