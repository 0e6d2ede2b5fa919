//! What waits for a person.
use loadmaster_testkit::{
    World,
    freight::{each, order, path_of, text, with},
};
use serde_json::json;

use super::{
    at, at_run, because, ended, feeding, flight_of, flights, made, next_of, row, rows, run, runs_of, schedule, summary,
};

#[tokio::test]
async fn a_reviewed_run_is_rejected_or_applied_by_a_person() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"cancels_absent": true}))).await;
    let all = rows(&world, 20);
    run(&admin, &feed, &all).await;
    let half = run(&admin, &feed, &all[..10]).await;
    assert_eq!(summary(&half), "REVIEW 0 0 10 0 10 0 0");
    assert!(
        because(&half).starts_with("10 of the 20 flights of the feed within the file's dates are absent"),
        "{half}"
    );
    assert_eq!(schedule(&admin).await.len(), 20);
    let message = "select payload->'data'->>'run_id' from outbox where aggregate = 'feed' and event_type = 'REVIEW'";
    assert_eq!(world.texts(message).await, [text(&half, "id")]);
    let waiting = admin.get(&at(&feed)).await;
    let tag = waiting.header("etag").unwrap().to_owned();
    assert_eq!(waiting.expect(200)["waiting_run_id"], half["id"]);
    assert_eq!(each(&admin.get("/api/v1/feeds").await.expect(200), "waiting_run_id"), [&half["id"]]);
    let rejected = admin.poke(&format!("{}/reject", at_run(&half))).await.expect(200);
    assert_eq!(rejected["status"], "REJECTED");
    let decided = admin.get(&at(&feed)).await;
    assert_ne!(decided.header("etag"), Some(&*tag), "it shows something else now");
    assert_eq!(decided.expect(200)["waiting_run_id"], json!(null));
    for action in ["apply", "reject"] {
        let problem =
            admin.poke(&format!("{}/{action}", at_run(&half))).await.expect_problem(409, "invalid_transition");
        assert_eq!(problem["from"], "REJECTED");
    }
    let again = run(&admin, &feed, &all[..10]).await;
    assert_eq!(again["status"], "REVIEW", "by hand the same file waits again");
    let started = admin.poke(&format!("{}/apply", at_run(&again))).await.expect(202);
    assert_eq!(started["status"], "RUNNING");
    assert_eq!(summary(&ended(&admin, &again).await), "APPLIED 0 0 10 0 10 0 10");
    assert_eq!(admin.get("/api/v1/flights?status=SCHEDULED&limit=100").await.expect(200).as_array().unwrap().len(), 10);
    let files = "select run_id::text from feed_files";
    assert_eq!(world.texts(files).await, [""; 0], "no file is kept that nobody waits for");
    let acts = world.texts("select act from admin_acts where act like 'feed.%' order by id").await;
    let expected = [
        "feed.created",
        "feed.run_started",
        "feed.run_started",
        "feed.run_rejected",
        "feed.run_started",
        "feed.run_applied",
    ];
    assert_eq!(acts, expected);
    world.audit().await;
}

#[tokio::test]
async fn a_later_file_rejects_the_one_that_waits() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 10)).await;
    let half = run(&admin, &feed, &rows(&world, 5)).await;
    assert_eq!(half["status"], "REVIEW");
    assert_eq!(run(&admin, &feed, &rows(&world, 10)).await["status"], "UNCHANGED");
    let before = admin.get(&at_run(&half)).await.expect(200);
    assert_eq!((&before["status"], because(&before)), (&json!("REJECTED"), "A later file has come."));
}

#[tokio::test]
async fn a_feed_that_applies_nothing_by_itself_shows_everything_first() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let shown = run(&admin, &feed, &rows(&world, 3)).await;
    assert_eq!(summary(&shown), "REVIEW 3 0 0 0 0 0 0");
    assert_eq!(schedule(&admin).await.len(), 0);
    admin.poke(&format!("{}/apply", at_run(&shown))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &shown).await), "APPLIED 3 0 0 0 0 0 0");
    assert_eq!(schedule(&admin).await.len(), 3);
    assert_eq!(run(&admin, &feed, &rows(&world, 3)).await["status"], "UNCHANGED");
}

