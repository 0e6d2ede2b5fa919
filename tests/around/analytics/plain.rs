//! The figures of reports, compared with what the database itself adds up of a random history, by its own rules of time zones.
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DAILY, FLIGHTS, VOLUME, of_weight, report};
use loadmaster_testkit::{
    Client, Dice, NewFlight, TestDatabase, World, WorldOptions,
    flight_verbs::act,
    freight::path_of,
    holds::hold_on,
    pricing::{TARIFFS, flat, make},
    rounds, start_of_time,
};

const ORIGINS: [&str; 5] = ["DEL", "LHR", "JFK", "CXI", "PPG"];
/// Local dates around which things happen: an ordinary one, and those on which the clocks go forward and back in New York and in
/// London.
const NIGHTS: [&str; 5] = ["2026-11-22", "2027-03-14", "2027-03-28", "2027-10-31", "2027-11-07"];
/// A step in which somebody books without a quote.
const BOOKS: u64 = 4;
const SPAN: &str = "from=2026-11-20&to=2027-11-20";

/// Callers who book, hold, quote and cancel, now and then.
struct History {
    world: World,
    users: Vec<(Uuid, Uuid)>,
    dice: Dice,
    flights: usize,
    booked: Vec<(usize, Value)>,
}

impl History {
    async fn begin() -> Self {
        let database = TestDatabase::create().await;
        let world = WorldOptions::default().on(&database).start().await;
        make(&world.admin().await, TARIFFS, flat("ALL", "2.5", json!({}))).await;
        make(&world.admin().await, TARIFFS, flat("EUROS", "3", json!({"origin": "LHR", "currency": "EUR"}))).await;
        let users: Vec<_> = (0..4).map(|_| (Uuid::new_v4(), Uuid::new_v4())).collect();
        for (user, organization) in &users {
            world.caller_in(Role::Customer, *user, *organization).await;
        }
        Self { world, users, dice: Dice::new(20_261_128), flights: 0, booked: Vec::new() }
    }

    /// With a token of now: months go by.
    fn client(&self, user: usize) -> Client {
        let (user, organization) = self.users[user];
        self.world.anonymous().with_token(&self.world.token(Role::Customer, user, organization))
    }

    /// Some hours around midnight everywhere on Earth.
    async fn night(&mut self, date: &str) {
        let midnight: DateTime<Utc> = format!("{date}T00:00:00Z").parse().unwrap();
        let mut now = midnight - TimeDelta::hours(15);
        while now < midnight + TimeDelta::hours(26) {
            now += TimeDelta::minutes(i64::try_from(5 + self.dice.below(150)).unwrap());
            super::at(&self.world, &now.to_rfc3339());
            self.step(None).await;
            // With time, 10 000 bookings.
            for _ in 1..rounds(1, 80) {
                self.step(Some(BOOKS)).await;
            }
        }
    }

    /// `kind`: `None` for any.
    async fn step(&mut self, kind: Option<u64>) {
        let user = usize::try_from(self.dice.below(self.users.len() as u64)).unwrap();
        let (client, origin) = (self.client(user), *self.dice.pick(&ORIGINS));
        self.flights += 1;
        let ahead = (self.world.now() - start_of_time()).num_hours() + i64::try_from(30 + self.dice.below(40)).unwrap();
        let number = format!("AI{}", 100 + self.flights % 9_900);
        let to = if origin == "LHR" { "DEL" } else { "LHR" };
        let flight = self.world.flight(NewFlight::new(&number, origin, to).leaves_in_hours(ahead)).await;
        let asked = json!({"origin": origin, "destination": to, "flight_ids": [flight["id"]],
                           "weight_kg": 10 + self.dice.below(90)});
        match kind.unwrap_or_else(|| self.dice.below(5)) {
            0 => drop(client.post("/api/v1/quotes", asked).await.expect(201)),
            1 => drop(client.hold(hold_on(&[&flight])).await),
            2 => {
                let quote = client.post("/api/v1/quotes", asked.clone()).await.expect(201);
                let freight = json!({"quote_id": quote["id"], "pieces": 1});
                let order = loadmaster_testkit::freight::with(asked, freight);
                self.booked.push((user, client.book(order).await));
            }
            _ => {
                let order = of_weight(&flight, (10 + self.dice.below(500)) as f64 / 10.0);
                self.booked.push((user, client.book(order).await));
            }
        }
        if self.dice.below(4) == 0 && !self.booked.is_empty() {
            let last = self.booked.len() - 1;
            let (owner, booking) =
                self.booked.swap_remove(last - usize::try_from(self.dice.below(2)).unwrap().min(last));
            self.client(owner).poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
        }
        if self.dice.below(8) == 0 {
            act(&self.world.admin().await, &flight, "cancel", json!({})).await.expect(200);
        }
    }
}

/// The local date at the origin on which something was made, as the database has it.
const LOCAL: &str = "(x.created_at at time zone (select time_zone from airports where iata_code = x.origin))::date";

/// Lines of a report's rows with these figures.
fn lines(report: &Value, figures: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in report["rows"].as_array().unwrap() {
        let mut line = row["period"].as_str().unwrap().to_owned();
        for figure in figures {
            let figure = row.pointer(&format!("/{figure}")).unwrap();
            let number = figure.as_f64().map_or_else(|| figure.to_string(), |number| number.to_string());
            write!(line, " {number}").unwrap();
        }
        lines.push(line);
    }
    lines
}

