//! A history of any length is answered by its newest events, and the older ones are reached by following `Link`.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{order, path_of, text},
    until,
};
use serde_json::{Value, json};
use sqlx::{Executor, Row};

/// A booking with this number of further events, written behind the API.
async fn booking_with(world: &World, client: &Client, events: u32) -> Value {
    let flight = world.flight(NewFlight::new(&format!("AI{}", 1 + events % 9000), "DEL", "LHR")).await;
    let booking = client.book(order(&[&flight])).await;
    let id = text(&booking, "id");
    let more = format!(
        "insert into booking_events (booking_id, sequence, id, event_type, status, location, pieces, weight_hg,
                                     data_version, data, occurred_at, created_at)
         select '{id}', 1 + n, gen_random_uuid(), 'AMENDED', 'BOOKED', 'DEL', 2, 1000, 1, '{{}}',
                '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z' from generate_series(1, {events}) n;
         insert into booking_event_notes
         select '{id}', 1 + n, 'Note ' || 1 + n from generate_series(1, {events}) n;
         update bookings set event_sequence = {events} + 1, version = {events} + 1 where id = '{id}'"
    );
    world.database.owner().await.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(more))).await.unwrap();
    booking
}

fn sequences(timeline: &Value) -> Vec<u64> {
    timeline.as_array().expect("a list").iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
}

fn older(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"prev\"").expect(link).to_owned())
}

fn cursor(answer: &Answer) -> String {
    older(answer).expect("a link").split("cursor=").nth(1).expect("a cursor").to_owned()
}

/// The sequences of all pages from `path` on, oldest first, and how long each page was, newest first.
async fn walk(client: &Client, path: &str) -> (Vec<u64>, Vec<usize>) {
    let (mut all, mut pages, mut next) = (Vec::new(), Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let answer = client.get(&path).await;
        next = older(&answer);
        let page = sequences(&answer.expect(200)["timeline"]);
        assert!(page.is_sorted(), "{page:?}");
        pages.push(page.len());
        all.splice(0..0, page);
    }
    (all, pages)
}

#[tokio::test]
async fn a_long_history_is_shown_newest_first_and_the_rest_follows_by_link() {
    let world = World::working().await;
    let customer = world.customer().await;
    let booking = booking_with(&world, &customer, 1000).await;
    let (path, tracking) = (path_of(&booking), format!("/api/v1/tracking/{}", text(&booking, "ref_id").to_lowercase()));
    let history = format!("{path}/history");
    let whole: Vec<u64> = (1..=1001).collect();

    for (client, path) in [(&customer, &history), (&world.anonymous(), &tracking)] {
        let newest = client.get(path).await;
        assert!(older(&newest).is_some(), "{path}");
        assert_eq!(sequences(&newest.expect(200)["timeline"]), whole[801..], "{path}");
        assert_eq!(walk(client, path).await, (whole.clone(), vec![200, 200, 200, 200, 200, 1]), "{path}");
        let (all, pages) = walk(client, &format!("{path}?limit=143")).await;
        assert_eq!((all, pages), (whole.clone(), vec![143; 7]), "{path}");
        for limit in ["201", "1000000"] {
            let capped = client.get(&format!("{path}?limit={limit}")).await.expect(200);
            assert_eq!(sequences(&capped["timeline"]).len(), 200, "{limit}");
        }
        for limit in ["0", "-1", "x"] {
            client.get(&format!("{path}?limit={limit}")).await.expect_faults();
        }
    }
    let page = customer.get(&history).await;
    assert_eq!(page.header("etag"), Some("\"1001\""));
    assert_eq!(page.body["timeline"][199]["notes"], "Note 1001");
    let included = customer.get(&format!("{path}?include=history")).await.expect(200);
    assert_eq!(included["events"], page.body["timeline"]);
    let seen = customer.request(reqwest::Method::GET, &history).header("if-none-match", "\"1001\"");
    assert_eq!(Answer::of(seen).await.status, 304);
}