#[tokio::test]
async fn runs_and_their_differences_have_pages() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let (first, last) = (run(&admin, &feed, &rows(&world, 2)).await, run(&admin, &feed, &rows(&world, 3)).await);
    let page = admin.get(&format!("{}?limit=1&count=true", runs_of(&feed))).await;
    assert_eq!(page.header("total-count"), Some("2"));
    assert_eq!(each(&admin.get(&next_of(&page)).await.expect(200), "id"), [&first["id"]]);
    assert_eq!(each(&page.expect(200), "id"), [&last["id"]]);
    let waiting = admin.get(&format!("{}?status=REVIEW", runs_of(&feed))).await.expect(200);
    assert_eq!(each(&waiting, "id"), [&last["id"]]);
    let page = admin.get(&format!("{}/differences?limit=2", at_run(&last))).await;
    let further = admin.get(&next_of(&page)).await;
    assert_eq!(further.header("link"), None);
    assert_eq!(each(&further.expect(200), "flight_number"), ["AI103"]);
    assert_eq!(each(&page.expect(200), "flight_number"), ["AI101", "AI102"]);
}

#[tokio::test]
async fn differences_are_searched_by_effect_number_and_airport() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let first = run(&admin, &feed, &rows(&world, 2)).await;
    admin.poke(&format!("{}/apply", at_run(&first))).await.expect(202);
    ended(&admin, &first).await;
    let moved = [row(&world, "AI101", 10, 12, "77X"), row(&world, "AI103", 10, 10, "77X")];
    let path = format!("{}/differences", at_run(&run(&admin, &feed, &moved).await));
    let numbers = async |query: &str| {
        let found = admin.get(&format!("{path}?{query}")).await.expect(200);
        each(&found, "flight_number").into_iter().map(|number| number.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("").await, ["AI102", "AI101", "AI103"]);
    assert_eq!(numbers("effect=ABSENT").await, ["AI102"]);
    assert_eq!(numbers("effect=CHANGED").await, ["AI101"]);
    assert_eq!(numbers("q=ai10").await, ["AI102", "AI101", "AI103"]);
    assert_eq!(numbers("q=103").await, ["AI103"]);
    assert_eq!(numbers("q=lhr").await, ["AI101", "AI103"], "an absent flight has no destination");
    assert_eq!(numbers("q=del&effect=NEW").await, ["AI103"]);
    assert_eq!(numbers("q=d").await, [""; 0], "an airport is named by its whole code");
    assert_eq!(numbers("q=%25").await, [""; 0]);
    let page = admin.get(&format!("{path}?q=lhr&limit=1")).await;
    let further = admin.get(&next_of(&page)).await;
    assert_eq!(further.header("link"), None);
    assert_eq!(each(&further.expect(200), "flight_number"), ["AI103"]);
    let faults = admin.get(&format!("{path}?effect=LOST&q={}", "x".repeat(21))).await.expect_faults();
    assert_eq!(
        faults,
        [("effect", "unknown_value"), ("q", "too_long")].map(|(at, code)| (at.to_owned(), code.to_owned()))
    );
}

#[tokio::test]
async fn what_has_changed_since_it_was_shown_is_shown_again() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let shown = run(&admin, &feed, &rows(&world, 3)).await;
    let first = super::file(&rows(&world, 1));
    admin.post_raw("/api/v1/flights/import", "text/csv", first).await.expect(200);
    admin.poke(&format!("{}/apply", at_run(&shown))).await.expect(202);
    let again = ended(&admin, &shown).await;
    assert_eq!(summary(&again), "REVIEW 2 0 1 0 0 0 0");
    assert!(because(&again).starts_with("What the file does has changed since it was shown"), "{again}");
    assert_eq!(schedule(&admin).await.len(), 1);
    admin.poke(&format!("{}/apply", at_run(&shown))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &shown).await), "APPLIED 2 0 1 0 0 0 0");
    assert_eq!(schedule(&admin).await.len(), 3);
}

#[tokio::test]
async fn what_was_shown_is_applied_though_other_flights_leave_meanwhile() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let (leaves, stays) = (row(&world, "AI100", 1, 1, "77X"), row(&world, "AI101", 10, 10, "77X"));
    let later = row(&world, "AI101", 10, 11, "77X");
    let first = run(&admin, &feed, &[leaves.clone(), stays]).await;
    admin.poke(&format!("{}/apply", at_run(&first))).await.expect(202);
    assert_eq!(ended(&admin, &first).await["status"], "APPLIED");
    let shown = run(&admin, &feed, &[leaves, later]).await;
    assert_eq!(summary(&shown), "REVIEW 0 1 1 0 0 0 0");
    world.clock.advance(chrono::TimeDelta::days(2));
    admin.poke(&format!("{}/apply", at_run(&shown))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &shown).await), "APPLIED 0 1 1 0 0 0 0");
    world.audit().await;
}

