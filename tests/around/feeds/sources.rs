//! Files by URL: what is fetched, how, and what is no file.
use async_compression::Level;
use chrono::TimeDelta;
use loadmaster_platform::web::{Coding, encode};
use loadmaster_testkit::{
    TestNetwork, World,
    freight::{each, text, with},
    until,
};
use serde_json::json;

use super::{
    FEEDS, at, because, feeding, file, files::Files, flights, made, row, rows, run_now, runs_of, schedule, summary,
};

/// The runs of a feed, the newest first, once there are this many and none is under way.
async fn after(
    world: &World,
    client: &loadmaster_testkit::Client,
    feed: &serde_json::Value,
    many: usize,
) -> serde_json::Value {
    let path = runs_of(feed);
    until(&format!("{many} runs have ended at {}", world.now()), async || {
        let runs = client.get(&path).await.expect(200);
        runs.as_array().unwrap().len() >= many && runs[0]["status"] != "RUNNING"
    })
    .await;
    client.get(&path).await.expect(200)
}

#[tokio::test]
async fn a_file_is_fetched_by_schedule_and_not_sent_again_while_it_is_the_same() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.give(file(&rows(&world, 3)).as_bytes(), "\"v1\"");
    let new = with(
        flights(),
        json!({"url": files.url(), "every_minutes": 15,
                                     "headers": [{"name": "Authorization", "value": "Bearer 123"}]}),
    );
    let feed = made(&admin, new).await;
    assert_eq!((&feed["header_names"], feed.get("headers")), (&json!(["authorization"]), None));
    let first = after(&world, &admin, &feed, 1).await;
    assert_eq!((summary(&first[0]).as_str(), &first[0]["trigger"]), ("APPLIED 3 0 0 0 0 0 0", &json!("SCHEDULE")));
    assert_eq!(first[0]["actor_id"], serde_json::Value::Null);
    let head = &files.heads()[0];
    assert!(
        head.starts_with("GET /season?x=1 HTTP/1.1\r\n") && head.contains("authorization: Bearer 123\r\n"),
        "{head}"
    );
    let sealed = world.texts("select encode(headers, 'escape') from feeds").await;
    assert!(!sealed[0].contains("Bearer"), "{sealed:?}");
    world.clock.advance(TimeDelta::minutes(16));
    let second = after(&world, &admin, &feed, 2).await;
    assert_eq!(summary(&second[0]), "UNCHANGED 0 0 0 0 0 0 0");
    assert!(files.heads()[1].contains("if-none-match: \"v1\"\r\n"));
    files.give(file(&rows(&world, 4)).as_bytes(), "\"v2\"");
    world.clock.advance(TimeDelta::minutes(16));
    assert_eq!(summary(&after(&world, &admin, &feed, 3).await[0]), "APPLIED 1 0 3 0 0 0 0");
    let by_hand = run_now(&admin, &feed).await;
    assert_eq!(summary(&by_hand), "UNCHANGED 0 0 4 0 0 0 0", "by hand it is read and compared");
    world.audit().await;
}

#[tokio::test]
async fn a_paused_feed_runs_by_hand_only() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.give(file(&rows(&world, 1)).as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url()}))).await;
    after(&world, &admin, &feed, 1).await;
    let paused = admin.patch(&at(&feed), json!({"status": "PAUSED"})).await.expect(200);
    assert_eq!((&paused["status"], &paused["next_run_at"]), (&json!("PAUSED"), &serde_json::Value::Null));
    world.clock.advance(TimeDelta::days(2));
    assert_eq!(run_now(&admin, &feed).await["status"], "UNCHANGED");
    assert_eq!(admin.get(&runs_of(&feed)).await.expect(200).as_array().unwrap().len(), 2);
    let active = admin.patch(&at(&feed), json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!(active["status"], "ACTIVE");
    after(&world, &admin, &feed, 3).await;
}

