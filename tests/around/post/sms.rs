use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use loadmaster_testkit::{World, WorldOptions, until};
use serde_json::{Value, json};

use super::{PUBLIC, register, rows, settled};

/// A gateway for text messages.
#[derive(Clone, Default)]
pub struct Gateway(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    port: u16,
    status: Option<u16>,
    hangs: bool,
    received: Vec<(HeaderMap, String)>,
}

impl Gateway {
    pub async fn start() -> Self {
        let gateway = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        gateway.0.lock().unwrap().port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/send", post(receive)).with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        gateway
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/send", self.0.lock().unwrap().port)
    }

    /// A server that sends text messages to this gateway.
    pub fn world(&self) -> WorldOptions {
        WorldOptions::working()
            .set("sms.transport", "http")
            .set("sms.url", &self.url())
            .set("sms.headers", "Content-Type=application/json,Authorization=Bearer secret")
            .set("server.public_url", PUBLIC)
    }

    pub fn received(&self) -> Vec<(HeaderMap, String)> {
        self.0.lock().unwrap().received.clone()
    }

    /// Waits for so many messages; all of them, as JSON.
    pub async fn texts(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} texts have come"), async || self.received().len() >= count).await;
        self.received().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }

    /// The six digits of a text.
    pub fn code(text: &Value) -> String {
        text["text"].as_str().unwrap()[..6].to_owned()
    }
}

async fn receive(State(gateway): State<Gateway>, headers: HeaderMap, body: String) -> StatusCode {
    let (status, hangs) = {
        let mut books = gateway.0.lock().unwrap();
        books.received.push((headers, body));
        (books.status, books.hangs)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status.unwrap_or(202)).unwrap()
}

pub async fn text_of(world: &World, phone: &str) {
    let ann = register(world, "ann@example.org").await;
    ann.patch("/api/v1/auth/me", json!({ "phone": phone })).await.expect(200);
    // The letter of the registration is no concern of these tests.
    sqlx::query("delete from notifications where channel = 'email'").execute(&mut world.owner().await).await.unwrap();
}

#[tokio::test]
async fn a_text_is_posted_with_the_headers_and_escaped_by_the_content_type() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    text_of(&world, "+442079460123").await;
    let text = gateway.texts(1).await.remove(0);
    assert_eq!(text["from"], "Loadmaster");
    assert!(text["text"].as_str().unwrap().contains("cargo.example.com"));
    let (headers, _) = gateway.received().remove(0);
    assert_eq!(headers["authorization"], "Bearer secret");
    assert_eq!(headers["content-type"], "application/json");
    settled(&world, "SENT", 1).await;

    let form = gateway
        .world()
        .set("sms.headers", "Content-Type=application/x-www-form-urlencoded")
        .set("sms.from", "A&B \"c\"=d")
        .set("sms.body", "To={{ to }}&From={{ from }}&Body={{ text }}")
        .start()
        .await;
    text_of(&form, "+442079460123").await;
    until("the second text has come", async || gateway.received().len() == 2).await;
    let (_, body) = gateway.received().remove(1);
    assert!(body.starts_with("To=%2B442079460123&From=A%26B%20%22c%22%3Dd&Body="), "{body}");
}

#[tokio::test]
async fn a_value_cannot_leave_its_place_in_json() {
    let gateway = Gateway::start().await;
    let world = gateway.world().set("sms.from", "\",\"to\":\"+1\\").start().await;
    text_of(&world, "+442079460123").await;
    let text = gateway.texts(1).await.remove(0);
    assert_eq!((text["to"].as_str(), text["from"].as_str()), (Some("+442079460123"), Some("\",\"to\":\"+1\\")));
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_and_a_lost_answer_is_not() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    gateway.0.lock().unwrap().status = Some(503);
    text_of(&world, "+442079460123").await;
    let row = settled(&world, "WAITING", 1).await;
    assert_eq!(row.reason.as_deref(), Some("HTTP 503"));
    gateway.0.lock().unwrap().status = None;
    world.clock.set(row.next_at);
    settled(&world, "SENT", 2).await;

    gateway.0.lock().unwrap().hangs = true;
    let ben = register(&world, "ben@example.org").await;
    ben.patch("/api/v1/auth/me", json!({ "phone": "+442079460999" })).await.expect(200);
    let failed = async || rows(&world).await.into_iter().find(|row| row.status == "FAILED");
    until("the second text has failed", async || failed().await.is_some()).await;
    let row = failed().await.unwrap();
    assert_eq!(row.attempts, 1);
    assert_eq!(row.reason.as_deref(), Some("the gateway did not answer"));
}

#[tokio::test]
async fn a_day_has_so_many_texts_and_no_more() {
    let gateway = Gateway::start().await;
    let world = gateway.world().set("sms.max_per_day", "1").start().await;
    text_of(&world, "+442079460123").await;
    settled(&world, "SENT", 1).await;
    let ben = register(&world, "ben@example.org").await;
    ben.patch("/api/v1/auth/me", json!({ "phone": "+442079460999" })).await.expect(200);
    // The sender looks four times a second: time enough to send it.
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    assert_eq!(gateway.received().len(), 1);
}
