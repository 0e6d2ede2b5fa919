//! PostgreSQL answers, and refuses to work: it is read-only, full or out of memory. Writes are refused with `Retry-After`, and
//! reads are served where that is possible.
use loadmaster_testkit::{Answer, Client, NewFlight, TestDatabase, Watch, World, is_long, until};
use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};

use super::{book, expect_unavailable, order, path, reference, roomy_flight};

const PASSWORD: &str = "correct horse battery";

const WRITES: [&str; 13] = [
    "book",
    "book with a key",
    "cancel",
    "amend",
    "depart",
    "depart a flight",
    "retime a flight",
    "cancel a flight",
    "import",
    "register",
    "login",
    "refresh",
    "make a key",
];

/// Everything that writes, prepared so that it would succeed.
struct Writes {
    admin: Client,
    operator: Client,
    customer: Client,
    flight: Value,
    /// Flights to depart, to retime and to cancel.
    others: Vec<String>,
    booked: Vec<String>,
    refresh_token: String,
    /// A caller with an API key, whose use is written down.
    robot: Client,
}

impl Writes {
    async fn prepare(world: &World) -> Self {
        let (admin, operator, customer) = (world.admin().await, world.operator().await, world.customer().await);
        let flight = roomy_flight(world, "AI101").await;
        let mut others = Vec::new();
        for number in ["AI201", "AI202", "AI203"] {
            let other = world.flight(NewFlight::new(number, "DEL", "LHR")).await;
            others.push(format!("/api/v1/flights/{}", other["id"].as_str().unwrap()));
        }
        let mut booked = Vec::new();
        for _ in 0..3 {
            booked.push(path(&reference(&book(&customer, &flight).await.expect(201))));
        }
        let person = json!({"email": "ann@example.com", "password": PASSWORD});
        let session = world.anonymous().post("/api/v1/auth/register", person).await.expect(201);
        let refresh_token = session["refresh_token"].as_str().unwrap().to_owned();
        let key = customer.post("/api/v1/api-keys", json!({"name": "reader"})).await.expect(201);
        let robot = customer.with_token(key["key"].as_str().unwrap());
        Self { admin, operator, customer, flight, others, booked, refresh_token, robot }
    }

    async fn send(&self, write: &str) -> Answer {
        let Self { admin, operator, customer, others, booked, .. } = self;
        let anyone = Client { token: None, ..customer.clone() };
        let csv = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,\
                   volume_m3,positions,cutoff_minutes\nAI301,DEL,LHR,2026-12-01T10:00:00Z,2026-12-01T18:00:00Z,,1000,,,\n";
        let key = |name| json!({"name": name});
        let retimed = json!({"departure_datetime": "2026-11-21T10:00:00Z", "arrival_datetime": "2026-11-21T18:00:00Z"});
        let login = json!({"email": "ann@example.com", "password": PASSWORD});
        let newcomer = json!({"email": "bob@example.com", "password": PASSWORD});
        let refresh = json!({"refresh_token": self.refresh_token});
        match write {
            "book" => book(customer, &self.flight).await,
            "book with a key" => Self::book_keyed(customer, &self.flight).await,
            "cancel" => customer.poke(&format!("{}/cancel", booked[0])).await,
            "amend" => customer.patch(&booked[1], json!({"pieces": 2})).await,
            "depart" => operator.poke(&format!("{}/depart", booked[2])).await,
            "depart a flight" => operator.poke(&format!("{}/depart", others[0])).await,
            "retime a flight" => admin.patch(&others[1], retimed).await,
            "cancel a flight" => admin.poke(&format!("{}/cancel", others[2])).await,
            "import" => admin.post_raw("/api/v1/flights/import", "text/csv", csv).await,
            "register" => anyone.post("/api/v1/auth/register", newcomer).await,
            "login" => anyone.post("/api/v1/auth/login", login).await,
            "refresh" => anyone.post("/api/v1/auth/refresh", refresh).await,
            "make a key" => customer.post("/api/v1/api-keys", key("robot")).await,
            _ => panic!("{write} is no write"),
        }
    }

    async fn book_keyed(customer: &Client, flight: &Value) -> Answer {
        customer.post_under("refused", "/api/v1/bookings", &order(flight)).await
    }

    async fn expect_refused(&self, why: &str, writes: impl IntoIterator<Item = &'static str>) {
        for what in writes {
            let answer = self.send(what).await;
            assert_eq!(answer.status.as_u16(), 503, "{why}: {what}: {}", answer.text);
            expect_unavailable(answer);
        }
    }

    async fn expect_done(&self) {
        for what in WRITES {
            let answer = self.send(what).await;
            assert!(answer.status.is_success(), "{what}: {}", answer.text);
        }
    }
}