#[tokio::test]
async fn headers_are_not_sent_to_another_address() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.give(file(&rows(&world, 1)).as_bytes(), "\"v1\"");
    let secret = json!([{"name": "X-Key", "value": "secret"}]);
    let feed = made(&admin, with(flights(), json!({"url": "http://127.0.0.1:1/", "headers": secret}))).await;
    after(&world, &admin, &feed, 1).await;
    let moved = admin.patch(&at(&feed), json!({"url": files.url()})).await.expect(200);
    assert_eq!(moved["header_names"], json!([]));
    after(&world, &admin, &feed, 2).await;
    assert!(files.heads().iter().all(|head| !head.contains("secret")));
    let given = admin.patch(&at(&feed), json!({"headers": secret})).await.expect(200);
    assert_eq!(given["header_names"], json!(["x-key"]));
    // Each change lets it read its file again.
    after(&world, &admin, &feed, 3).await;
    assert!(files.heads().last().unwrap().contains("x-key: secret\r\n"));
    let cleared = admin.patch(&at(&feed), json!({"headers": null})).await.expect(200);
    assert_eq!(cleared["header_names"], json!([]));
}

#[tokio::test]
async fn what_is_no_file_of_the_feed_fails_with_what_to_do_and_changes_nothing() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    let good = file(&rows(&world, 2));
    files.give(good.as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "every_minutes": 10_080}))).await;
    after(&world, &admin, &feed, 1).await;
    let before = schedule(&admin).await;
    let packed = encode(good.clone().into(), Coding::Gzip, Level::Default).await;
    let foreign = file(&[row(&world, "BA101", 10, 10, "77X")]);
    let lacking = good.replace("aircraft_code", "aeroplane");
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for (answer, because_of) in [
        (ok("<!doctype html><p>Please log in"), "The file is a page of HTML"),
        (ok(""), "The file is empty"),
        (ok(&foreign), "The file has 1 faults"),
        (ok(&lacking), "The file has "),
        (
            "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "The server redirects elsewhere (status 302)",
        ),
        ("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n".to_owned(), "The server refuses the file with status 403"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nhalf".to_owned(), "The file broke off before its end"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 314572800\r\n\r\n".to_owned(), "The file is larger than 256 MiB"),
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), "What the server answers is not HTTP"),
        (ok("1AIRLINE STANDARD SCHEDULE DATA SET"), "The file is SSIM, and the feed expects CSV"),
    ] {
        files.say(&answer);
        let failed = run_now(&admin, &feed).await;
        assert_eq!(failed["status"], "FAILED", "{failed}");
        assert!(because(&failed).starts_with(because_of), "{failed}");
    }
    files.give(&packed[..packed.len() - 4], "\"v2\"");
    let cut = run_now(&admin, &feed).await;
    assert!(because(&cut).starts_with("The file cannot be used: its gzip is damaged"), "{cut}");
    files.give(&packed, "\"v3\"");
    assert_eq!(run_now(&admin, &feed).await["status"], "UNCHANGED", "the whole one is read");
    assert_eq!(schedule(&admin).await, before);
    files.say(&ok(&foreign));
    let failed = run_now(&admin, &feed).await;
    let faults = admin.get(&format!("{}/faults", super::at_run(&failed))).await.expect(200);
    let fault = json!([{"row": 1, "column": "flight_number", "code": "not_allowed", "message": faults[0]["message"]}]);
    assert_eq!((&faults, &failed["faults"]), (&fault, &json!(1)));
    files.say(&ok(&"a,".repeat(2000)));
    let failed = run_now(&admin, &feed).await;
    let faults = admin.get(&format!("{}/faults", super::at_run(&failed))).await.expect(200);
    assert!(each(&faults, "column").iter().any(|column| column.is_null()), "{faults}");
    world.audit().await;
}

