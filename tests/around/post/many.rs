use std::collections::BTreeSet;

use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, OwnRedis, Process, SmtpFault, SmtpServer, SmtpStep, World,
    freight::{order, with},
    is_long,
    notifications::{PREFERENCES, Person, cancel_flight, heard, put},
    rounds, until,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PUBLIC, flood, flood_to, lapse, mailing, rows, settled, taken};

#[tokio::test]
async fn two_processes_keep_the_rate_together_and_send_none_twice() {
    let relay = SmtpServer::start().await;
    let count = rounds(60, 1_000);
    let one = mailing(&relay).start().await;
    let other = mailing(&relay).on(&one.database).start().await;
    flood(&one, count).await;
    // The clocks stand still: what may go at once goes, and the rest waits.
    until("the first letters have gone", async || !relay.taken().is_empty()).await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    let at_once = relay.taken().len();
    assert!((1..=10).contains(&at_once), "{at_once} at once, at 600 a minute");
    let mut minutes = 0.0;
    while relay.taken().len() < count {
        let before = relay.taken().len();
        for world in [&one, &other] {
            world.clock.advance(TimeDelta::seconds(1));
        }
        minutes += 1.0 / 60.0;
        until("the letters of a second have gone", async || relay.taken().len() >= (before + 9).min(count)).await;
        assert!(relay.taken().len() as f64 <= 600.0f64.mul_add(minutes, 12.0), "in {minutes} minutes");
    }
    let mails = relay.taken();
    let receivers: BTreeSet<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!((receivers.len(), mails.len()), (count, count));
    until("all are recorded", async || rows(&one).await.iter().all(|row| row.status == "SENT")).await;
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn the_twenty_first_letter_of_an_hour_waits_and_goes_with_the_rest_as_one() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("mail.per_minute", "60000").start().await;
    flood_to(&world, 26, 1).await;
    let waiting = async || rows(&world).await.iter().filter(|row| row.status == "WAITING" && !row.is_claimed).count();
    until("twenty have gone", async || relay.taken().len() == 20 && waiting().await == 6).await;
    // One more, later, joins what waits.
    world.clock.advance(TimeDelta::minutes(30));
    let mut owner = world.owner().await;
    let more =
        "insert into notifications (id, message_id, receiver, user_id, channel, type, subject_id, due_at, next_at,
                                           expires_at, created_at)
                select gen_random_uuid(), 'more', receiver, user_id, channel, type, subject_id, $1, $1, expires_at, $1
                from notifications order by id limit 1";
    sqlx::query(more).bind(world.now()).execute(&mut owner).await.unwrap();
    world.give_back(owner);
    until("all that waits, waits for the same moment", async || {
        let rows = rows(&world).await;
        let due: BTreeSet<_> = rows.iter().filter(|row| row.status == "WAITING").map(|row| row.next_at).collect();
        rows.len() == 27 && due.len() == 1 && *due.first().unwrap() > world.now()
    })
    .await;
    assert_eq!(relay.taken().len(), 20);
    world.clock.advance(TimeDelta::minutes(31));
    until("all have gone", async || rows(&world).await.iter().all(|row| row.status == "SENT")).await;
    assert_eq!(relay.taken().len(), 21);
}

/// Starts processes: takes some seconds.
#[tokio::test]
async fn a_process_that_dies_between_sending_and_recording_repeats_the_same_letter() {
    let relay = SmtpServer::start().await;
    let world = World::start().await;
    let redis = OwnRedis::start().await;
    flood(&world, 1).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let seconds = (world.now() - chrono::Utc::now()).num_seconds();
    std::fs::write(file.path(), seconds.to_string()).unwrap();
    let start = async |crash: Option<&str>| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_loadmaster"));
        command.env_clear().envs(world.database.environment()).env("REDIS_URL", redis.url());
        command.env("LOADMASTER_TEST_TIMING", "brief").env("LOADMASTER_TEST_TIME", file.path());
        if let Some(step) = crash {
            command.env("LOADMASTER_CRASH_AT", step);
        }
        let url = format!("mail.url={}", relay.url());
        let public = format!("server.public_url={PUBLIC}");
        Process::try_of(command, &["mail.transport=smtp", &url, "mail.from=cargo@example.com", &public]).await
    };
    let mut crashed = start(Some("letter sent:1")).await.expect("it becomes ready");
    crashed.child.wait().await.unwrap();
    assert_eq!(relay.taken().len(), 1);
    assert_eq!(rows(&world).await[0].status, "WAITING");
    assert!(rows(&world).await[0].is_claimed);

    let _next = start(None).await.expect("it becomes ready");
    lapse(&world).await;
    let mails = taken(&relay, 2).await;
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    until("it is recorded", async || rows(&world).await[0].status == "SENT").await;
    assert_eq!(relay.taken().len(), 2);
}

