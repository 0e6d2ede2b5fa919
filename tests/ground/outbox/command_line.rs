//! `loadmaster outbox`.
use loadmaster_testkit::{
    TestDatabase, World, WorldOptions,
    command::{Done, loadmaster},
    freight::two_flights,
};

async fn outbox(database: &TestDatabase, arguments: &[&str]) -> Done {
    loadmaster(&[&["outbox"], arguments].concat()).on(database).run().await
}

/// A sink that has had so many messages, and may be delivered to.
async fn add_sink(world: &World, name: &str, position: i64, by: Option<&str>) {
    let sink = sqlx::query("insert into outbox_sinks (name, position, leased_by) values ($1, $2, $3)");
    let sink = sink.bind(name).bind(position).bind(by);
    sink.execute(&mut world.database.owner().await).await.unwrap();
}

fn cells(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test]
async fn outbox_sinks_shows_how_far_each_is_behind_and_whether_it_is_served() {
    let world = WorldOptions::default().without_redis().start().await;
    let head = ["sink", "behind", "served"];
    let printed = outbox(&world.database, &["sinks"]).await.succeeded();
    assert_eq!(cells(printed.trim_end()), head);

    two_flights(&world).await;
    world.sql("update outbox set written_at = now() - interval '1000 hours'").await;
    add_sink(&world, "up_to_date", 2, Some("one")).await;
    add_sink(&world, "behind", 0, None).await;
    let printed = outbox(&world.database, &["sinks"]).await.succeeded();
    let [told, behind, up_to_date] = printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    assert_eq!(cells(told), head);
    assert_eq!(cells(up_to_date), ["up_to_date", "0", "s", "yes"]);
    let ["behind", seconds, "s", "no"] = cells(behind)[..] else { panic!("{behind}") };
    assert!(seconds.parse::<u64>().unwrap() >= 3_600_000, "{behind}");
    world.shutdown().await;
}

#[tokio::test]
async fn outbox_retire_forgets_the_sink_that_is_named_and_no_other() {
    let world = WorldOptions::default().without_redis().start().await;
    add_sink(&world, "old_system", 0, None).await;
    add_sink(&world, "redis_streams", 0, None).await;
    for unknown in ["nonsense", "", "old_system ", "%", "OLD_SYSTEM"] {
        let complaint = outbox(&world.database, &["retire", unknown]).await.complained();
        assert_eq!(complaint, format!("loadmaster: there is no sink {unknown}"));
    }
    assert_eq!(world.texts("select name from outbox_sinks order by name").await, ["old_system", "redis_streams"]);

    for of_all in ["webhooks", "notifications"] {
        let complaint = outbox(&world.database, &["retire", of_all]).await.complained();
        assert_eq!(complaint, format!("loadmaster: the sink {of_all} is a part of every Loadmaster and stays"));
    }
    let printed = outbox(&world.database, &["retire", "old_system"]).await.succeeded();
    assert_eq!(printed, "Messages are no longer kept for old_system.\n");
    assert_eq!(world.texts("select name from outbox_sinks").await, ["redis_streams"]);
    assert!(!outbox(&world.database, &["sinks"]).await.succeeded().contains("old_system"));
    outbox(&world.database, &["retire", "old_system"]).await.complained();
    for senseless in [&[][..], &["retire"], &["retire", "a", "b"], &["sinks", "a"], &["delete"]] {
        assert_eq!(outbox(&world.database, senseless).await.code, 2, "{senseless:?}");
    }
    world.shutdown().await;
}

#[tokio::test]
async fn the_outbox_commands_require_the_migration_first() {
    let database = TestDatabase::empty().await;
    for arguments in [&["sinks"][..], &["retire", "redis_streams"]] {
        let complaint = outbox(&database, arguments).await.complained();
        assert!(complaint.contains("loadmaster migrate"), "{complaint}");
    }
}
