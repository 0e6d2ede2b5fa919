//! The two member names that `serde_json` keeps for itself mean nothing in what a client sends. In a body or in a token's
//! header they once made the server parse text within text without a bound on depth, which ended the process.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{order, path_of, with},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The member names as a client may write them: an escaped letter makes the same name.
const RAW_VALUE: [&str; 2] = ["$serde_json::private::RawValue", "\\u0024serde_json::private::RawValue"];
const NUMBER: [&str; 2] = ["$serde_json::private::Number", "\\u0024serde_json::private::Number"];

/// Arrays around each object: with it and one object around all, as deep as `serde_json` reads without asking twice.
const ARRAYS: usize = 125;

/// JSON text in a string in JSON text, `strings` times, each nested as deep as is allowed. The escapes leave no bracket,
/// quote or backslash that a scan of the bytes would find, and grow by five bytes for each string around them.
fn bomb(name: &str, strings: usize) -> String {
    let (open, close) = ("[".repeat(ARRAYS), "]".repeat(ARRAYS));
    (0..strings).fold("0".to_owned(), |text, _| {
        let text = text.replace('\\', "\\u005c").replace('"', "\\u0022");
        format!("{open}{{\"{name}\":\"{text}\"}}{close}")
    })
}

/// As many strings as a body of less than 1 MiB holds: some 38 000 levels, or 31 000 with the escaped name.
fn bombs() -> [String; 2] {
    let bombs = [bomb(RAW_VALUE[0], 300), bomb(RAW_VALUE[1], 250)];
    assert!(bombs.iter().all(|bomb| bomb.len() < 1_000_000), "they fit into a body");
    bombs
}

async fn send(client: &Client, method: Method, path: &str, body: String) -> Answer {
    let request = client.request(method, path).header("content-type", "application/json");
    Answer::of(request.header("idempotency-key", "a-bomb").body(body)).await
}

#[tokio::test]
async fn text_within_text_does_not_end_the_process() {
    let world = World::start().await;
    let (admin, anonymous) = (world.admin().await, world.anonymous());
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = path_of(&admin.book(order(&[&flight])).await);
    let flight = format!("/api/v1/flights/{}", flight["id"].as_str().unwrap());
    let bodies: Vec<String> = bombs()
        .iter()
        .flat_map(|bomb| {
            [format!("{{\"origin\":{bomb}}}"), format!("{{\"shipper\":{{\"name\":{bomb}}}}}"), bomb.clone()]
        })
        // The whole body, as a string would have it.
        .chain(RAW_VALUE.map(|name| format!("{{\"{name}\":\"{{}}\"}}")))
        .collect();
    let targets = [
        (&anonymous, Method::POST, "/api/v1/routes/search"),
        (&anonymous, Method::POST, "/api/v1/auth/login"),
        (&anonymous, Method::POST, "/api/v1/auth/register"),
        (&admin, Method::POST, "/api/v1/bookings"),
        (&admin, Method::PATCH, booking.as_str()),
        (&admin, Method::POST, "/api/v1/flights"),
        (&admin, Method::PATCH, flight.as_str()),
    ];
    for (client, method, path) in targets {
        for body in &bodies {
            let answer = send(client, method.clone(), path, body.clone()).await;
            answer.expect_problem(400, "validation_failed");
        }
    }
    anonymous.get("/health").await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn an_object_is_never_taken_for_a_number() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    for name in NUMBER {
        let sent = with(order(&[&flight]), json!({"weight_kg": "HERE"})).to_string();
        let sent = sent.replace("\"HERE\"", &format!("{{\"{name}\":\"500\"}}"));
        assert!(sent.contains(name), "{sent}");
        let answer = admin.post_raw("/api/v1/bookings", "application/json", sent).await;
        assert_eq!(answer.expect_faults(), [("/weight_kg".to_owned(), "wrong_type".to_owned())]);
    }
    for name in RAW_VALUE {
        let sent = with(order(&[&flight]), json!({"weight_kg": "HERE"})).to_string();
        let sent = sent.replace("\"HERE\"", &format!("{{\"{name}\":\"500\"}}"));
        let answer = admin.post_raw("/api/v1/bookings", "application/json", sent).await;
        assert_eq!(answer.expect_faults(), [("/weight_kg".to_owned(), "wrong_type".to_owned())]);
    }
}

/// The header of a token is read before its signature is checked: anybody can send one.
#[tokio::test]
async fn a_tokens_header_does_not_end_the_process_either() {
    let world = World::start().await;
    let claims = URL_SAFE_NO_PAD.encode(json!({"sub": "x"}).to_string());
    for (name, strings) in [(RAW_VALUE[0], 32), (RAW_VALUE[1], 28)] {
        let header = format!("{{\"alg\":\"EdDSA\",\"kid\":\"k\",\"x\":{}}}", bomb(name, strings));
        let token = format!("{}.{claims}.AAAA", URL_SAFE_NO_PAD.encode(header));
        assert!(token.len() < 30_000, "it fits into a header");
        for path in ["/api/v1/auth/me", "/api/v1/airports/DEL"] {
            let answer = world.anonymous().with_token(&token).get(path).await;
            answer.expect_problem(401, "unauthenticated");
        }
    }
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for header in [format!("{{\"alg\":\"EdDSA\",\"kid\":\"k\",\"x\":{}}}", nested(9_000)), "[".repeat(20_000)] {
        let token = format!("{}.{claims}.AAAA", URL_SAFE_NO_PAD.encode(&header));
        let answer = world.anonymous().with_token(&token).get("/api/v1/auth/me").await;
        answer.expect_problem(401, "unauthenticated");
        let token = format!(
            "{}.{}.AAAA",
            URL_SAFE_NO_PAD.encode("{\"alg\":\"EdDSA\",\"kid\":\"k\"}"),
            URL_SAFE_NO_PAD.encode(header)
        );
        let answer = world.anonymous().with_token(&token).get("/api/v1/auth/me").await;
        answer.expect_problem(401, "unauthenticated");
    }
    world.anonymous().get("/health").await.expect(200);
    assert_eq!(world.anonymous().get("/api/v1/airports/DEL").await.expect(200)["iata_code"], Value::from("DEL"));
}