/// Lets every write fail with a state, as the server itself would, for as long as one is set.
async fn refuse_on_demand(owner: &mut PgConnection) {
    owner
        .execute(sqlx::raw_sql(
            "create table refusal (state text not null);
             grant select on refusal to public;
             create function refuse() returns trigger language plpgsql as $$
                 declare found text;
                 begin
                     select state into found from public.refusal;
                     if found is not null then raise exception 'refused' using errcode = found; end if;
                     return null;
                 end $$;
             do $$ declare name text; begin
                 for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'refusal'
                                    and tablename not in (select inhrelid::regclass::text from pg_inherits) loop
                     execute format('create trigger refuse after insert or update or delete on %I
                                     for each statement execute function refuse()', name);
                 end loop;
             end $$",
        ))
        .await
        .unwrap();
}

async fn set_refusal(owner: &mut PgConnection, state: Option<&str>) {
    owner.execute("delete from refusal").await.unwrap();
    if let Some(state) = state {
        sqlx::query("insert into refusal values ($1)").bind(state).execute(owner).await.unwrap();
    }
}

async fn health(world: &World) -> (u16, Value) {
    let answer = world.anonymous().get("/health").await;
    (answer.status.as_u16(), answer.body["status"].clone())
}

/// Many requests, one after the other, for the first state, and with little time every fourth for each of the others.
#[tokio::test]
async fn a_server_that_is_full_out_of_memory_or_failing_is_503_and_service_comes_back_by_itself() {
    let world = World::working().await;
    let writes = Writes::prepare(&world).await;
    let mut owner = world.database.owner().await;
    refuse_on_demand(&mut owner).await;
    // disk_full, out_of_memory, configuration_limit_exceeded, io_error, data_corrupted, read_only_sql_transaction,
    // admin_shutdown
    for (turn, state) in ["53100", "53200", "53400", "58030", "XX001", "25006", "57P01"].into_iter().enumerate() {
        set_refusal(&mut owner, Some(state)).await;
        let is_sent = |number: usize| turn == 0 || is_long() || number % 4 == turn % 4;
        let sent = WRITES.iter().enumerate().filter(|(number, _)| is_sent(*number));
        writes.expect_refused(state, sent.map(|(_, write)| *write)).await;
        assert_eq!(writes.customer.get("/api/v1/bookings").await.expect(200).as_array().unwrap().len(), 3, "{state}");
        writes.robot.get(&writes.booked[0]).await.expect(200);
        if state == "53100" {
            assert_eq!(health(&world).await, (503, "unhealthy".into()), "a full disk shows by what was refused");
            let detailed = writes.operator.get("/health/detailed").await;
            assert_eq!(detailed.body["database"]["state"], "refusing", "{}", detailed.text);
            world.anonymous().get("/readyz").await.expect(200);
        }
    }
    set_refusal(&mut owner, None).await;
    writes.expect_done().await;
    assert_eq!(health(&world).await, (200, "healthy".into()));
    world.audit().await;
}

async fn set_read_only(database: &TestDatabase, is_read_only: bool) {
    let switch = if is_read_only { "on" } else { "off" };
    let alter = format!("alter database {} set default_transaction_read_only = {switch}", database.name);
    // A session of an owner that was opened read-only may not even alter that.
    let mut owner = database.owner().await;
    owner.execute("set default_transaction_read_only = off").await.unwrap();
    owner.execute(sqlx::AssertSqlSafe(alter)).await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_serves_reads_and_service_comes_back_by_itself_when_it_takes_writes_again() {
    let world = World::working().await;
    let writes = Writes::prepare(&world).await;
    let client = world.anonymous();
    until("it is ready", async || client.get("/readyz").await.status == 200).await;

    set_read_only(&world.database, true).await;
    let mut watch = Watch::over(&world.database).await;
    watch.kill_all().await;
    until("it is not ready", async || client.get("/readyz").await.status == 503).await;
    assert_eq!(health(&world).await, (503, "unhealthy".into()));
    let detailed = writes.operator.get("/health/detailed").await;
    assert_eq!(detailed.body["database"]["state"], "read_only", "{}", detailed.text);
    writes.expect_refused("read-only", WRITES).await;
    for _ in 0..10 {
        let bookings = writes.customer.get("/api/v1/bookings").await.expect(200);
        assert_eq!(bookings.as_array().unwrap().len(), 3);
        writes.customer.get(&writes.booked[0]).await.expect(200);
        writes.robot.get(&writes.booked[1]).await.expect(200);
        client.get(&writes.others[0]).await.expect(200);
    }

    // Nobody ends the read-only sessions: the product leaves them.
    set_read_only(&world.database, false).await;
    until("it is ready again", async || client.get("/readyz").await.status == 200).await;
    until("a booking is made", async || book(&writes.customer, &writes.flight).await.status == 201).await;
    writes.expect_done().await;
    assert_eq!(health(&world).await, (200, "healthy".into()));
    world.audit().await;
}
