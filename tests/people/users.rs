//! Users as administrators see and change them, and the record of what administrators did.
mod audit;
mod changing;
mod listing;

use loadmaster_testkit::{Client, World};
use serde_json::Value;

const PATH: &str = "/api/v1/users";

fn path_of(user: &Value) -> String {
    format!("{PATH}/{}", user["id"].as_str().expect("an id"))
}

/// A caller, and the user it is.
async fn user(world: &World, role: loadmaster_accounts::Role) -> (Client, Value) {
    let client = world.caller(role).await;
    let user = client.get("/api/v1/auth/me").await.expect(200);
    (client, user)
}
