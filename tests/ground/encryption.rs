//! PostgreSQL and Redis over TLS with an authority of one's own, and credentials that change under a running server.
use std::{fs, path::Path, time::Duration};

use loadmaster_platform::{postgres::Database, redis::Redis, settings::Settings};
use loadmaster_testkit::{
    Client, NewFlight, Process, TestDatabase, World, WorldOptions,
    certificates::{authority, sign},
    freight::{BOOKINGS, order},
    is_long,
    own_postgres::{EncryptedPostgres, directory},
    redis_servers::{RedisServer, free_port},
    until,
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

async fn details(world: &World) -> Value {
    world.anonymous().get("/health/detailed").await.body
}

/// A world on encrypted servers, whose settings are the ones given.
async fn world(database: &TestDatabase, url: &str, redis: &str, redis_authority: &Path) -> World {
    WorldOptions::working()
        .on(database)
        .set("database.url", url)
        .set("redis.url", redis)
        .set("redis.ca_file", &redis_authority.display().to_string())
        .set("server.detail_networks", "127.0.0.0/8")
        .start()
        .await
}

/// Starts two servers of its own, with certificates: seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_and_redis_are_reached_by_tls_and_an_unknown_authority_is_refused() {
    if !is_long() {
        return;
    }
    let directory = directory();
    let (ours, other) = (authority(directory.path(), "ours"), authority(directory.path(), "other"));
    sign(directory.path(), "ours", "localhost");
    // PostgreSQL takes the key for itself; Redis reads it as root or as the same user.
    let redis = RedisServer::encrypted(directory.path(), "first");
    let postgres = EncryptedPostgres::start(directory.path(), free_port()).await;
    let database = postgres.database().await;
    let redis_url = format!("rediss://loadmaster:first@localhost:{}", redis.port);

    let world = world(&database, &postgres.url("first", "localhost", &ours), &redis_url, &ours).await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    customer.post(BOOKINGS, order(&[&flight])).await.expect(201);
    let query = "origin=DEL&destination=LHR&departure_date=2026-11-21&weight_kg=10";
    world.anonymous().get(&format!("/api/v1/routes?{query}")).await.expect(200);
    until("messages are delivered and everything is well", async || {
        let details = details(&world).await;
        let sink = &details["outbox"][0];
        details["status"] == "healthy" && details["redis"]["state"] == "up" && sink["undelivered"] == 0
    })
    .await;
    assert_eq!(details(&world).await["redis"]["breaker"], "closed", "the rights suffice for every call");
    let plain = "select count(*) from pg_stat_ssl join pg_stat_activity using (pid)
                 where usename = 'loadmaster_app' and not ssl";
    let plain: i64 = sqlx::query_scalar(plain).fetch_one(&mut database.owner().await).await.unwrap();
    assert_eq!(plain, 0, "every session is encrypted");

    let settings = Settings::load(loadmaster_platform::settings::Sources::default()).unwrap();
    for (wrong, why) in [
        (postgres.url("first", "localhost", &other), "another authority"),
        (postgres.url("first", "127.0.0.1", &ours), "another host's certificate"),
        (postgres.url("first", "localhost", &ours).replace("verify-full", "disable"), "no encryption"),
    ] {
        Database::open(&wrong.into(), &settings.database).await.expect_err(why);
    }
    let mut wrong = settings.redis.clone();
    wrong.ca_file = Some(other);
    let stranger = Redis::open(&redis_url.clone().into(), &wrong).unwrap();
    stranger.check().await.expect_err("another authority");
    wrong.ca_file = Some(ours);
    let known = Redis::open(&redis_url.into(), &wrong).unwrap();
    known.check().await.expect("our authority");
    world.audit().await;
}

async fn health(client: &Client) -> Value {
    client.get("/health").await.body["status"].clone()
}

/// Starts two servers and a process of its own: seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_running_server_takes_up_new_passwords_from_their_files() {
    if !is_long() {
        return;
    }
    let directory = directory();
    let ours = authority(directory.path(), "ours");
    sign(directory.path(), "ours", "localhost");
    let redis = RedisServer::encrypted(directory.path(), "first");
    let postgres = EncryptedPostgres::start(directory.path(), free_port()).await;
    let database = postgres.database().await;
    let redis_url = |password: &str| format!("rediss://loadmaster:{password}@localhost:{}", redis.port);
    let (database_file, redis_file) = (directory.path().join("database"), directory.path().join("redis"));
    let write = |file: &Path, text: String| {
        let fresh = file.with_extension("new");
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, file).unwrap();
    };
    write(&database_file, postgres.url("first", "localhost", &ours));
    write(&redis_file, redis_url("first"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.env_clear().env("DATABASE_URL_FILE", &database_file).env("REDIS_URL_FILE", &redis_file);
    command.env("LOADMASTER_REDIS__CA_FILE", &ours).env("LOADMASTER_TEST_TIMING", "brief");
    let process = Process::of(command, &[]).await;
    let client = Client::anonymous(&process.base);
    until("it is well", async || health(&client).await == "healthy").await;
    let register = async |name: &str| {
        let body = json!({"email": format!("{name}@example.com"), "password": "a phrase to try"});
        client.post("/api/v1/auth/register", body).await
    };
    register("first").await.expect(201);

    let mut owner = database.owner().await;
    let statements = "alter role loadmaster_app password 'second';
                      select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'loadmaster_app'";
    sqlx::raw_sql(statements).execute(&mut owner).await.unwrap();
    until("the former password opens nothing", async || health(&client).await == "unhealthy").await;
    write(&database_file, postgres.url("second", "localhost", &ours));
    until("the new password is used", async || health(&client).await == "healthy").await;
    register("second").await.expect(201);

    let tls = redis::TlsCertificates { client_tls: None, root_cert: Some(fs::read(&ours).unwrap()) };
    let tester = redis::Client::build_with_tls(format!("rediss://test:test@localhost:{}", redis.port), tls).unwrap();
    let mut tester = tester.get_multiplexed_async_connection().await.unwrap();
    for words in
        [["ACL", "SETUSER", "loadmaster", "resetpass", ">second"], ["CLIENT", "KILL", "USER", "loadmaster", ""]]
    {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().filter(|word| !word.is_empty()).for_each(|word| _ = command.arg(word));
        command.query_async::<redis::Value>(&mut tester).await.unwrap();
    }
    until("the former password opens nothing", async || health(&client).await == "degraded").await;
    write(&redis_file, redis_url("second"));
    until("the new password is used", async || health(&client).await == "healthy").await;

    // What is half written or wrong changes nothing.
    write(&database_file, "postgres://".to_owned());
    tokio::time::sleep(Duration::from_secs(3)).await;
    register("third").await.expect(201);
    drop(process);
    PgConnection::close(owner).await.unwrap();
}
