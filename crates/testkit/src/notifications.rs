//! Who is told what, by e-mail and SMS.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_platform::seal::SealKey;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Answer, Client, World,
    freight::{path_of, text},
    until,
};

pub const PREFERENCES: &str = "/api/v1/notifications/preferences";

/// A user whose addresses are verified, as the product verifies them.
pub struct Person {
    pub client: Client,
    pub id: Uuid,
    pub organization: Uuid,
}

impl Person {
    pub async fn new(world: &World) -> Self {
        Self::in_organization(world, Uuid::new_v4(), Role::Customer).await
    }

    pub async fn in_organization(world: &World, organization: Uuid, role: Role) -> Self {
        let id = Uuid::new_v4();
        let client = world.caller_in(role, id, organization).await;
        world.sql(&format!("update users set email_verified_at = now() where id = '{id}'")).await;
        Self { client, id, organization }
    }

    /// A client whose token is of now: an older one has expired after a while.
    pub fn now(&self, world: &World) -> Client {
        self.client.with_token(&world.token(Role::Customer, self.id, self.organization))
    }

    /// How notifications name this person.
    pub fn name(&self) -> String {
        format!("user:{}", self.id)
    }
}

/// Waits until the sink has heard of everything that was written.
pub async fn heard(world: &World) {
    until("the sink has heard everything", async || {
        let behind = "select 1::text from outbox_sinks where name = 'notifications'
                      and position >= (select coalesce(max(id), 0) from outbox)";
        !world.texts(behind).await.is_empty()
    })
    .await;
}

/// Everything that is or was to be told, in order: `type channel receiver`.
pub async fn told(world: &World) -> Vec<String> {
    heard(world).await;
    world.texts("select type || ' ' || channel || ' ' || receiver from notifications order by id").await
}

/// The types that somebody is told, sorted.
pub async fn told_to(world: &World, receiver: &str) -> Vec<String> {
    heard(world).await;
    world
        .texts(&format!(
            "select type from notifications where receiver = '{receiver}' and channel = 'email' order by type"
        ))
        .await
}

pub async fn put(client: &Client, path: &str, body: Value) -> Answer {
    let request = client.request(Method::PUT, path).header("content-type", "application/json");
    Answer::of(request.body(body.to_string())).await
}

pub fn contacts_of(booking: &Value) -> String {
    format!("{}/contacts", path_of(booking))
}

/// A contact with an e-mail address.
pub fn contact(email: &str) -> Value {
    json!({"name": "Cora", "role": "notify", "email": email})
}

/// The id of an address that somebody has named.
pub async fn point_of(world: &World, address: &str) -> String {
    let found = world.texts(&format!("select id::text from contact_points where address = '{address}'")).await;
    found.first().cloned().unwrap_or_else(|| panic!("nobody has named {address}"))
}

/// Has an address agree for an organization, as the page does.
pub async fn agree(world: &World, address: &str) {
    let point = point_of(world, address).await;
    world
        .sql(&format!(
            "update contact_consents set status = 'AGREED', answered_at = now() where contact_point_id = '{point}'"
        ))
        .await;
}

/// Cancels a flight by its administrator.
pub async fn cancel_flight(world: &World, flight: &Value) {
    world.admin().await.poke(&format!("/api/v1/flights/{}/cancel", text(flight, "id"))).await.expect(200);
}

pub async fn retime(world: &World, flight: &Value, later: TimeDelta) {
    let instant = |member: &str| text(flight, member).parse::<chrono::DateTime<chrono::Utc>>().unwrap() + later;
    let times =
        json!({"departure_datetime": instant("departure_datetime"), "arrival_datetime": instant("arrival_datetime")});
    world.admin().await.patch(&format!("/api/v1/flights/{}", text(flight, "id")), times).await.expect(200);
}

/// A notification that was sent; its id.
pub async fn any_notification(world: &World) -> String {
    let id = Uuid::now_v7().to_string();
    world
        .sql(&format!(
            "insert into notifications (id, message_id, receiver, channel, type, due_at, next_at, expires_at, status, created_at,
                                        sent_at)
             values ('{id}', '{id}', 'user:{id}', 'email', 'payment', now(), now(), now(), 'SENT', now(), now())"
        ))
        .await;
    id
}

/// Makes a notification that a user was sent.
pub async fn notify(world: &World, user: &str) {
    let sent = format!(
        "insert into notifications (id, message_id, receiver, user_id, channel, type, due_at, next_at, expires_at, status,
                                    created_at, sent_at)
         select id, id, 'user:' || me, me, 'email', 'payment', now(), now(), now(), 'SENT', now(), now()
         from (select overlay(gen_random_uuid()::text placing 'ffffffff' from 1)::uuid as id, '{user}'::uuid as me) new"
    );
    world.sql(&sent).await;
}

/// The path of a letter's link: what it is about, under the server's seal.
async fn sealed(world: &World, scope: &str, payload: &[u8]) -> String {
    let mut owner = world.owner().await;
    let key = sqlx::query_scalar::<_, Vec<u8>>("select value from server_secrets where name = 'reference_key'");
    let key: [u8; 32] = key.fetch_one(&mut owner).await.unwrap().try_into().unwrap();
    world.give_back(owner);
    URL_SAFE_NO_PAD.encode(SealKey::new(&key).seal(scope, payload))
}

pub async fn confirm_path(world: &World, address: &str) -> String {
    let point: Uuid = point_of(world, address).await.parse().unwrap();
    let asked = format!(
        "select organization_id || ' ' || (extract(epoch from asked_at) * 1000000)::bigint from contact_consents
         where contact_point_id = '{point}' order by asked_at limit 1"
    );
    let asked = world.texts(&asked).await;
    let (organization, asked_at) = asked[0].split_once(' ').unwrap();
    let (organization, asked_at): (Uuid, i64) = (organization.parse().unwrap(), asked_at.parse().unwrap());
    let payload = [point.as_bytes().as_slice(), organization.as_bytes(), &asked_at.to_be_bytes()].concat();
    format!("/confirm/{}", sealed(world, "notifications.confirm", &payload).await)
}

pub async fn unsubscribe_path(world: &World, address: &str, kind: &str) -> String {
    let point: Uuid = point_of(world, address).await.parse().unwrap();
    let payload = [b"c".as_slice(), point.as_bytes(), kind.as_bytes()].concat();
    format!("/unsubscribe/{}", sealed(world, "notifications.unsubscribe", &payload).await)
}
