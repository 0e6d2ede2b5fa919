//! What `doctor` finds, and what it makes of it.
use std::os::unix::fs::PermissionsExt;

use loadmaster_testkit::{OwnRedis, TestDatabase, command::loadmaster};
use sqlx::{AssertSqlSafe, Executor};

/// The tests' server gives up durability for speed; `doctor` says so of any server.
const NOT_DURABLE: [&str; 2] = ["BROKEN  fsync is off:", "BROKEN  full_page_writes is off:"];

/// No key is configured unless a test does.
const NO_KEY: &str =
    "weaker  stored secrets are encrypted, and links and claims are sealed, under a key that the database contains";

/// The findings that are not fine, but for those about the tests' server.
fn found(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().filter(|line| !line.starts_with("ok ") && !line.starts_with(NO_KEY));
    lines.filter(|line| !NOT_DURABLE.iter().any(|known| line.starts_with(known))).map(str::to_owned).collect()
}

async fn doctor(database: &TestDatabase, redis: Option<&OwnRedis>) -> Vec<String> {
    let mut command = loadmaster(&["doctor"]).on(database);
    if let Some(redis) = redis {
        command = command.env("REDIS_URL", &redis.url());
    }
    let done = command.run().await;
    // A server without fsync is reason enough to fail.
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    for known in NOT_DURABLE {
        assert!(done.stdout.lines().any(|line| line.starts_with(known)), "{}", done.stdout);
    }
    found(&done.stdout)
}

async fn set_policy(redis: &OwnRedis, policy: &str) {
    let set = redis::cmd("CONFIG").arg("SET").arg("maxmemory-policy").arg(policy).to_owned();
    set.query_async::<()>(&mut redis.connect().await).await.unwrap();
}

#[tokio::test]
async fn doctor_says_what_is_fine_and_what_is_not() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    set_policy(&redis, "volatile-lru").await;
    assert_eq!(doctor(&database, Some(&redis)).await, Vec::<String>::new());

    let alone = loadmaster(&["doctor"]).env("DATABASE_URL", &database.owner_url()).run().await.stdout;
    let weaker = found(&alone);
    assert!(weaker.len() == 2 && weaker.iter().all(|line| line.starts_with("weaker ")), "{alone}");
    assert!(alone.contains("loadmaster_app") && alone.contains("no Redis"), "{alone}");

    let empty = loadmaster(&["doctor"]).on(&TestDatabase::empty().await).run().await;
    assert_eq!(empty.code, 1, "{}", empty.stderr);
    assert!(empty.stdout.contains("BROKEN  the database lacks migrations"), "{}", empty.stdout);
}

/// Starts two private servers twice, hence some seconds.
#[tokio::test]
async fn doctor_finds_nothing_wrong_with_the_private_servers() {
    let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
    // PostgreSQL may have to run as another user.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let home = format!("embedded.data_dir={}", directory.path().join("home").display());
    loadmaster(&["migrate", "--set", &home]).run().await.succeeded();
    let told = loadmaster(&["doctor", "--set", &home]).run().await.succeeded();
    assert!(told.lines().all(|line| line.starts_with("ok ") || line.starts_with(NO_KEY)), "{told}");
    for words in
        ["a private PostgreSQL", "preserves acknowledged writes", "evicts only keys that expire (volatile-lru)"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[tokio::test]
async fn doctor_reports_needless_rights_of_the_serving_role() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    let without_redis = async || {
        let mut found = doctor(&database, None).await;
        found.retain(|line| !line.contains("no Redis"));
        found
    };
    assert_eq!(without_redis().await, Vec::<String>::new());
    for (grant, words) in [
        ("grant create on schema public to public", "may create tables and functions in the schema"),
        ("grant insert on partitioned_tables to loadmaster_app", "only migrations write: partitioned_tables;"),
        ("grant update (version) on network to loadmaster_app", "only migrations write: network;"),
    ] {
        owner.execute(grant).await.unwrap();
        let found = without_redis().await;
        assert!(found.len() == 1 && found[0].starts_with("weaker  the serving role loadmaster_app may "), "{found:?}");
        assert!(found[0].contains(words), "{found:?}");
        loadmaster(&["migrate"]).on(&database).run().await.succeeded();
        let left = without_redis().await;
        // A right to single columns is not what `migrate` gave.
        assert!(left.is_empty(), "migrating takes it away: {left:?}");
    }
}

#[tokio::test]
async fn doctor_calls_a_role_that_does_not_wait_for_the_disk_broken() {
    let database = TestDatabase::create().await;
    let set = format!("alter role loadmaster_app in database {} set synchronous_commit = off", database.name);
    database.owner().await.execute(AssertSqlSafe(set)).await.unwrap();
    let found = doctor(&database, None).await;
    assert!(
        found.iter().any(|line| line.starts_with("BROKEN  synchronous_commit is off for the serving role:")),
        "{found:?}"
    );
}

#[tokio::test]
async fn doctor_warns_of_a_redis_that_drops_events_or_refuses_writes() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    for (policy, words) in [
        ("allkeys-lru", "may evict the event stream, which subscribers read (allkeys-lru)"),
        ("noeviction", "refuses every write (noeviction)"),
    ] {
        set_policy(&redis, policy).await;
        let found = doctor(&database, Some(&redis)).await;
        assert!(found.len() == 1 && found[0].starts_with("weaker ") && found[0].contains(words), "{found:?}");
    }
    // What may not be asked is not fine either.
    let forbid = redis::cmd("ACL").arg("SETUSER").arg("default").arg("-info").to_owned();
    forbid.query_async::<()>(&mut redis.connect().await).await.unwrap();
    let found = doctor(&database, Some(&redis)).await;
    assert!(found.len() == 1 && found[0].contains("eviction policy of Redis cannot be read"), "{found:?}");
}

#[tokio::test]
async fn doctor_reports_where_the_key_of_stored_secrets_lies() {
    let database = TestDatabase::create().await;
    let without = loadmaster(&["doctor"]).on(&database).run().await.stdout;
    assert!(without.lines().any(|line| line.starts_with(NO_KEY)), "{without}");
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let with = loadmaster(&["doctor"]).on(&database).env("LOADMASTER_SECRETS__KEY", key).run().await.stdout;
    assert!(
        with.contains("ok      stored secrets are encrypted under a key that the database does not contain"),
        "{with}"
    );
    let resealed = loadmaster(&["secrets", "reseal"]).on(&database).env("LOADMASTER_SECRETS__KEY", key).run().await;
    assert_eq!(
        resealed.succeeded(),
        "The secrets of 0 webhooks were encrypted anew.\nThe headers of 0 feeds were encrypted anew.\n"
    );
}
