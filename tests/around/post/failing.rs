use chrono::TimeDelta;
use loadmaster_platform::clock::Clock;
use loadmaster_testkit::{SmtpFault, SmtpServer, SmtpStep, World, until};

use super::{flood, mailing, register, rows, settled, settled_at, taken};

/// A server with one letter that is due, and a relay that misbehaves at a step.
async fn trying(relay: &SmtpServer, step: SmtpStep, fault: SmtpFault) -> World {
    let world = mailing(relay).set("mail.url", &relay.url().replace("://", "://ann:secret@")).start().await;
    relay.fail(step, fault);
    register(&world, "ann@example.org").await;
    world
}

/// One server, and a new connection for each fault: takes some seconds, for it looks for letters four times a second.
#[tokio::test]
async fn a_relay_that_fails_at_any_step_gets_the_letter_later_once() {
    use SmtpStep as S;
    let steps = [S::Greeting, S::Hello, S::Auth, S::Mail, S::Rcpt, S::Data, S::Content];
    let faults = [SmtpFault::Says("451 4.3.0 not now"), SmtpFault::Closes];
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("mail.url", &relay.url().replace("://", "://ann:secret@")).start().await;
    for (number, (step, fault)) in steps.into_iter().flat_map(|step| faults.map(|fault| (step, fault))).enumerate() {
        // Whoever greets and logs in again meets the faults of these steps too.
        relay.hang_up();
        relay.fail(step, fault);
        let before = relay.taken().len();
        register(&world, &format!("ann{number}@example.org")).await;
        let row = settled_at(&world, number, "WAITING", 1).await;
        assert_eq!(row.next_at, world.now() + TimeDelta::minutes(1), "{step:?} {fault:?}");
        // What was taken before the connection broke is the letter, and its repetition has the same name.
        let lost_answer = step == S::Content && fault == SmtpFault::Closes;
        assert_eq!(relay.taken().len() - before, usize::from(lost_answer), "{step:?} {fault:?}");
        relay.heal();
        world.clock.set(row.next_at);
        settled_at(&world, number, "SENT", 2).await;
        let mails = relay.taken().split_off(before);
        assert_eq!(mails.len(), 1 + usize::from(lost_answer), "{step:?} {fault:?}");
        assert!(mails.iter().all(|mail| mail.header("Message-ID") == mails[0].header("Message-ID")));
    }
}

/// Takes some seconds: each silence lasts as long as the bound of a step.
#[tokio::test]
async fn a_relay_that_hangs_at_any_step_gets_the_letter_later() {
    use SmtpStep as S;
    let steps = [S::Greeting, S::Hello, S::Auth, S::Mail, S::Rcpt, S::Data, S::Content];
    let relay = SmtpServer::start().await;
    let options = mailing(&relay).set("mail.url", &relay.url().replace("://", "://ann:secret@"));
    let world = options.set("mail.per_minute", "60000").start().await;
    // Each of the first connections hangs at another step.
    for (number, step) in (1..).zip(steps) {
        relay.fail_on(number, step, SmtpFault::Hangs);
    }
    flood(&world, steps.len()).await;
    let (mut hung_at, mut next_at) = (Vec::new(), world.now());
    for number in 0..steps.len() {
        let row = settled_at(&world, number, "WAITING", 1).await;
        let reason = row.reason.unwrap();
        assert!(reason.starts_with("no answer"), "{reason}");
        hung_at.push(reason.rsplit_once(" at ").unwrap().1.to_owned());
        next_at = next_at.max(row.next_at);
    }
    hung_at.sort();
    assert_eq!(hung_at, ["AUTH", "DATA", "MAIL", "RCPT", "connecting", "connecting", "the content"]);
    world.clock.set(next_at);
    for number in 0..steps.len() {
        settled_at(&world, number, "SENT", 2).await;
    }
}

#[tokio::test]
async fn a_letter_that_a_relay_refuses_for_good_is_not_sent_again() {
    for (step, says) in [(SmtpStep::Mail, "550 5.1.8 no such sender"), (SmtpStep::Content, "554 5.6.0 no such content")]
    {
        let relay = SmtpServer::start().await;
        let world = trying(&relay, step, SmtpFault::Says(says)).await;
        let row = settled(&world, "FAILED", 1).await;
        let code = &says[..9];
        assert!(row.reason.as_deref().is_some_and(|reason| reason.contains(code)), "{:?}", row.reason);
        assert_eq!(suppressions(&world).await, 0);
    }
}

