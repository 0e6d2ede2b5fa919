//! Bookings that follow their flight in small transactions.
use sqlx::Executor;

use crate::{World, until};

/// The name of job and schedule.
pub const STEPS: &str = "flight_steps";

/// Lets this many transactions take bookings along; the next one fails, as if the process had been killed in it.
pub async fn interrupt_after(world: &World, transactions: u32) {
    refuse_after(world, transactions, "P0001").await;
}

/// Lets this many transactions take bookings along; PostgreSQL refuses the next ones with this code.
pub async fn refuse_after(world: &World, transactions: u32, code: &str) {
    let sql = format!(
        "create sequence interruptions;
         create function interrupt() returns trigger language plpgsql security definer as $$ begin
             if tg_op = 'UPDATE' and new.done_to <= old.done_to then return new; end if;
             if nextval('public.interruptions') > {transactions} then raise exception 'interrupted' using errcode = '{code}'; end if;
             return coalesce(new, old);
         end $$;
         create trigger interrupt before update or delete on flight_steps for each row execute function interrupt()"
    );
    world.database.owner().await.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
}

pub async fn until_interrupted(world: &World) {
    until("the job has failed", async || {
        !world
            .texts(&format!("select 'x' from jobs where kind = '{STEPS}' and last_error is not null"))
            .await
            .is_empty()
    })
    .await;
}

/// Nothing interrupts any more, and the job is run now; answers when it is done.
pub async fn go_on(world: &World) {
    world.sql("drop trigger interrupt on flight_steps").await;
    world.state().background.run_now(STEPS).await.unwrap();
    until_followed(world).await;
}

pub async fn until_followed(world: &World) {
    until("all bookings have followed", async || world.texts("select 'x' from flight_steps").await.is_empty()).await;
}
