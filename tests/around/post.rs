//! E-mail and SMS: what is sent, how often, and to whom not.
mod account;
mod failing;
mod german;
mod mailbox;
mod many;
mod notices;
mod password;
mod phone;
mod real;
mod recording;
mod shares;
mod sms;
mod suppressions;
mod templates;
mod upgrading;

use chrono::{DateTime, Utc};
use loadmaster_accounts::OneTime;
use loadmaster_testkit::{Client, SmtpServer, TakenMail, World, WorldOptions, until};
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery";
const PUBLIC: &str = "https://cargo.example.com";

/// A server that sends mail to this relay.
fn mailing(relay: &SmtpServer) -> WorldOptions {
    WorldOptions::working()
        .set("mail.transport", "smtp")
        .set("mail.url", &relay.url())
        .set("mail.from", "Example Cargo <cargo@example.com>")
        .set("server.public_url", PUBLIC)
}

async fn register(world: &World, email: &str) -> Client {
    register_as(world, json!({"email": email, "password": PASSWORD})).await
}

async fn register_as(world: &World, body: Value) -> Client {
    let session = world.anonymous().post("/api/v1/auth/register", body).await.expect(201);
    world.anonymous().with_token(session["access_token"].as_str().unwrap())
}

async fn me(client: &Client) -> Value {
    client.get("/api/v1/auth/me").await.expect(200)
}

/// Waits until the relay has taken as many mails.
async fn taken(relay: &SmtpServer, count: usize) -> Vec<TakenMail> {
    until(&format!("the relay has taken {count} mails"), async || relay.taken().len() >= count).await;
    relay.taken()
}

/// The token of a link to this page.
fn token_in(text: &str, page: &str) -> String {
    let link = format!("{PUBLIC}/{page}/");
    let at = text.find(&link).unwrap_or_else(|| panic!("no link to {page} in {text}"));
    text[at + link.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// A notification, as it stands in the table.
#[derive(Debug, Clone)]
struct Notification {
    status: String,
    reason: Option<String>,
    attempts: i32,
    next_at: DateTime<Utc>,
    is_claimed: bool,
}

async fn rows(world: &World) -> Vec<Notification> {
    let mut owner = world.owner().await;
    let rows = sqlx::query(
        "select status, reason, attempts, next_at, claimed_until is not null from notifications order by id",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    world.give_back(owner);
    rows.iter()
        .map(|row| Notification {
            status: row.get(0),
            reason: row.get(1),
            attempts: row.get(2),
            next_at: row.get(3),
            is_claimed: row.get(4),
        })
        .collect()
}

/// The database's clock passes the end of all claims.
async fn lapse(world: &World) {
    world.sql("update notifications set claimed_until = claimed_until - interval '6 minutes'").await;
}

/// Waits until the first notification has this status after so many attempts, and nobody is at it.
async fn settled(world: &World, status: &str, attempts: i32) -> Notification {
    settled_at(world, 0, status, attempts).await
}

/// The same of the notification at this place.
async fn settled_at(world: &World, place: usize, status: &str, attempts: i32) -> Notification {
    until(&format!("notification {place} is {status} after {attempts} attempts"), async || {
        let rows = rows(world).await;
        rows.get(place).is_some_and(|row| row.status == status && row.attempts == attempts && !row.is_claimed)
    })
    .await;
    rows(world).await.remove(place)
}

/// Writes letters about forgotten passwords, for accounts that are made for them. Returns their addresses.
async fn flood(world: &World, count: usize) -> Vec<String> {
    flood_to(world, count, count).await
}

/// The same, to so many receivers in turn.
async fn flood_to(world: &World, count: usize, receivers: usize) -> Vec<String> {
    let one_time: OneTime = world.state().service().unwrap();
    let now = world.now();
    let ids: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
    let users: Vec<Uuid> = (0..count).map(|number| ids[number % receivers]).collect();
    let emails: Vec<String> = (0..count).map(|number| format!("u{}@example.org", number % receivers)).collect();
    let hashes: Vec<Vec<u8>> = emails.iter().map(|email| one_time.address_hash("email", email)).collect();
    let mut owner = world.owner().await;
    let statements = [
        "insert into organizations (id, name, created_at) values ('00000000-0000-7000-8000-000000000001', 'Flood', $4)
         on conflict do nothing",
        "insert into users (id, organization_id, email, email_key, role, password_hash, created_at, updated_at)
         select id, '00000000-0000-7000-8000-000000000001', email, email, 'customer', 'none', $4, $4
         from unnest($1::uuid[], $2::text[], $3::bytea[], $5::uuid[]) as u (id, email, hash, owner) where id = owner",
        "insert into one_time_tokens (id, purpose, user_id, address_hash, expires_at, created_at)
         select id, 'reset_password', owner, hash, $4::timestamptz + interval '1 day', $4
         from unnest($1::uuid[], $2::text[], $3::bytea[], $5::uuid[]) as u (id, email, hash, owner)",
        "insert into notifications (id, message_id, receiver, user_id, channel, type, subject_id, due_at, next_at,
                                    expires_at, created_at)
         select id, id::text, 'user:' || owner, owner, 'email', 'reset_password', id, $4, $4,
                $4::timestamptz + interval '1 day', $4
         from unnest($1::uuid[], $2::text[], $3::bytea[], $5::uuid[]) as u (id, email, hash, owner)",
    ];
    for statement in statements {
        let needs_all = "with given as (select $1::uuid[], $2::text[], $3::bytea[], $4::timestamptz, $5::uuid[]) ";
        let statement = format!("{needs_all}{statement}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(&ids)
            .bind(&emails)
            .bind(&hashes)
            .bind(now)
            .bind(&users)
            .execute(&mut owner)
            .await
            .unwrap();
    }
    world.give_back(owner);
    emails
}
