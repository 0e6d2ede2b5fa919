//! Jobs and schedules.
use crate::{World, until};

/// Until the schedule has run since it was new, or due again.
pub async fn until_run(world: &World, name: &str) {
    let mut owner = world.database.owner().await;
    until(&format!("{name} has run"), async || {
        let query = "select coalesce(bool_and(next_run_at > now()), false) and count(*) = 1
                            and not exists (select from jobs where kind = $1)
                     from schedules where name = $1";
        sqlx::query_scalar(query).bind(name).fetch_one(&mut owner).await.unwrap()
    })
    .await;
}

/// As if its period were over.
pub async fn run_again(world: &World, name: &str) {
    let due = sqlx::query("update schedules set next_run_at = now() where name = $1").bind(name);
    due.execute(&mut world.database.owner().await).await.unwrap();
    until_run(world, name).await;
}

/// A job that has failed for good.
pub async fn dead_job(world: &World) -> String {
    let id = uuid::Uuid::now_v7();
    let job = format!(
        "insert into jobs (id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at,
                           updated_at)
         values ('{id}', 'made_up_{id}', 'null', 0, 'DEAD', now(), 10, 10, 'It did not work', now(), now())"
    );
    world.sql(&job).await;
    id.to_string()
}
