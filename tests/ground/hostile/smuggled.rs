//! Requests that two readers could take for different ones: none of them carries another request past the first.
use loadmaster_testkit::{
    Client, NewFlight, World, exchange,
    freight::{BOOKINGS, text},
};
use serde_json::json;

/// Headers that leave open where the body ends, and a body that is over early for one of the readings.
const AMBIGUOUS: [(&str, &str); 14] = [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
    ("Content-Length: 2\r\nContent-Length: 9", "{}"),
    ("Content-Length: 2, 9", "{}"),
    ("Content-Length: +2", "{}"),
    ("Content-Length: 0x2", "{}"),
    ("Content-Length: -2", "{}"),
    ("Content-Length: 2\r\n 0", "{}"),
    ("Content-Length : 2", "{}"),
    ("Transfer-Encoding: xchunked\r\nContent-Length: 2", "{}"),
    ("Transfer-Encoding: chunked, identity\r\nContent-Length: 2", "{}"),
    ("Transfer-Encoding: identity", "{}"),
    ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "2;a\n{}\r\n0\r\n\r\n"),
];

/// Chunks that say how long they are in a way of their own.
const CHUNKS: [&str; 6] = [
    "+2\r\n{}\r\n0\r\n\r\n",
    "0x2\r\n{}\r\n0\r\n\r\n",
    "10000000000000002\r\n{}\r\n0\r\n\r\n",
    "2\r\n{}0\r\n\r\n",
    "2 \r\n{}\r\n0 1\r\n\r\n",
    "-2\r\n{}\r\n0\r\n\r\n",
];

/// A booking that stands where only one of the readings has a request.
struct Hidden {
    world: World,
    customer: Client,
    request: String,
}

impl Hidden {
    async fn booking() -> Self {
        let world = World::working().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
        let customer = world.customer().await;
        let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1,
                           "flight_ids": [flight["id"]]});
        let body = order.to_string();
        let token = customer.token.clone().unwrap();
        let request = format!(
            "POST {BOOKINGS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { world, customer, request }
    }

    /// Sends these bytes with the booking behind them; it must not be made.
    async fn behind(&self, first: &str) -> String {
        let answer = exchange(&self.world.base, format!("{first}{}", self.request).as_bytes()).await;
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{first:?} is answered twice: {answer}");
        self.assert_none(first).await;
        answer
    }

    async fn assert_none(&self, first: &str) {
        let made = self.customer.get(BOOKINGS).await.expect(200);
        assert_eq!(made, json!([]), "{first:?} has carried a booking");
    }
}

fn search(headers: &str, body: &str) -> String {
    format!(
        "POST /api/v1/routes/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_body_whose_end_is_open_to_doubt_carries_no_request() {
    let hidden = Hidden::booking().await;
    for (headers, body) in AMBIGUOUS {
        let answer = hidden.behind(&search(headers, body)).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{headers:?}: {answer}");
    }
}

#[tokio::test]
async fn a_chunk_whose_length_is_open_to_doubt_carries_no_request() {
    let hidden = Hidden::booking().await;
    for body in CHUNKS {
        hidden.behind(&search("Transfer-Encoding: chunked", body)).await;
    }
}

#[tokio::test]
async fn a_request_within_a_body_is_part_of_the_body() {
    let hidden = Hidden::booking().await;
    let within = &hidden.request;
    let by_length = search(&format!("Connection: close\r\nContent-Length: {}", within.len()), within);
    let in_a_chunk = search(
        "Connection: close\r\nTransfer-Encoding: chunked",
        &format!("{:x}\r\n{within}\r\n0\r\n\r\n", within.len()),
    );
    let of_a_get = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{within}",
        within.len()
    );
    for request in [by_length, in_a_chunk, of_a_get] {
        let answer = exchange(&hidden.world.base, request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        hidden.assert_none(&request).await;
    }
}

#[tokio::test]
async fn a_head_that_is_no_head_carries_no_request() {
    let hidden = Hidden::booking().await;
    for first in [
        "GET /livez HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
        "GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /livez\r\n HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /livez HTTP/1.7\r\nHost: x\r\n\r\n",
        "GET /livez\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
    ] {
        hidden.behind(first).await;
    }
}

/// Requests that follow one another as they should are all answered: what is refused above is refused for its form.
#[tokio::test]
async fn requests_one_after_another_are_all_answered() {
    let hidden = Hidden::booking().await;
    let first = search("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n");
    let last = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = exchange(&hidden.world.base, format!("{first}{}{last}", hidden.request).as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 3, "{answer}");
    let made = hidden.customer.get(BOOKINGS).await.expect(200);
    assert_eq!(text(&made[0], "status"), "BOOKED");
}
