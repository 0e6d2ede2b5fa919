//! Redis slow or full: it gets everything in the end, and work goes on meanwhile.
use std::{path::PathBuf, time::Duration};

use loadmaster_testkit::{
    OwnRedis, TestDatabase, World, WorldOptions,
    freight::{at_once, two_flights},
    until,
};
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    People, SHIPPED, assert_no_repetition, consumer::Consumer, count_of_events, ids, ship, until_all_have_arrived,
    until_place_is_kept,
};

/// More than a server waits for Redis where somebody waits for it.
const DELAY: Duration = Duration::from_millis(300);

/// The way to a Redis, on which every answer takes its time.
struct LongWay {
    directory: TempDir,
    task: JoinHandle<()>,
}

impl LongWay {
    fn to(redis: &OwnRedis) -> Self {
        let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("redis.sock")).unwrap();
        Self { directory, task: tokio::spawn(pass_on(listener, redis.socket())) }
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.directory.path().join("redis.sock").display())
    }
}

impl Drop for LongWay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(listener: UnixListener, redis: PathBuf) {
    loop {
        let (near, _) = listener.accept().await.unwrap();
        let (asks, answers) = near.into_split();
        let (gives, takes) = UnixStream::connect(&redis).await.unwrap().into_split();
        tokio::spawn(carry(asks, takes, Duration::ZERO));
        tokio::spawn(carry(gives, answers, DELAY));
    }
}

/// What comes arrives so much later, however much it is.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (send, mut receive) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((at, bytes)) = receive.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if send.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
            break;
        }
    }
}

async fn beat(world: &World) -> i64 {
    world.texts("select beat::text from outbox_sinks").await[0].parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_redis_gets_everything_and_not_again_and_again() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let way = LongWay::to(&redis);
    // Where somebody waits for Redis nobody waits so long,
    let options = WorldOptions::patient().with_workers().on(&database).set("redis.url", &way.url());
    let world = options.set("redis.timeout_ms", "100").start().await;
    let (mut consumer, mut owner) = (Consumer::of(&redis).await, database.owner().await);
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    assert_eq!(world.anonymous().get("/health").await.expect(200)["status"], "degraded");
    for _ in 0..3 {
        at_once((0..6).map(|_| ship(people.clone(), flights.clone()))).await;
        // but for a delivery, which comes to an end.
        until_all_have_arrived(&mut consumer, &mut owner).await;
        until_place_is_kept(&world).await;
    }
    let (arrived, before) = (consumer.messages.len(), beat(&world).await);
    until("whoever delivers has looked again", async || beat(&world).await > before).await;
    consumer.read().await;
    assert_eq!(consumer.messages.len(), arrived, "nothing comes after the end");
    assert_eq!(count_of_events(&mut owner).await, 2 + 18 * SHIPPED);
    world.audit().await;
    world.shutdown().await;
}

/// How many transactions it has refused.
async fn refused(connection: &mut MultiplexedConnection) -> u64 {
    let asked = redis::cmd("INFO").arg("errorstats").to_owned();
    let told: String = asked.query_async(connection).await.unwrap();
    let count = told.lines().find_map(|line| line.strip_prefix("errorstat_EXECABORT:count="));
    count.map_or(0, |count| count.trim().parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_redis_loses_nothing_and_gets_it_when_there_is_room() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let options = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url());
    let world = options.set("redis.timeout_ms", "2000").start().await;
    let (mut consumer, mut owner) = (Consumer::of(&redis).await, database.owner().await);
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    let mut connection = redis.connect().await;
    ship(people.clone(), flights.clone()).await;
    until_all_have_arrived(&mut consumer, &mut owner).await;
    until_place_is_kept(&world).await;
    for round in 1..=2 {
        redis.fill().await;
        let (before, arrived) = (refused(&mut connection).await, consumer.messages.len());
        // Every request in it is expected to succeed.
        at_once((0..6).map(|_| ship(people.clone(), flights.clone()))).await;
        until("it has been refused some times", async || refused(&mut connection).await >= before + 2).await;
        consumer.read().await;
        assert_eq!(consumer.messages.len(), arrived, "a batch is refused as a whole");
        redis.make_room().await;
        until_all_have_arrived(&mut consumer, &mut owner).await;
        until_place_is_kept(&world).await;
        assert_eq!(count_of_events(&mut owner).await, 2 + SHIPPED + round * 6 * SHIPPED);
    }
    assert_no_repetition(&ids(&consumer.messages));
    world.audit().await;
    world.shutdown().await;
}