#[tokio::test]
async fn what_is_due_again_goes_as_the_letter_that_it_was() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    relay.fail(SmtpStep::Data, SmtpFault::Says("451 4.3.0 not now"));
    flood(&world, 1).await;
    settled(&world, "WAITING", 1).await;
    let mut owner = world.owner().await;
    let first: Uuid = sqlx::query_scalar("select letter_id from notifications").fetch_one(&mut owner).await.unwrap();
    relay.heal();
    world.clock.advance(TimeDelta::minutes(1));
    let mail = taken(&relay, 1).await.remove(0);
    assert_eq!(mail.header("Message-ID"), format!("<{first}@example.com>"));
}

#[tokio::test]
async fn old_notifications_are_deleted_and_exports_and_erasures_know_them() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    flood(&world, 2).await;
    taken(&relay, 2).await;
    until("all are recorded", async || rows(&world).await.iter().all(|row| row.status == "SENT")).await;
    let mut owner = world.owner().await;
    let user: Uuid = sqlx::query_scalar("select user_id from notifications order by id limit 1")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let privacy: loadmaster_privacy::PrivacyService = world.state().service().unwrap();
    let export: Value = privacy.export(user.into()).await.unwrap();
    assert_eq!(export["notifications"][0]["type"], "reset_password");
    privacy.erase(user.into()).await.unwrap();
    assert_eq!(rows(&world).await.len(), 1);
    let tokens: i64 = sqlx::query_scalar("select count(*) from one_time_tokens where user_id = $1")
        .bind(user)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(tokens, 0);
    world.clock.advance(TimeDelta::days(91));
    loadmaster_testkit::jobs::run_again(&world, "old_notifications").await;
    assert!(rows(&world).await.is_empty());
}

/// Two thousand bookings of a thousand and one shippers: takes minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_bookings_of_one_shipper_are_one_mail_and_of_a_thousand_shippers_a_thousand_at_the_rate() {
    if !is_long() {
        return;
    }
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1_000_000.0).positions(9_000)).await;
    let small = with(order(&[&flight]), json!({"volume_m3": 0.01}));
    let quiet = async || {
        let person = Person::new(&world).await;
        let preferences = json!({"types": {"booking_confirmed": {"email": false}}});
        put(&person.client, PREFERENCES, preferences).await.expect(200);
        person
    };
    let many = quiet().await;
    for _ in 0..1_000 {
        many.client.book(small.clone()).await;
    }
    for _ in 0..1_000 {
        quiet().await.client.book(small.clone()).await;
    }
    heard(&world).await;
    cancel_flight(&world, &flight).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    let mut seconds = 0.0;
    let is_done = async || rows(&world).await.iter().all(|row| row.status == "SENT");
    while !is_done().await {
        let before = relay.taken().len();
        world.clock.advance(TimeDelta::seconds(1));
        seconds += 1.0;
        until("the letters of a second have gone", async || relay.taken().len() >= before + 9 || is_done().await).await;
        let most = 10.0f64.mul_add(seconds, 12.0);
        assert!(relay.taken().len() as f64 <= most, "{} in {seconds} seconds", relay.taken().len());
    }
    assert!(seconds < 120.0, "a minute of waiting, and 1 001 letters at 600 a minute");
    let mails = relay.taken();
    let receivers: BTreeSet<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!((receivers.len(), mails.len()), (1_001, 1_001));
    let long: Vec<_> = mails.iter().filter(|mail| mail.header("Subject").contains("1000 shipments")).collect();
    assert_eq!(long.len(), 1);
    world.shutdown().await;
}
