//! PgBouncer in transaction mode between the product and PostgreSQL. `./test --long` also runs the tests of the API
//! through it.
use super::support::{Installation, Pooler, Postgres, Redis, Sandbox, Torture, is_long};

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept_behind_a_transaction_pooler() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let postgres = Postgres::create(&sandbox, "postgres", &[]);
    let redis = Redis::start(&sandbox);
    // Fewer connections than two processes want at once: they take turns.
    let pooler = Pooler::start(&sandbox, &postgres, 8);
    let direct =
        Installation::new(&sandbox, postgres.url("loadmaster"), postgres.url("loadmaster_app"), Some(redis.url()));
    direct.migrate();
    let through = direct.through(pooler.url("loadmaster_app")).set("database.transaction_pooler=true");
    let staff = through.administrator();
    let (first, second) = (through.serve(&sandbox, "first"), through.serve(&sandbox, "second"));
    let torture = Torture::start(&sandbox, &direct, &staff, &[&first.base, &second.base], 20);
    torture.finish();
    // The pooler was really between, and shared its connections.
    let sessions = "select count(*) from pg_stat_activity where usename = 'loadmaster_app'";
    let sessions: u32 = postgres.sql(sessions).parse().unwrap();
    assert!((1..=8).contains(&sessions), "{sessions} sessions");
    through.audit();
    through.audit();
}