#[tokio::test]
async fn reports_equal_plain_sql_across_midnights_and_changes_of_the_clocks() {
    let mut history = History::begin().await;
    for night in NIGHTS {
        history.night(night).await;
    }
    let world = history.world;
    let operator = world.operator().await;
    assert!(history.booked.len() > rounds(30, 7_000));

    let volume = report(&operator, VOLUME, SPAN).await;
    let bookings = format!(
        "select day || ' ' || count(*) || ' ' || count(*) filter (where status = 'CANCELLED') || ' ' ||
                coalesce(sum(pieces) filter (where status <> 'CANCELLED'), 0) || ' ' ||
                trim_scale(coalesce(sum(weight_hg) filter (where status <> 'CANCELLED'), 0) / 10.0)
         from (select {LOCAL} as day, x.* from bookings x) b group by day order by day"
    );
    let plain = world.texts(&bookings).await;
    assert!(plain.len() > 8, "{plain:?}");
    assert_eq!(lines(&volume, &["bookings", "cancelled", "pieces", "weight_kg"]), plain);
    let revenue = "select jsonb_agg(jsonb_build_object('amount', amount, 'currency', currency) order by currency)::text
                   from (select bill #>> '{price,total,currency}' as currency,
                                round(sum(case when status = 'CANCELLED' then coalesce((bill ->> 'fee')::numeric, 0) / 100
                                               else (bill #>> '{price,total,amount}')::numeric end), 2)::text as amount
                         from bookings where bill #>> '{price,total,currency}' is not null group by 1) b";
    let plain: Value = serde_json::from_str(&world.texts(revenue).await[0]).unwrap();
    assert_eq!(volume["total"]["revenue"], plain);
    let yields = "select jsonb_agg(jsonb_build_object('amount', trim_scale(round(total / kg, 4))::text, 'currency', currency)
                                   order by currency)::text
                  from (select bill #>> '{price,total,currency}' as currency, sum((bill #>> '{price,total,amount}')::numeric) as total,
                               sum(greatest(ceil(weight_hg / 5.0), ceil(volume_l / 3.0)) * 0.5) as kg
                        from bookings where status <> 'CANCELLED' and bill #>> '{price,total,currency}' is not null group by 1) b";
    let plain: Value = serde_json::from_str(&world.texts(yields).await[0]).unwrap();
    assert_eq!(volume["total"]["yield_per_kg"], plain);

    let daily = report(&operator, DAILY, SPAN).await;
    let made = format!(
        "select day || ' ' || count(*) filter (where step = 'QUOTE') || ' ' || count(*) filter (where step = 'HOLD') || ' ' ||
                count(*) filter (where step = 'BOOKING') || ' ' || count(*) filter (where status = 'CANCELLED') || ' ' ||
                trim_scale(coalesce(sum(weight_hg) filter (where status <> 'CANCELLED'), 0) / 10.0) || ' ' || count(distinct created_by)
         from (select {LOCAL} as day, 'BOOKING' as step, status, weight_hg, created_by from bookings x
               union all select {LOCAL}, 'HOLD', null, 0, created_by from holds x
               union all select {LOCAL}, 'QUOTE', null, 0, created_by
                         from (select created_at, created_by, body #>> '{{inputs,legs,0,origin}}' as origin from quotes) x) made
         group by day order by day"
    );
    let figures = ["quotes", "holds", "bookings", "cancelled", "weight_kg", "active_users"];
    // A day on which only accounts were made is no day of business.
    let mut found = lines(&daily, &figures);
    found.retain(|line| !line.ends_with(" 0 0 0 0 0 0"));
    assert_eq!(found, world.texts(&made).await);
    assert_eq!(daily["total"]["active_users"], 4);
    assert_eq!(daily["total"]["revenue"], volume["total"]["revenue"]);
    assert_eq!(daily["total"]["weight_kg"], volume["total"]["weight_kg"]);

    let flights = report(&operator, FLIGHTS, SPAN).await;
    let now = world.now().to_rfc3339();
    let scheduled = format!(
        "select f.scheduled_date || ' ' || count(*) || ' ' ||
                            trim_scale(coalesce(sum(capacity_weight_hg) filter (where c.status <> 'CANCELLED'), 0) / 10.0) || ' ' ||
                            trim_scale(coalesce(sum(booked_weight_hg) filter (where c.status <> 'CANCELLED'), 0) / 10.0) || ' ' ||
                            trim_scale(coalesce(sum(held_weight_hg) filter (where c.status = 'SCHEDULED'), 0) / 10.0) || ' ' ||
                            trim_scale(coalesce(sum(capacity_weight_hg - booked_weight_hg - held_weight_hg)
                                                filter (where c.status = 'SCHEDULED' and c.cutoff_at > '{now}'), 0) / 10.0)
                     from flights f join flight_capacity c on c.flight_id = f.id
                     where f.scheduled_date between '2026-11-20' and '2027-11-20' group by f.scheduled_date order by f.scheduled_date"
    );
    let figures = ["flights", "capacity/weight_kg", "carried/weight_kg", "held/weight_kg", "available/weight_kg"];
    assert_eq!(lines(&flights, &figures), world.texts(&scheduled).await);
    world.audit().await;
}
