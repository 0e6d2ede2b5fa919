//! Reads that a standby answers: never without a caller's own changes, and from the primary whenever the standby cannot.
//! Each test takes some seconds: it copies a database to a standby.
use loadmaster_testkit::{
    Answer, Client, NewFlight, OwnRedis, TestDatabase, World, WorldOptions,
    freight::{BOOKINGS, order, path_of},
    is_long,
    standby::Pair,
    sum_of, until,
};
use serde_json::{Value, json};

/// So far behind a paused standby never is.
const FOR_EVER: &str = "600000";

async fn world(pair: &Pair, longest_lag: &str) -> World {
    let options = WorldOptions::working().on(&pair.database).set("server.detail_networks", "127.0.0.0/8");
    let world = options
        .set("database.read_url", &pair.standby.url())
        .set("database.read_max_lag_ms", longest_lag)
        .start()
        .await;
    until_replica(&world, "up").await;
    world
}

async fn until_replica(world: &World, state: &str) {
    until(&format!("the replica is {state}"), async || {
        world.anonymous().get("/health/detailed").await.body["replica"]["state"] == state
    })
    .await;
}

async fn answered_by(world: &World, server: &str) -> u64 {
    let name = "loadmaster_replica_reads_total";
    sum_of(&world.anonymous(), name, &format!("server=\"{server}\"")).await
}

async fn book(client: &Client, flight: &Value) -> Answer {
    client.post(BOOKINGS, order(&[flight])).await
}

async fn listed(client: &Client) -> usize {
    client.get("/api/v1/bookings").await.expect(200).as_array().unwrap().len()
}

