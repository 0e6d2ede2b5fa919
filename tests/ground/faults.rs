//! What breaks beside the product: callers that hang up, connections and servers that go away, locks that are not given
//! back. What was acknowledged is there, nothing is half there, and the service comes back by itself.
mod database;
mod hang_ups;
mod refusing;
mod servers;
mod shutdown;
mod silence;

use loadmaster_testkit::{Answer, Client, NewFlight, World};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

async fn roomy_flight(world: &World, number: &str) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").weight(5_000_000.0).volume(50_000.0)).await
}

fn order(flight: &Value) -> Value {
    json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10, "flight_ids": [flight["id"]]})
}

async fn book(client: &Client, flight: &Value) -> Answer {
    client.post("/api/v1/bookings", order(flight)).await
}

fn reference(booking: &Value) -> String {
    booking["ref_id"].as_str().unwrap().to_owned()
}

fn path(reference: &str) -> String {
    format!("/api/v1/bookings/{reference}")
}

async fn count(db: &mut PgConnection, table: &'static str) -> usize {
    let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    usize::try_from(sqlx::query_scalar::<_, i64>(query).fetch_one(db).await.unwrap()).unwrap()
}

/// A session of the owner that has locked a flight's row until it is told to let go.
struct Holding(PgConnection);

impl Holding {
    async fn flight(world: &World, flight: &Value) -> Self {
        let mut this = Self(world.database.owner().await);
        sqlx::query("begin").execute(&mut this.0).await.unwrap();
        this.lock(flight).await;
        this
    }

    async fn lock(&mut self, flight: &Value) {
        sqlx::query("select from flight_capacity where flight_id = $1::uuid for no key update")
            .bind(flight["id"].as_str().unwrap())
            .execute(&mut self.0)
            .await
            .unwrap();
    }

    async fn let_go(self) {
        self.0.close().await.unwrap();
    }
}

/// Refused for now, with a hint when to come back.
#[track_caller]
fn expect_unavailable(answer: Answer) {
    assert!(
        answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().unwrap() >= 1),
        "{}",
        answer.text
    );
    answer.expect_problem(503, "unavailable");
}
