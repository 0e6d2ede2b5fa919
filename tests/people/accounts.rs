//! Who may come in: registering, logging in, the token endpoint, and what an access token is worth.
mod api_keys;
mod choices;
mod cookies;
mod credentials;
mod forged;
mod guests;
mod input;
mod lasting;
mod losing_access;
mod no_passwords;
mod passwords;
mod refreshing;
mod signing_keys;
mod silence;
mod spellings;
mod statements;
mod token_endpoint;
mod tokens;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loadmaster_testkit::{Answer, Client, World};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

async fn register(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/v1/auth/register", json!({"email": email, "password": password})).await
}

async fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

async fn refresh(client: &Client, token: &Value) -> Answer {
    client.post("/api/v1/auth/refresh", json!({"refresh_token": token})).await
}

async fn log_out(client: &Client, token: &Value) -> Answer {
    client.post("/api/v1/auth/logout", json!({"refresh_token": token})).await
}

/// The caller of a session.
fn bearer(world: &World, session: &Value) -> Client {
    world.anonymous().with_token(session["access_token"].as_str().expect("an access token"))
}

/// Who is calling, as far as it may.
async fn me(client: &Client) -> Answer {
    client.get("/api/v1/auth/me").await
}

/// Switches an account off, as an administrator will.
async fn disable(world: &World, email: &str) {
    let changed = sqlx::query("update users set disabled_at = now() where email_key = $1")
        .bind(email)
        .execute(&mut world.database.owner().await)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
}

/// A part of a token: its header, or its claims.
fn part(token: &str, number: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap()).unwrap()
}

/// The names of an object's members, sorted.
fn members(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// What stays the same when a problem is told twice.
fn without_request_id(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("request_id").expect("a request id");
    body
}
