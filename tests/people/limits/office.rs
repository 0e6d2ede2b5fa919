//! An office of fifty people with three tabs each behind one address works for some minutes, a quarter of an hour in the long
//! tests, and nobody meets a limit.
use chrono::TimeDelta;
use futures_util::future::join_all;
use loadmaster_testkit::{Answer, Client, NewFlight, World, WorldOptions, freight::text, rounds};
use reqwest::{Method, header};
use serde_json::{Value, json};

const PEOPLE: usize = 50;
const TABS: usize = 3;
/// Every so many minutes all tabs are reloaded, and ask who is signed in.
const RELOADED_EVERY: usize = 7;

/// Somebody with a browser: one session for all tabs, in each of which an access token is kept.
struct Person {
    browser: Client,
    cookie: String,
    tabs: Vec<Client>,
}

impl Person {
    /// Signs up; the refresh token stays in a cookie.
    async fn come_in(world: &World, number: usize) -> Self {
        let browser = world.anonymous();
        let account = json!({"email": format!("clerk{number}@forwarder.example"), "password": "correct horse battery",
                   "session": "cookie"});
        let answer = of_page(&browser, "register", &account, None).await;
        let cookie = cookie_of(&answer);
        answer.expect(201);
        Self { browser, cookie, tabs: Vec::new() }
    }

    /// Loads every tab anew: each refreshes the session by itself, one after the other.
    async fn reload(&mut self) {
        self.tabs.clear();
        for _ in 0..TABS {
            let kind = json!({"session": "cookie"});
            let answer = of_page(&self.browser, "refresh", &kind, Some(&self.cookie)).await;
            assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
            self.cookie = cookie_of(&answer);
            let session = answer.expect(200);
            self.tabs.push(self.browser.with_token(text(&session, "access_token")));
        }
    }

    /// What a minute's work asks for: names of cities, a search, the days beside it, a board and the bookings.
    async fn work(&self, search: &Value) {
        for tab in &self.tabs {
            for city in ["del", "london"] {
                served(&tab.get(&format!("/api/v1/airports/search?q={city}")).await);
            }
            let found = tab.post("/api/v1/routes/search", search.clone()).await;
            served(&found);
            assert_eq!(found.body["direct_flights"].as_array().map(Vec::len), Some(1), "{}", found.text);
            let (date, lane) = (text(search, "departure_date"), "origin=DEL&destination=LHR");
            served(&tab.get(&format!("/api/v1/routes/days?{lane}&from={date}&weight_kg=500")).await);
            served(&tab.get(&format!("/api/v1/flights?{lane}&departure_date={date}")).await);
            served(&tab.get("/api/v1/bookings").await);
        }
    }
}

/// As a page of this server asks.
async fn of_page(client: &Client, operation: &str, body: &Value, cookie: Option<&str>) -> Answer {
    let request = client.request(Method::POST, &format!("/api/v1/auth/{operation}")).header("origin", &client.base);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
    Answer::of(if let Some(cookie) = cookie { request.header(header::COOKIE, cookie) } else { request }).await
}

fn cookie_of(answer: &Answer) -> String {
    let header = answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {} {}", answer.status, answer.text));
    header.split(';').next().unwrap_or_default().to_owned()
}

#[track_caller]
fn served(answer: &Answer) {
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    assert!(answer.header("ratelimit-remaining").is_some_and(|left| left != "0"), "the limit is not even near");
}

#[tokio::test]
async fn fifty_people_with_three_tabs_each_behind_one_address_see_no_limit() {
    let options = WorldOptions::patient().with_workers().set("rate_limit.enabled", "true");
    // A quarter of an hour passes in seconds here, but the limit per second goes by the time of the machine.
    let options = options.set("rate_limit.flood_per_second", "0").set("redis.timeout_ms", "10000");
    let world = options.start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(48)).await;
    let date = &text(&flight, "departure_local")[..10];
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": 500});
    let stream = format!("/api/v1/flights/{}/stream", text(&flight, "id"));
    // Signing in is trying a credential, which an address may do ten times a minute.
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Person::come_in(&world, number).await);
        world.clock.advance(TimeDelta::seconds(7));
    }
    // The streams of the tabs that are seen stay open.
    let mut streams = Vec::new();
    for minute in 0..rounds(RELOADED_EVERY + 1, 15) {
        if minute % RELOADED_EVERY == 0 {
            join_all(people.iter_mut().map(Person::reload)).await;
        }
        if minute == 0 {
            let opening = people.iter().flat_map(|person| &person.tabs).map(async |tab| {
                let stream = tab.request(Method::GET, &stream).send().await.unwrap();
                assert_eq!(stream.status().as_u16(), 200);
                stream
            });
            streams = join_all(opening).await;
        }
        join_all(people.iter().map(|person| person.work(&search))).await;
        world.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(streams.len(), PEOPLE * TABS);
}