#[tokio::test]
async fn a_name_that_turns_private_is_not_called() {
    let network = TestNetwork::default();
    let world = World::with(feeding().over(&network)).await;
    let (admin, files) = (world.admin().await, Files::start().await);
    files.give(file(&rows(&world, 1)).as_bytes(), "\"v1\"");
    network.name_that_changes("files.example", &[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.1", "169.254.169.254"]]);
    let url = format!("http://files.example:{}/", files.address.port());
    let feed = made(&admin, with(flights(), json!({"url": url}))).await;
    assert_eq!(after(&world, &admin, &feed, 1).await[0]["status"], "APPLIED");
    for _ in 0..2 {
        let failed = run_now(&admin, &feed).await;
        assert!(
            because(&failed).starts_with("The server cannot be reached, or its address is not allowed"),
            "{failed}"
        );
    }
    assert_eq!((network.dialled().len(), files.heads().len()), (1, 1));
}

#[tokio::test]
async fn the_same_file_does_not_wait_twice_by_schedule() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    let body = file(&rows(&world, 2));
    files.give(body.as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "apply": "REVIEW", "every_minutes": 15}))).await;
    let first = after(&world, &admin, &feed, 1).await;
    assert_eq!(first[0]["status"], "REVIEW");
    // Another tag, and the same file.
    files.give(body.as_bytes(), "\"v2\"");
    world.clock.advance(TimeDelta::minutes(16));
    let second = after(&world, &admin, &feed, 2).await;
    assert_eq!(each(&second, "status"), ["UNCHANGED", "REVIEW"]);
    let of_first = format!("The file is that of the run {}", text(&first[0], "id"));
    assert!(because(&second[0]).starts_with(&of_first), "{second}");
    assert_eq!(world.texts("select event_type from outbox where aggregate = 'feed'").await, ["REVIEW"]);
    assert_eq!(
        admin.get(&format!("{FEEDS}?kind=FLIGHTS&status=ACTIVE")).await.expect(200).as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_file_that_gave_way_to_a_later_one_waits_again_when_it_comes_again() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    let at_hour = |hour| file(&[row(&world, "AI101", 10, hour, "77X")]);
    let (now, later) = (at_hour(10), at_hour(11));
    files.give(now.as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "every_minutes": 15}))).await;
    after(&world, &admin, &feed, 1).await;
    admin.patch(&at(&feed), json!({"apply": "REVIEW"})).await.expect(200);
    after(&world, &admin, &feed, 2).await;
    for (runs, body, tag) in [(3, &later, "\"v2\""), (4, &now, "\"v3\""), (5, &later, "\"v4\"")] {
        files.give(body.as_bytes(), tag);
        world.clock.advance(TimeDelta::minutes(16));
        after(&world, &admin, &feed, runs).await;
    }
    let runs = after(&world, &admin, &feed, 5).await;
    assert_eq!(each(&runs, "status"), ["REVIEW", "UNCHANGED", "REJECTED", "UNCHANGED", "APPLIED"]);
    // A person's word stands.
    admin.poke(&format!("{}/reject", super::at_run(&runs[0]))).await.expect(200);
    files.give(later.as_bytes(), "\"v5\"");
    world.clock.advance(TimeDelta::minutes(16));
    assert_eq!(after(&world, &admin, &feed, 6).await[0]["status"], "UNCHANGED");
}

#[tokio::test]
async fn a_file_of_a_former_address_says_nothing_of_that_of_today() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.give(file(&rows(&world, 2)).as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "apply": "REVIEW"}))).await;
    let waiting = after(&world, &admin, &feed, 1).await[0].clone();
    assert_eq!(waiting["status"], "REVIEW");
    let moved = json!({"url": format!("{}&y=2", files.url()), "status": "PAUSED"});
    admin.patch(&at(&feed), moved).await.expect(200);
    admin.poke(&format!("{}/apply", super::at_run(&waiting))).await.expect(202);
    assert_eq!(summary(&super::ended(&admin, &waiting).await), "APPLIED 2 0 0 0 0 0 0");
    admin.patch(&at(&feed), json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!(summary(&after(&world, &admin, &feed, 2).await[0]), "UNCHANGED 0 0 2 0 0 0 0");
    let heads = files.heads();
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert!(!heads[1].contains("if-none-match"), "it is another file: {heads:?}");
}

#[tokio::test]
async fn an_address_that_changes_during_a_run_is_read_soon() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    let body = file(&rows(&world, 2));
    // The last byte is to come.
    let (begin, end) = body.split_at(body.len() - 1);
    files.say(&format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n{begin}", body.len()));
    files.wait();
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "every_minutes": 10_080}))).await;
    until("the file is fetched", async || files.heads().len() == 1).await;
    let moved = json!({"url": format!("{}&y=2", files.url())});
    admin.patch(&at(&feed), moved).await.expect(200);
    files.give(body.as_bytes(), "\"v1\"");
    files.go_on(end);
    let runs = after(&world, &admin, &feed, 2).await;
    assert_eq!(each(&runs, "status"), ["UNCHANGED", "APPLIED"]);
    assert!(files.heads()[1].starts_with("GET /season?x=1&y=2 "), "{:?}", files.heads());
    assert!(!files.heads()[1].contains("if-none-match"), "{:?}", files.heads());
}
