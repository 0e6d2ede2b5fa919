//! `loadmaster keys`: keys follow each other under the eyes of a server that serves.
use loadmaster_testkit::{TestDatabase, World, WorldOptions, command::loadmaster};
use serde_json::json;

use super::run;

const SECRET: &str = "a secret of more than thirty-two bytes";

fn kid(told: &str) -> String {
    told.split(' ').next().unwrap().to_owned()
}

async fn published(world: &World) -> Vec<String> {
    let keys = world.anonymous().get("/.well-known/jwks.json").await.expect(200);
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_key_made_at_the_command_line_is_published_and_the_old_one_stays_for_its_tokens() {
    let world = World::start().await;
    let old = published(&world).await;
    let customer = world.customer().await;
    let new = kid(&run(&world.database, &["keys", "rotate"]).await.succeeded());
    world.sessions().poll_changes().await.unwrap();
    let both = published(&world).await;
    assert!(both.len() == 2 && both.contains(&old[0]) && both.contains(&new), "{both:?}");
    customer.get("/api/v1/auth/me").await.expect(200);
    let listed = run(&world.database, &["keys", "list"]).await.succeeded();
    let lines: Vec<Vec<&str>> = listed.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines[0][0], lines[0][3]), (new.as_str(), "-"), "{listed}");
    assert_eq!(lines[1][0], old[0], "{listed}");
    assert_ne!(lines[1][3], "-", "the old one has an end: {listed}");
    let private = world.texts("select encode(private_key, 'base64') from signing_keys").await;
    assert!(private.iter().all(|key| !listed.contains(&key[key.len() - 20..])));
    let acts = world.texts("select act || ' ' || subject_kind || ' ' || subject_id from admin_acts").await;
    assert_eq!(acts, [format!("signing_key.rotated signing_key {new}")]);
}

#[tokio::test]
async fn compromised_keys_end_for_every_server_and_no_token_of_them_counts() {
    let world = World::start().await;
    let account = json!({"email": "ann@forwarder.example", "password": "correct horse battery"});
    let session = world.anonymous().post("/api/v1/auth/register", account).await.expect(201);
    let ann = world.anonymous().with_token(session["access_token"].as_str().unwrap());
    ann.get("/api/v1/auth/me").await.expect(200);
    // The command goes by the real clock; the server's stands still, somewhere.
    let new = kid(&run(&world.database, &["keys", "rotate", "--compromised"]).await.succeeded());
    world.sql("update signing_keys set verifies_until = '2026-01-01' where verifies_until is not null").await;
    world.sessions().poll_changes().await.unwrap();
    // She is told to refresh it, which goes on.
    ann.get("/api/v1/auth/me").await.expect_problem(401, "token_expired");
    assert_eq!(published(&world).await, [new]);
    let next = json!({"refresh_token": session["refresh_token"]});
    let next = world.anonymous().post("/api/v1/auth/refresh", next).await.expect(200);
    let ann = world.anonymous().with_token(next["access_token"].as_str().unwrap());
    ann.get("/api/v1/auth/me").await.expect(200);
    assert_eq!(world.texts("select act from admin_acts").await, ["signing_key.replaced"]);
}

#[tokio::test]
async fn configured_keys_are_not_the_databases_to_rotate() {
    let world = WorldOptions::default().set("auth.algorithm", "HS256").set("auth.secret", SECRET).start().await;
    let configured = |arguments: &[&str]| {
        loadmaster(arguments)
            .on(&world.database)
            .env("LOADMASTER_AUTH__ALGORITHM", "HS256")
            .env("LOADMASTER_AUTH__SECRET", SECRET)
            .run()
    };
    let listed = configured(&["keys", "list"]).await.succeeded();
    assert!(listed.contains("configured") && !listed.contains(SECRET), "{listed}");
    for arguments in [&["keys", "rotate"][..], &["keys", "rotate", "--compromised"]] {
        let complaint = configured(arguments).await.complained();
        assert!(complaint.contains("configured") && !complaint.contains(SECRET), "{complaint}");
    }
    let made = world.texts("select kid from signing_keys union all select act from admin_acts").await;
    assert!(made.is_empty(), "{made:?}");
}

#[tokio::test]
async fn concurrent_rotations_leave_one_signing_key() {
    let database = TestDatabase::create().await;
    let arguments = ["keys", "rotate"];
    let runs: Vec<_> = (0..4).map(|_| tokio::spawn(loadmaster(&arguments).on(&database).run())).collect();
    for run in runs {
        run.await.unwrap().succeeded();
    }
    let mut owner = database.owner().await;
    let open: i64 = sqlx::query_scalar("select count(*) from signing_keys where verifies_until is null")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(open, 1);
}