#[tokio::test]
async fn a_flight_with_freight_is_moved_far_only_by_a_person() {
    let world = World::with(feeding().set("feeds.far_minutes", "60")).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let feed = made(&admin, flights()).await;
    let at_hour = |hour| [row(&world, "AI101", 10, hour, "77X"), row(&world, "AI102", 10, hour, "77X")];
    run(&admin, &feed, &at_hour(8)).await;
    customer.book(order(&[&flight_of(&admin, "AI101").await])).await;
    assert_eq!(run(&admin, &feed, &at_hour(9)).await["status"], "APPLIED", "an hour is not far");
    let far = run(&admin, &feed, &at_hour(11)).await;
    assert_eq!(summary(&far), "REVIEW 0 2 0 0 0 0 0");
    assert!(because(&far).starts_with("1 flights with bookings or holds move by more than 60 minutes"), "{far}");
    let departure = flight_of(&admin, "AI101").await["departure_datetime"].clone();
    assert!(departure.as_str().unwrap().contains("T09:00"), "{departure}");
    admin.poke(&format!("{}/apply", at_run(&far))).await.expect(202);
    assert_eq!(ended(&admin, &far).await["status"], "APPLIED");
    assert!(text(&flight_of(&admin, "AI101").await, "departure_datetime").contains("T11:00"));
    world.audit().await;
}

#[tokio::test]
async fn a_person_approves_far_moves_of_those_flights_that_were_shown() {
    let world = World::with(feeding().set("feeds.far_minutes", "60")).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let feed = made(&admin, flights()).await;
    let at_hour = |hour| [row(&world, "AI101", 10, hour, "77X"), row(&world, "AI102", 10, hour, "77X")];
    run(&admin, &feed, &at_hour(8)).await;
    let booking = customer.book(order(&[&flight_of(&admin, "AI101").await])).await;
    let far = run(&admin, &feed, &at_hour(11)).await;
    assert!(because(&far).starts_with("1 flights with bookings or holds move by more than 60 minutes"), "{far}");
    customer.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
    customer.book(order(&[&flight_of(&admin, "AI102").await])).await;
    admin.poke(&format!("{}/apply", at_run(&far))).await.expect(202);
    let again = ended(&admin, &far).await;
    assert_eq!(again["status"], "REVIEW", "it is another flight");
    assert!(because(&again).starts_with("What the file does has changed since it was shown"), "{again}");
    admin.poke(&format!("{}/apply", at_run(&far))).await.expect(202);
    assert_eq!(ended(&admin, &far).await["status"], "APPLIED");
    world.audit().await;
}

#[tokio::test]
async fn a_flight_is_never_made_smaller_than_its_freight_and_the_others_may_follow() {
    let world = World::with(feeding()).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 2)).await;
    let heavy = with(order(&[&flight_of(&admin, "AI101").await]), json!({"weight_kg": 50_000, "volume_m3": 100}));
    customer.book(heavy).await;
    let small: Vec<String> = ["AI101", "AI102"].iter().map(|number| row(&world, number, 10, 10, "320")).collect();
    let refused = run(&admin, &feed, &small).await;
    assert_eq!(summary(&refused), "REVIEW 0 1 0 0 0 1 0");
    assert!(because(&refused).starts_with("1 flights may not become what the file says"), "{refused}");
    let differences = admin.get(&format!("{}/differences", at_run(&refused))).await.expect(200);
    assert_eq!(each(&differences, "effect"), ["REFUSED", "CHANGED"]);
    assert_eq!(differences[0]["refused_because"].as_array().unwrap().len(), 1);
    admin.poke(&format!("{}/apply", at_run(&refused))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &refused).await), "APPLIED 0 1 0 0 0 1 0");
    let aircraft =
        [flight_of(&admin, "AI101").await, flight_of(&admin, "AI102").await].map(|it| it["aircraft_code"].clone());
    assert_eq!(aircraft, [json!("77X"), json!("320")]);
    world.audit().await;
}

#[tokio::test]
async fn the_setting_says_how_many_flights_a_file_may_lack() {
    let world = World::with(feeding().set("feeds.max_gone_percent", "50")).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 10)).await;
    assert_eq!(run(&admin, &feed, &rows(&world, 5)).await["status"], "UNCHANGED");
    assert_eq!(run(&admin, &feed, &rows(&world, 4)).await["status"], "REVIEW");
    let list = admin.get(&format!("{}?status=REVIEW&count=true", runs_of(&feed))).await;
    assert_eq!(list.header("total-count"), Some("1"));
    assert_eq!(admin.get(&at(&feed)).await.expect(200)["failures"], 0);
}