#[tokio::test]
async fn an_address_that_the_relay_refuses_is_not_written_to_again() {
    let relay = SmtpServer::start().await;
    let world = trying(&relay, SmtpStep::Rcpt, SmtpFault::Says("550 5.1.1 <ann@example.org> unknown")).await;
    let row = settled(&world, "FAILED", 1).await;
    assert_eq!(row.reason.as_deref(), Some("SMTP 550 5.1.1 at RCPT"), "without the address");
    assert_eq!(suppressions(&world).await, 1);
    relay.heal();
    world
        .anonymous()
        .post("/api/v1/auth/password/forgot", serde_json::json!({"email": "ann@example.org"}))
        .await
        .expect(202);
    until("the second letter is suppressed", async || {
        rows(&world).await.get(1).is_some_and(|row| row.status == "SUPPRESSED")
    })
    .await;
    assert_eq!(rows(&world).await[1].reason.as_deref(), Some("address_suppressed"));
    assert!(relay.taken().is_empty());
}

#[tokio::test]
async fn a_refused_address_does_not_stop_the_channel() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("mail.per_minute", "60000").start().await;
    let refusals = [
        (SmtpStep::Rcpt, "501 5.1.3 bad recipient address syntax"),
        (SmtpStep::Content, "550 5.1.1 no such user"),
        (SmtpStep::Content, "552 5.2.2 mailbox full"),
    ];
    for (number, (step, says)) in refusals.into_iter().enumerate() {
        relay.fail(step, SmtpFault::Says(says));
        register(&world, &format!("ann{number}@example.org")).await;
        let row = settled_at(&world, 2 * number, "FAILED", 1).await;
        assert!(row.reason.is_some_and(|reason| reason.contains(&says[..9])), "{says}");
        assert_eq!(suppressions(&world).await, i64::try_from(number + 1).unwrap(), "{says}");
        relay.heal();
        let ben = format!("ben{number}@example.org");
        register(&world, &ben).await;
        assert_eq!(taken(&relay, number + 1).await[number].to, [ben]);
    }
}

async fn suppressions(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from suppressions").fetch_one(&mut world.database.owner().await).await.unwrap()
}

#[tokio::test]
async fn a_relay_that_refuses_us_says_nothing_about_the_address() {
    for says in ["530 5.7.0 log in first", "550 5.7.1 relaying denied"] {
        let relay = SmtpServer::start().await;
        let world = trying(&relay, SmtpStep::Rcpt, SmtpFault::Says(says)).await;
        until("the attempt is recorded", async || rows(&world).await.iter().any(|row| row.reason.is_some())).await;
        assert_eq!(suppressions(&world).await, 0, "{says}");
    }
}

#[tokio::test]
async fn attempts_go_on_until_the_last_moment_and_no_longer() {
    let relay = SmtpServer::start().await;
    let world = trying(&relay, SmtpStep::Data, SmtpFault::Says("451 4.3.0 not now")).await;
    let began = world.now();
    let mut pauses = Vec::new();
    for attempts in 1..=5 {
        let row = settled(&world, "WAITING", attempts).await;
        pauses.push((row.next_at - world.now()).num_minutes());
        world.clock.set(row.next_at);
    }
    assert_eq!(pauses, [1, 5, 15, 60, 60]);
    world.clock.set(began + TimeDelta::hours(24));
    until("it is given up", async || rows(&world).await[0].status == "SUPPRESSED").await;
    assert_eq!(rows(&world).await[0].reason.as_deref(), Some("expired"));
}

#[tokio::test]
async fn a_relay_that_is_away_an_hour_delays_no_request_and_gets_each_letter_once() {
    let mut relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    relay.close().await;
    let emails = flood(&world, 12).await;
    until("an attempt has failed", async || rows(&world).await.iter().any(|row| row.attempts > 0)).await;
    register(&world, "ann@example.org").await;
    relay.open().await;
    for _ in 0..70 {
        world.clock.advance(TimeDelta::minutes(1));
        let done = rows(&world).await.iter().all(|row| row.status == "SENT");
        if done {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let mails = taken(&relay, emails.len() + 1).await;
    let mut receivers: Vec<&String> = mails.iter().map(|mail| &mail.to[0]).collect();
    receivers.sort();
    receivers.dedup();
    assert_eq!((receivers.len(), mails.len()), (13, 13));
}

#[tokio::test]
async fn a_login_is_sent_as_the_address_of_the_relay_says() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("mail.url", &relay.url().replace("://", "://ann:p%40ss%3A@")).start().await;
    register(&world, "ann@example.org").await;
    taken(&relay, 1).await;
    // NUL ann NUL p@ss: in base64.
    assert_eq!(relay.logins(), ["PLAIN AGFubgBwQHNzOg=="]);
}

#[tokio::test]
async fn a_connection_is_used_for_several_letters() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("mail.per_minute", "60000").start().await;
    flood(&world, 60).await;
    taken(&relay, 60).await;
    assert!(relay.connections() <= 16, "{} connections", relay.connections());
    assert_eq!(world.clock.now(), world.now());
}
