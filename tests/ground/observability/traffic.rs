//! A little of everything that servers are asked, by people who make mistakes.
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    Client, OwnRedis, Process, TestDatabase,
    command::loadmaster,
    freight::{BOOKINGS, open_order, order, path_of, with},
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const ADMIN: &str = "root@carrier.example";

/// Two real servers on one database and one Redis; only the first is asked.
pub struct Site {
    pub database: TestDatabase,
    pub redis: OwnRedis,
    pub busy: Process,
    pub quiet: Process,
    admin: Client,
    round: AtomicU32,
}

impl Site {
    pub async fn start() -> Self {
        let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
        let create = ["user", "create", "--email", ADMIN, "--role", "admin", "--password-stdin"];
        loadmaster(&create).on(&database).stdin(PASSWORD).run().await.succeeded();
        // So that whoever tries passwords is counted.
        let limited = [
            "rate_limit.enabled=true",
            "rate_limit.authenticated_per_minute=100000",
            "rate_limit.credentials_per_minute=1000",
            "rate_limit.anonymous_per_minute=100000",
        ];
        let (busy, quiet) =
            (Process::start(&database, &redis, &limited).await, Process::start(&database, &redis, &[]).await);
        let client = Client::anonymous(&busy.base);
        let session =
            client.post("/api/v1/auth/login", json!({"email": ADMIN, "password": PASSWORD})).await.expect(200);
        let admin = client.with_token(session["access_token"].as_str().unwrap());
        Self { database, redis, busy, quiet, admin, round: AtomicU32::new(0) }
    }

    /// Once more of everything.
    pub async fn round(&self) {
        let round = self.round.fetch_add(1, Ordering::Relaxed);
        let wide = self.flight(&format!("AI{}", 100 + round), 100_000).await;
        // So little is left that it is handed out in turn.
        let narrow = self.flight(&format!("BA{}", 100 + round), 150).await;
        self.admin.book(order(&[&narrow])).await;
        let refused = with(order(&[&narrow]), json!({"weight_kg": 9000}));
        self.admin.post(BOOKINGS, refused).await.expect_problem(409, "capacity_exceeded");
        let booking = self.admin.book(order(&[&wide])).await;
        self.admin.patch(&path_of(&booking), json!({"pieces": 3})).await.expect(200);
        self.admin.walk(&booking, &["depart", "arrive", "deliver"]).await;
        let other = self.admin.book(open_order("DEL", "BOM")).await;
        self.admin.walk(&other, &["cancel"]).await;
        self.search().await;
        let wrong = json!({"email": ADMIN, "password": "battery staple horse"});
        let anonymous = Client::anonymous(&self.busy.base);
        anonymous.post("/api/v1/auth/login", wrong).await.expect_problem(401, "invalid_credentials");
        anonymous.get("/nowhere").await.expect(404);
        let due = "update schedules set next_run_at = now()";
        sqlx::query(due).execute(&mut self.database.owner().await).await.unwrap();
    }

    /// Twice, so that the second finds what the first one kept.
    async fn search(&self) {
        let tomorrow = (now() + TimeDelta::hours(24)).date_naive();
        for _ in 0..2 {
            let query = format!("origin=DEL&destination=BOM&departure_date={tomorrow}&weight_kg=10");
            self.admin.get(&format!("/api/v1/routes?{query}")).await.expect(200);
        }
        let body = json!({"origin": "DEL", "destination": "BOM", "departure_date": tomorrow, "weight_kg": 10});
        self.admin.post("/api/v1/routes/search", body).await.expect(200);
    }

    async fn flight(&self, number: &str, weight_kg: u32) -> Value {
        let departure = now() + TimeDelta::hours(24);
        let body = json!({
            "flight_number": number, "origin": "DEL", "destination": "BOM",
            "departure_datetime": departure, "arrival_datetime": departure + TimeDelta::hours(2),
            "capacity": {"weight_kg": weight_kg, "volume_m3": 1000, "positions": 100},
        });
        self.admin.post("/api/v1/flights", body).await.expect(201)
    }
}

/// The processes have the machine's clock.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap()
}
