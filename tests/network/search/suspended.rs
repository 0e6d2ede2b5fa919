//! A machine that was suspended: the steady clock stood still meanwhile, the wall clock did not.
use chrono::TimeDelta;
use loadmaster_testkit::{NewFlight, World, WorldOptions, freight::text, until};
use serde_json::{Value, json};
use sqlx::Executor;

/// What a search says is free on the only flight, and whether its network part was kept.
async fn free(world: &World) -> (Value, bool) {
    let question = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    let answer = world.anonymous().post("/api/v1/routes/search", question).await;
    let is_kept = answer.header("cache-status").is_some_and(|status| status.contains("hit"));
    (answer.body["direct_flights"][0]["available"]["weight_kg"].clone(), is_kept)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_jump_of_the_wall_clock_alone_the_next_search_reads_the_tables() {
    for hours in [1, -1] {
        // Given a search that is answered from memory,
        let world = WorldOptions::patient().with_workers().without_redis().start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0)).await;
        until("the answer is kept", async || free(&world).await == (json!(1000), true)).await;
        // and a process that is told of no change from now on,
        let mut owner = world.database.owner().await;
        owner.execute("begin; lock table outbox in access exclusive mode").await.unwrap();
        let change = "update flight_capacity set booked_weight_hg = booked_weight_hg + 10, ledger_seq = ledger_seq + 1
                      where flight_id = ";
        world.sql(&format!("{change} '{}'", text(&flight, "id"))).await;
        // when the wall clock jumps and the steady clock does not, then the very next search shows the change.
        world.clock.advance(TimeDelta::hours(hours));
        assert_eq!(free(&world).await, (json!(999), false), "{hours} hours");
        owner.execute("rollback").await.unwrap();
        world.shutdown().await;
    }
}
