//! In-process followers: from now on they see everything once.
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use loadmaster_platform::{
    follower::{Follower as Follow, OutboxFollower},
    outbox::Entry,
};
use loadmaster_testkit::{TestDatabase, World, freight::two_flights, until};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    People, SHIPPED, alone_on, assert_in_order, assert_no_repetition, happened, ids,
    open::{Open, tell},
    ship,
};

/// Writes down what it sees.
pub struct Follower {
    seen: Arc<Mutex<Vec<Value>>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Follower {
    pub fn start(world: &World) -> Self {
        let (seen, stop) = (Arc::<Mutex<Vec<Value>>>::default(), CancellationToken::new());
        let notes = Arc::new(Notes(seen.clone()));
        let follower = OutboxFollower::new(&world.db, Arc::new(world.clock.clone()), vec![notes]);
        let task = tokio::spawn(follower.run(stop.clone()));
        Self { seen, stop, task }
    }

    /// It does not say when it begins: messages are written until it sees one.
    pub async fn until_it_follows(&self, world: &World) {
        let (probe, mut sequence) = (Uuid::new_v4(), 0);
        until("somebody follows", async || {
            sequence += 1;
            tell(&world.database, probe, sequence..=sequence).await;
            !self.ids().is_empty()
        })
        .await;
    }

    pub fn ids(&self) -> Vec<String> {
        ids(&self.seen.lock().unwrap())
    }

    /// How many messages it has seen, repetitions included.
    pub fn came(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Whether it has seen so many messages of bookings and flights that have events.
    async fn has_seen_all_but(&self, world: &World, others: usize) -> bool {
        let happened = happened(&mut world.database.owner().await).await;
        self.ids().iter().filter(|id| happened.contains(*id)).count() + others >= happened.len()
    }

    /// All that it has seen.
    pub async fn end(self) -> Vec<String> {
        self.stop.cancel();
        self.task.await.unwrap();
        ids(&self.seen.lock().unwrap())
    }
}

struct Notes(Arc<Mutex<Vec<Value>>>);

impl Follow for Notes {
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn reads_events_of(&self) -> &'static [&'static str] {
        &["booking", "flight", "probe"]
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        self.0.lock().unwrap().extend(messages.iter().map(|entry| Value::clone(&entry.event)));
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_sees_what_others_do_from_now_on_once_late_ones_included() {
    let database = TestDatabase::create().await;
    let (here, there) = (alone_on(&database).await, alone_on(&database).await);
    let (flights, people) = (two_flights(&there).await, People::of(&there).await);
    ship(people.clone(), flights.clone()).await;
    let late = Uuid::new_v4();
    let mut slow = Open::begin(&database).await;
    slow.write(late, 1..=3).await;
    let follower = Follower::start(&here);
    follower.until_it_follows(&here).await;

    ship(people, flights).await;
    until("it has seen the second shipments", async || follower.has_seen_all_but(&here, 2 + SHIPPED).await).await;
    assert!(!follower.ids().iter().any(|id| id.starts_with(&late.to_string())));
    slow.commit().await;
    let end = format!("{late}-3");
    until("it has seen the late ones", async || follower.ids().contains(&end)).await;

    let seen = follower.end().await;
    assert_no_repetition(&seen);
    let happened = happened(&mut database.owner().await).await;
    let of_bookings: Vec<_> = seen.into_iter().filter(|id| happened.contains(id)).collect();
    assert_in_order(&of_bookings);
    assert_eq!(of_bookings.len(), SHIPPED, "what was before is not told");
    tokio::join!(here.shutdown(), there.shutdown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_misses_nothing_while_its_database_is_away() {
    let database = TestDatabase::create().await;
    let world = alone_on(&database).await;
    let follower = Follower::start(&world);
    follower.until_it_follows(&world).await;
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    for round in 1..=3 {
        ship(people.clone(), flights.clone()).await;
        // Once it may have seen them, once not.
        if round % 2 == 0 {
            until("it has seen all", async || follower.has_seen_all_but(&world, 0).await).await;
        }
        database.close_doors().await;
        until("it is not ready", async || world.anonymous().get("/readyz").await.status == 503).await;
        database.open_doors().await;
        until("it is ready again", async || world.anonymous().get("/readyz").await.status == 200).await;
    }
    ship(people, flights).await;
    until("it has seen all", async || follower.has_seen_all_but(&world, 0).await).await;
    let seen = follower.end().await;
    assert_no_repetition(&seen);
    let happened = happened(&mut database.owner().await).await;
    let of_bookings: Vec<_> = seen.into_iter().filter(|id| happened.contains(id)).collect();
    assert_in_order(&of_bookings);
    assert_eq!(of_bookings.len(), 2 + 4 * SHIPPED);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_stops_on_request_however_much_there_is_to_see() {
    let database = TestDatabase::create().await;
    let world = alone_on(&database).await;
    let follower = Follower::start(&world);
    follower.until_it_follows(&world).await;
    let stop = CancellationToken::new();
    let writing = tokio::spawn({
        let (database, stop) = (database.clone(), stop.clone());
        async move {
            let (mut open, aggregate, mut sequence) = (Open::begin(&database).await, Uuid::new_v4(), 0);
            while !stop.is_cancelled() {
                sequence += 1;
                open.write(aggregate, sequence..=sequence).await;
                open.commit().await;
                open.begin_again().await;
            }
        }
    });
    follower.end().await;
    stop.cancel();
    writing.await.unwrap();
    world.shutdown().await;
}
