//! `loadmaster restored`. Whole restores are tested in `crates/torture/tests/deployment/backup.rs`.
use loadmaster_testkit::{TestDatabase, World, WorldOptions, command::loadmaster, until};

async fn namespaces(database: &TestDatabase) -> Vec<Vec<u8>> {
    let secrets = "select value from server_secrets where name = 'redis_namespace'";
    sqlx::query_scalar(secrets).fetch_all(&mut database.owner().await).await.unwrap()
}

async fn reserved(database: &TestDatabase) -> i64 {
    let last = "select last_value from booking_ref_blocks";
    sqlx::query_scalar(last).fetch_one(&mut database.owner().await).await.unwrap()
}

#[tokio::test]
async fn it_waits_for_the_servers_end_then_leaves_references_out_and_begins_a_new_history() {
    let world = World::start().await;
    let database = world.database.clone();
    let (namespace, block) = (namespaces(&database).await, reserved(&database).await);
    let complaint = loadmaster(&["restored"]).on(&database).run().await.complained();
    assert!(complaint.contains("stop every serving process"), "{complaint}");
    assert_eq!((namespaces(&database).await, reserved(&database).await), (namespace.clone(), block));

    world.shutdown().await;
    let mut owner = database.owner().await;
    // A pooler closes its sessions a little later.
    until("no session is left", async || {
        let sessions = "select count(*) from pg_stat_activity
                        where datname = current_database() and usename = 'loadmaster_app'";
        sqlx::query_scalar::<_, i64>(sessions).fetch_one(&mut owner).await.unwrap() == 0
    })
    .await;
    let said = loadmaster(&["restored"]).on(&database).run().await.succeeded();
    assert!(said.contains("The next 100000000 booking references are left out."), "{said}");
    assert!((reserved(&database).await - block) * 64 >= 100_000_000);

    let world = WorldOptions::default().on(&database).start().await;
    let fresh = namespaces(&database).await;
    assert!(fresh.len() == 1 && fresh != namespace);
    world.shutdown().await;
}
