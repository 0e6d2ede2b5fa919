//! Two servers that are killed again and again under load: every change is told, in order, and nothing else, and every job
//! is done.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, Dice, NewFlight, OwnRedis, Process, TestDatabase, World, WorldOptions,
    freight::{BOOKINGS, order, path_of, with},
    is_long, until,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{consumer::Consumer, count_of_events, promises::Promises, until_all_have_arrived};

/// Callers of whichever server lives.
#[derive(Clone)]
struct Callers {
    bases: Arc<Mutex<[String; 2]>>,
    http: reqwest::Client,
    customer: String,
    operator: String,
    admin: String,
    stop: CancellationToken,
}

impl Callers {
    async fn of(world: &World, bases: [String; 2]) -> Self {
        let token = async |role| world.caller(role).await.token.unwrap();
        Self {
            bases: Arc::new(Mutex::new(bases)),
            http: world.anonymous().http,
            customer: token(Role::Customer).await,
            operator: token(Role::Operator).await,
            admin: token(Role::Admin).await,
            stop: CancellationToken::new(),
        }
    }

    /// Asks one of the servers; `None` when it was killed meanwhile or asks to come back.
    async fn ask(&self, dice: &mut Dice, token: &str, method: Method, path: &str, body: Value) -> Option<Value> {
        let base = dice.pick(&*self.bases.lock().unwrap()).clone();
        let client = Client { http: self.http.clone(), base, token: Some(token.to_owned()) };
        let request = client.request(method, path).timeout(Duration::from_secs(20)).json(&body);
        let answer = request.send().await.ok()?;
        let (status, text) = (answer.status(), answer.text().await.ok()?);
        // Another try may have been answered by a server that was killed before it could say so.
        assert!(matches!(status.as_u16(), 200 | 201 | 409 | 503 | 504), "{status}: {text}");
        status.is_success().then(|| serde_json::from_str(&text).unwrap())
    }

    /// Books, moves, amends and cancels until told to stop; answers how many bookings it knows of.
    async fn ship(self, flights: Arc<[Value; 2]>, mut dice: Dice) -> usize {
        let mut booked = 0;
        while !self.stop.is_cancelled() {
            let wish = with(order(&[&flights[0], &flights[1]]), json!({"weight_kg": 1}));
            let Some(booking) = self.ask(&mut dice, &self.customer, Method::POST, BOOKINGS, wish).await else {
                continue;
            };
            booked += 1;
            let path = path_of(&booking);
            let pieces = json!({"pieces": 2 + dice.below(3)});
            self.ask(&mut dice, &self.customer, Method::PATCH, &path, pieces).await;
            for _ in 0..dice.below(6) {
                let step = *dice.pick(&["depart", "arrive", "arrive", "deliver"]);
                let path = format!("{path}/{step}");
                self.ask(&mut dice, &self.operator, Method::POST, &path, json!({})).await;
            }
            if dice.below(3) == 0 {
                let path = format!("{path}/cancel");
                self.ask(&mut dice, &self.customer, Method::POST, &path, json!({})).await;
            }
        }
        booked
    }

    /// Fills flights and lets them go, each in one step with all that is on board.
    async fn fly(self, mut dice: Dice) -> usize {
        let mut flown = 0;
        for day in 3.. {
            if self.stop.is_cancelled() {
                break;
            }
            let Some(flight) = self.new_flight(&mut dice, day).await else { continue };
            let wish = with(order(&[&flight]), json!({"weight_kg": 1}));
            for _ in 0..4 {
                self.ask(&mut dice, &self.customer, Method::POST, BOOKINGS, wish.clone()).await;
            }
            let path = loadmaster_testkit::flight_verbs::path_to(&flight);
            let smaller = json!({"capacity": {"weight_kg": 900}});
            self.ask(&mut dice, &self.admin, Method::PATCH, &path, smaller).await;
            let verb = *dice.pick(&["depart", "cancel"]);
            let done = self.ask(&mut dice, &self.admin, Method::POST, &format!("{path}/{verb}"), json!({})).await;
            flown += usize::from(done.is_some());
        }
        flown
    }

    async fn new_flight(&self, dice: &mut Dice, day: i64) -> Option<Value> {
        let departure = now() + TimeDelta::days(day % 300);
        let body = json!({
            "flight_number": format!("AI{}", 200 + day), "origin": "DEL", "destination": "BOM",
            "departure_datetime": departure, "arrival_datetime": departure + TimeDelta::hours(4),
            "capacity": {"weight_kg": 1000, "volume_m3": 100, "positions": 10},
        });
        self.ask(dice, &self.admin, Method::POST, "/api/v1/flights", body).await
    }
}

/// The processes have the machine's clock.
fn now() -> chrono::DateTime<Utc> {
    chrono::DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap()
}

async fn flights(world: &World) -> Arc<[Value; 2]> {
    let flight = async |number, origin, destination, hours| {
        let departure = (now() + TimeDelta::hours(hours)).to_rfc3339();
        world.flight(NewFlight::new(number, origin, destination).departs(&departure).weight(1_000_000.0)).await
    };
    Arc::new([flight("AI101", "DEL", "BOM", 24).await, flight("AI102", "BOM", "LHR", 36).await])
}

/// Kills one or the other so many times and starts it again.
async fn kill_and_start(
    times: usize,
    processes: &mut [Process; 2],
    callers: &Callers,
    (world, redis): (&World, &OwnRedis),
    consumer: &mut Consumer,
) {
    let mut dice = Dice::new(5);
    for round in 1..=times {
        let told = consumer.messages.len();
        until("the stream goes on under load", async || {
            consumer.read().await;
            consumer.messages.len() > told + 30
        })
        .await;
        tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
        let which = usize::try_from(dice.below(2)).unwrap();
        processes[which].child.kill().await.unwrap();
        // It comes back at another address.
        processes[which] = Process::start(&world.database, redis, &[]).await;
        callers.bases.lock().unwrap()[which].clone_from(&processes[which].base);
        // So that one need not wait for the silence of the dead each time; perhaps it is taken from the living.
        if round < times {
            world.sql("update outbox_sinks set leased_by = null").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_killed_at_random_leave_no_change_unsent_and_no_job_undone() {
    if !is_long() {
        return;
    }
    let times = 30;
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let world = WorldOptions::patient().with_workers().without_redis().on(&database).start().await;
    world.clock.set(now());
    let flights = flights(&world).await;
    let mut processes = [Process::start(&database, &redis, &[]).await, Process::start(&database, &redis, &[]).await];
    let callers = Callers::of(&world, [processes[0].base.clone(), processes[1].base.clone()]).await;
    let shipping: Vec<_> =
        (0..4).map(|number| tokio::spawn(callers.clone().ship(flights.clone(), Dice::of(21, number)))).collect();
    let flying = tokio::spawn(callers.clone().fly(Dice::new(22)));
    let promises = Promises::start(&world).await;

    let mut consumer = Consumer::of(&redis).await;
    kill_and_start(times, &mut processes, &callers, (&world, &redis), &mut consumer).await;
    callers.stop.cancel();
    let mut booked = 0;
    for task in shipping {
        booked += task.await.unwrap();
    }
    assert!(booked > 0 && flying.await.unwrap() > 0);

    let mut owner = database.owner().await;
    until_all_have_arrived(&mut consumer, &mut owner).await;
    assert!(count_of_events(&mut owner).await > booked);
    promises.are_kept(&world).await;
    world.audit().await;
    world.shutdown().await;
}