async fn search(client: &Client) -> Value {
    let query = "origin=DEL&destination=LHR&departure_date=2026-11-21&weight_kg=10";
    client.get(&format!("/api/v1/routes?{query}")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_see_their_own_changes_on_every_instance_though_the_standby_lacks_them() {
    let pair = Pair::start().await;
    let (here, there) = (world(&pair, FOR_EVER).await, world(&pair, FOR_EVER).await);
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (here.customer().await, here.operator().await);
    let elsewhere = Client { base: there.base.clone(), ..customer.clone() };
    let booked = book(&customer, &flight).await;
    let place = booked.header("loadmaster-position").unwrap().to_owned();
    let booking = path_of(&booked.expect(201));
    let tracking = booking.replace("/bookings/", "/tracking/");
    let track = async |position: Option<&str>| {
        let mut request = here.anonymous().request(reqwest::Method::GET, &tracking);
        if let Some(position) = position {
            request = request.header("loadmaster-position", position);
        }
        Answer::of(request).await.expect(200)["status"].clone()
    };
    until("the standby has the booking", async || pair.standby.count("bookings").await == 1).await;

    for world in [&here, &there] {
        assert!(!search(&world.anonymous()).await.to_string().contains("AI102"));
    }
    pair.standby.pause().await;
    let before = answered_by(&here, "replica").await;
    assert_eq!((listed(&customer).await, track(Some(&place)).await), (1, json!("BOOKED")));
    assert!(answered_by(&here, "replica").await >= before + 2, "the standby has all that these must see");

    // What the standby lacks altogether is looked for on the primary.
    let late = path_of(&book(&here.customer().await, &flight).await.expect(201));
    here.anonymous().get(&late.replace("/bookings/", "/tracking/")).await.expect(200);

    let departed = operator.poke(&format!("{booking}/depart")).await;
    let after = departed.header("loadmaster-position").unwrap().to_owned();
    assert!(after > place, "{after} is later than {place}");
    departed.expect(200);
    assert_eq!(track(None).await, "BOOKED", "a stranger may see an older state");
    assert_eq!(track(Some(&after)).await, "DEPARTED", "but not if it names the position after the change");
    assert_eq!(listed(&customer).await, 1);
    book(&customer, &flight).await.expect(201);
    assert_eq!((listed(&customer).await, listed(&elsewhere).await), (2, 2));

    // A flight that the standby lacks is found at once, on every instance.
    here.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    let both = async |world: &World| search(&world.anonymous()).await.to_string().contains("\"AI102\"");
    assert!(both(&here).await, "the instance that made the change");
    // The others hear of it within a second, and then the cache must not keep what the standby has.
    until("both flights are found there", async || both(&there).await).await;

    pair.standby.go_on().await;
    let before = answered_by(&there, "replica").await;
    until("the standby answers again", async || {
        assert_eq!(listed(&elsewhere).await, 2);
        answered_by(&there, "replica").await > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_query_of_graphql_sees_the_changes_of_its_caller_and_counts_as_a_read() {
    let pair = Pair::start().await;
    let world = world(&pair, FOR_EVER).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = book(&customer, &flight).await.expect(201);
    until("the standby has the booking", async || pair.standby.count("bookings").await == 1).await;
    pair.standby.pause().await;

    book(&customer, &flight).await.expect(201);
    let listed = customer.post("/graphql", json!({"query": "{ bookings { nodes { refId } } }"})).await;
    assert_eq!(listed.header("loadmaster-position"), None, "it has changed nothing");
    assert_eq!(listed.expect(200)["data"]["bookings"]["nodes"].as_array().unwrap().len(), 2);

    let variables = json!({"ref": booking["ref_id"]});
    let depart = "mutation($ref: String!) { depart(refId: $ref) { status } }";
    let departed = operator.post("/graphql", json!({"query": depart, "variables": variables})).await;
    let after = departed.header("loadmaster-position").unwrap().to_owned();
    assert_eq!(departed.expect(200)["data"]["depart"]["status"], "DEPARTED");
    let track = json!({"query": "query($ref: String!) { tracking(number: $ref) { status } }", "variables": variables});
    for (headers, status) in [(&[][..], "BOOKED"), (&[("loadmaster-position", after.as_str())], "DEPARTED")] {
        let shown = world.anonymous().send(reqwest::Method::POST, "/graphql", headers, Some(&track)).await;
        assert_eq!(shown.expect(200)["data"]["tracking"]["status"], status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_primary_answers_while_the_standby_is_away_or_behind() {
    let mut pair = Pair::start().await;
    let world = world(&pair, "1000").await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = path_of(&book(&customer, &flight).await.expect(201));
    let tracking = booking.replace("/bookings/", "/tracking/");
    let operator = world.operator().await;

    pair.standby.pause().await;
    operator.poke(&format!("{booking}/depart")).await.expect(200);
    until_replica(&world, "behind").await;
    assert_eq!(world.anonymous().get(&tracking).await.expect(200)["status"], "DEPARTED");
    pair.standby.go_on().await;
    until_replica(&world, "up").await;

    pair.standby.freeze();
    let metrics = world.anonymous().get("/metrics").await.text;
    assert!(metrics.contains("\nloadmaster_replica_lag_seconds "), "{metrics}");
    let before = answered_by(&world, "primary").await;
    assert_eq!((listed(&customer).await, listed(&customer).await), (1, 1));
    until_replica(&world, "down").await;
    assert_eq!(listed(&customer).await, 1);
    assert!(answered_by(&world, "primary").await >= before + 3);
    pair.standby.thaw();
    until_replica(&world, "up").await;

    assert!(doctor(&pair.database, &pair.standby.url()).contains("ok      the read replica is"));
    pair.standby.kill();
    assert!(doctor(&pair.database, &pair.standby.url()).contains("weaker  the read replica does not answer"));
    assert_eq!(listed(&customer).await, 1);
    until_replica(&world, "down").await;
    assert_eq!(world.anonymous().get("/health").await.expect(200)["status"], "healthy", "nothing is missing");
    pair.standby.start_again().await;
    until_replica(&world, "up").await;
    let before = answered_by(&world, "replica").await;
    assert_eq!(world.anonymous().get(&tracking).await.expect(200)["status"], "DEPARTED");
    assert!(answered_by(&world, "replica").await > before);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_redis_callers_see_their_own_changes_all_the_same() {
    if !is_long() {
        return;
    }
    let pair = Pair::start().await;
    let own = OwnRedis::start().await;
    let options = || {
        let options = WorldOptions::working().without_redis().on(&pair.database);
        let options = options.set("database.read_url", &pair.standby.url()).set("database.read_max_lag_ms", FOR_EVER);
        options.set("server.detail_networks", "127.0.0.0/8").set("redis.url", &own.url())
    };
    let (here, there) = (options().start().await, options().start().await);
    until_replica(&here, "up").await;
    until_replica(&there, "up").await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = here.customer().await;
    let elsewhere = Client { base: there.base.clone(), ..customer.clone() };
    own.pause();
    pair.standby.pause().await;
    book(&customer, &flight).await.expect(201);
    assert_eq!((listed(&elsewhere).await, listed(&customer).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_database_and_a_primary_are_no_replicas() {
    if !is_long() {
        return;
    }
    let database = TestDatabase::light().await;
    let pair = Pair::start().await;
    let wrong = [("AI101", pair.standby.url(), "another database's standby"), ("AI102", database.app_url(), "itself")];
    for (number, url, why) in wrong {
        let options = WorldOptions::working().on(&database).set("server.detail_networks", "127.0.0.0/8");
        let world = options.set("database.read_url", &url).start().await;
        until_replica(&world, "not_a_replica").await;
        let flight = world.flight(NewFlight::new(number, "DEL", "LHR")).await;
        let customer = world.customer().await;
        book(&customer, &flight).await.expect(201);
        assert_eq!(listed(&customer).await, 1, "{why}");
        assert_eq!(answered_by(&world, "replica").await, 0, "{why}");
        world.shutdown().await;
        assert!(doctor(&database, &url).contains("BROKEN  database.read_url leads to no standby"), "{why}");
    }
}

/// A client that hangs up cannot know what became of its change, and nor can the server. It must not cost for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_hang_up_the_primary_answers_for_a_while_and_then_the_standby_again() {
    if !is_long() {
        return;
    }
    let pair = Pair::start().await;
    let world = world(&pair, "200").await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let customer = world.customer().await;
    let mut owner = world.database.owner().await;
    let mut lock = sqlx::Connection::begin(&mut owner).await.unwrap();
    sqlx::query("lock table flight_capacity in access exclusive mode").execute(&mut *lock).await.unwrap();
    let request = customer.request(reqwest::Method::POST, BOOKINGS).timeout(std::time::Duration::from_millis(500));
    request.json(&order(&[&flight])).send().await.expect_err("the client has no patience");
    lock.rollback().await.unwrap();
    until("the hang-up was noticed, and the primary answers", async || {
        let before = answered_by(&world, "replica").await;
        listed(&customer).await;
        answered_by(&world, "replica").await == before
    })
    .await;
    let before = answered_by(&world, "replica").await;
    until("the standby answers again, although the caller goes on writing", async || {
        book(&customer, &flight).await.expect(201);
        listed(&customer).await;
        answered_by(&world, "replica").await > before
    })
    .await;
}

/// What `loadmaster doctor` says of a database and its standby.
fn doctor(database: &TestDatabase, read_url: &str) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.arg("doctor").env_clear().env("DATABASE_URL", database.app_url()).env("DATABASE_READ_URL", read_url);
    command.env("LOADMASTER_DATABASE__OWNER_URL", database.owner_url());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn a_text_that_is_no_position_is_refused_with_or_without_a_replica() {
    let world = World::start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booked = book(&customer, &flight).await;
    assert_eq!(booked.header("loadmaster-position"), None, "nobody needs it");
    let request = customer.request(reqwest::Method::GET, "/api/v1/bookings").header("loadmaster-position", "soon");
    let faults = Answer::of(request).await.expect_faults();
    assert_eq!(faults, [("loadmaster-position".to_owned(), "invalid_format".to_owned())]);
}
