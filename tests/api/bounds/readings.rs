//! A booking whose flights change at each attempt is given up after a bounded number of readings, within the request's time.
use sqlx::Executor;

use crate::support::{
    NewFlight, World, WorldOptions,
    freight::{BOOKINGS, open_order, order},
};

/// So many attempts one request makes at most.
const MOST: i64 = 20;

/// No flight gives room any more, as if each had changed since it was read. Each attempt is counted and takes this time.
async fn unsettle(world: &World, seconds: f64) {
    let statements = format!(
        "create sequence attempts;
         create function unsettle() returns trigger language plpgsql security definer as $$ begin
             if new.booked_weight_hg > old.booked_weight_hg then
                 perform nextval('public.attempts'), pg_sleep({seconds});
                 return null;
             end if;
             return new;
         end $$;
         create trigger unsettle before update on flight_capacity for each row execute function unsettle()"
    );
    let mut owner = world.database.owner().await;
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements))).await.unwrap();
}

async fn attempts(world: &World) -> i64 {
    world.texts("select (last_value - (not is_called)::int)::text from attempts").await[0].parse().unwrap()
}

#[tokio::test]
async fn named_flights_that_change_each_time_are_read_a_bounded_number_of_times() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    unsettle(&world, 0.0).await;
    let answer = world.customer().await.post(BOOKINGS, order(&[&flight])).await;
    assert!(answer.header("retry-after").is_some());
    answer.expect_problem(503, "unavailable");
    let made = attempts(&world).await;
    assert!((2..=MOST).contains(&made), "{made}");
}

#[tokio::test]
async fn options_that_change_each_time_are_read_a_bounded_number_of_times_in_all() {
    let world = WorldOptions::patient().with_workers().start().await;
    for number in 1..=4 {
        world.flight(NewFlight::new(&format!("AI{number}"), "DEL", "LHR").leaves_in_hours(20 + number)).await;
    }
    unsettle(&world, 0.0).await;
    world.customer().await.post(BOOKINGS, open_order("DEL", "LHR")).await.expect_problem(503, "unavailable");
    let made = attempts(&world).await;
    assert!((4..=MOST).contains(&made), "each option is tried: {made}");
}

// Over a second: that is the time which the request may take.
#[tokio::test]
async fn attempts_end_before_the_requests_time_does() {
    let world = WorldOptions::patient().with_workers().set("server.request_timeout_ms", "2500").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    unsettle(&world, 0.4).await;
    let answer = world.customer().await.post(BOOKINGS, order(&[&flight])).await;
    assert!(answer.header("retry-after").is_some());
    answer.expect_problem(503, "unavailable");
    let made = attempts(&world).await;
    assert!((1..MOST).contains(&made), "{made}");
}