#[tokio::test]
async fn a_short_history_is_whole_and_has_no_link() {
    let world = World::working().await;
    let customer = world.customer().await;
    let booking = booking_with(&world, &customer, 199).await;
    for path in [format!("{}/history", path_of(&booking)), format!("/api/v1/tracking/{}", text(&booking, "ref_id"))] {
        let answer = customer.get(&path).await;
        assert_eq!(older(&answer), None, "{path}");
        assert_eq!(sequences(&answer.expect(200)["timeline"]), (1..=200).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_history_and_reader_alone() {
    let world = World::working().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let (one, other) = (booking_with(&world, &customer, 300).await, booking_with(&world, &customer, 301).await);
    let history = |booking: &Value| format!("{}/history", path_of(booking));
    let tracking = |booking: &Value| format!("/api/v1/tracking/{}", text(booking, "ref_id"));
    let own = cursor(&customer.get(&history(&one)).await);
    let public = cursor(&world.anonymous().get(&tracking(&one)).await);
    customer.get(&format!("{}?cursor={own}", history(&one))).await.expect(200);
    operator.get(&format!("{}?cursor={public}", tracking(&one))).await.expect(200);
    for (client, path, cursor) in [
        (&customer, history(&other), &own),
        (&operator, history(&one), &own),
        (&customer, tracking(&one), &own),
        (&customer, history(&one), &public),
        (&customer, tracking(&other), &public),
        (&customer, history(&one), &"x".to_owned()),
        (&customer, history(&one), &format!("A{own}")),
    ] {
        client.get(&format!("{path}?cursor={cursor}")).await.expect_problem(400, "invalid_cursor");
    }
    // What is not there, or not the caller's, is told before anything about the cursor.
    world.customer().await.get(&format!("{}?cursor={own}", history(&one))).await.expect_problem(404, "not_found");
    world.anonymous().get("/api/v1/tracking/ACB000000000?cursor=x").await.expect_problem(404, "not_found");
    customer.get(&format!("{}?offset=1", history(&one))).await.expect_faults();
}

#[tokio::test]
async fn a_cursor_does_not_follow_an_air_waybill_to_another_booking() {
    let world = World::working().await;
    let customer = world.customer().await;
    let (first, second) = (booking_with(&world, &customer, 300).await, booking_with(&world, &customer, 301).await);
    let awb = json!({"awb_number": "020-12345675"});
    customer.patch(&path_of(&first), awb.clone()).await.expect(200);
    let path = "/api/v1/tracking/020-12345675";
    let old = cursor(&world.anonymous().get(path).await);
    customer.patch(&path_of(&first), json!({"awb_number": null})).await.expect(200);
    customer.patch(&path_of(&second), awb).await.expect(200);
    world.anonymous().get(&format!("{path}?cursor={old}")).await.expect_problem(400, "invalid_cursor");
}

/// The statement as it was sent by one of the server's sessions; none if that session has ended meanwhile.
async fn statement_of_events(world: &World) -> Option<String> {
    let mut sessions = Vec::new();
    for _ in 0..world.db.pool_size().all {
        let mut session = world.db.read().await.unwrap();
        let prepared = "select statement from pg_prepared_statements
                        where statement like '%from booking_events e%' and statement like '%sequence <%'";
        let found: Vec<String> = sqlx::query_scalar(prepared).fetch_all(&mut *session).await.unwrap();
        if let Some(statement) = found.into_iter().find(|statement| !statement.contains("pg_prepared_statements")) {
            return Some(statement);
        }
        sessions.push(session);
    }
    None
}

// Over a second: it writes a hundred thousand events.
#[tokio::test]
async fn a_history_of_a_hundred_thousand_events_costs_what_its_newest_cost() {
    let world = World::working().await;
    let customer = world.customer().await;
    let booking = booking_with(&world, &customer, 100_000).await;
    let newest = customer.get(&format!("{}/history", path_of(&booking))).await;
    assert!(newest.text.len() < 200_000, "{} bytes", newest.text.len());
    assert_eq!(sequences(&newest.expect(200)["timeline"]).first(), Some(&99_802));
    // Each of its rows is found by the index, backwards, and no more are read than are shown.
    let mut owner = world.database.owner().await;
    let mut statement = String::new();
    until("a session has a statement that pages through events", async || {
        customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
        statement = statement_of_events(&world).await.unwrap_or_default();
        !statement.is_empty()
    })
    .await;
    let prepare = format!("analyze; set plan_cache_mode = force_generic_plan; prepare newest as {statement}");
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(prepare))).await.unwrap();
    let explain = format!("explain (analyze, timing off) execute newest('{}', null, 201)", text(&booking, "id"));
    let plan = owner.fetch_all(sqlx::raw_sql(sqlx::AssertSqlSafe(explain))).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan Backward"), "{plan}");
    assert!(!plan.contains("rows=10000"), "{plan}");
}

#[tokio::test]
async fn the_history_and_the_tracking_of_an_amended_booking_go_on() {
    let world = World::working().await;
    let customer = world.customer().await;
    let booking = booking_with(&world, &customer, 250).await;
    let before = cursor(&customer.get(&format!("{}/history?limit=50", path_of(&booking))).await);
    customer.patch(&path_of(&booking), json!({"description": "Mangoes"})).await.expect(200);
    // What is older than a page stays where it was, whatever comes after it.
    let path = format!("{}/history?limit=50&cursor={before}", path_of(&booking));
    assert_eq!(sequences(&customer.get(&path).await.expect(200)["timeline"]), (152..=201).collect::<Vec<_>>());
}
