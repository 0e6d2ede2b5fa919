//! Short ways to book and move freight, and to look behind the API.
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Executor, Row};

use super::{
    client::{Answer, Client},
    world::{NewFlight, World, WorldOptions},
};

pub const BOOKINGS: &str = "/api/v1/bookings";

/// 100 kg and 1 m³ in two pieces from where the first flight leaves to where the last one goes.
pub fn order(flights: &[&Value]) -> Value {
    let (first, last) = (flights.first().expect("a flight"), flights.last().expect("a flight"));
    let ids: Vec<_> = flights.iter().map(|flight| &flight["id"]).collect();
    json!({"origin": first["origin"], "destination": last["destination"], "pieces": 2, "weight_kg": 100, "volume_m3": 1,
           "flight_ids": ids})
}

/// The same without flights: the best ones are to be found.
pub fn open_order(origin: &str, destination: &str) -> Value {
    json!({"origin": origin, "destination": destination, "pieces": 2, "weight_kg": 100, "volume_m3": 1})
}

/// The object with these members set.
pub fn with(mut object: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("members are an object") };
    object.as_object_mut().expect("an object").extend(members);
    object
}

/// The object without this member.
pub fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().expect("an object").remove(member);
    object
}

/// A JSON value from its text: numbers stay as they are written, however odd.
pub fn raw(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// A member that is text.
#[track_caller]
pub fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} is no text in {value}"))
}

/// The address of a booking.
#[track_caller]
pub fn path_of(booking: &Value) -> String {
    format!("{BOOKINGS}/{}", text(booking, "ref_id"))
}

/// One member of each entry.
#[track_caller]
pub fn each<'a>(list: &'a Value, member: &str) -> Vec<&'a Value> {
    list.as_array().expect("a list").iter().map(|entry| &entry[member]).collect()
}

/// An instant of an answer.
#[track_caller]
pub fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("RFC 3339")
}

/// The names of an object's members.
#[track_caller]
pub fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Sends both, now the one first and now the other.
pub async fn race(round: usize, one: impl Future<Output = Answer>, other: impl Future<Output = Answer>) -> [Answer; 2] {
    if round.is_multiple_of(2) {
        let (one, other) = tokio::join!(one, other);
        [one, other]
    } else {
        let (other, one) = tokio::join!(other, one);
        [one, other]
    }
}

/// One member of each entry, which is text.
#[track_caller]
pub fn texts(list: &Value, member: &str) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|entry| text(entry, member).to_owned()).collect()
}

/// Runs them beside each other; answers in their order.
pub async fn at_once<F>(work: impl Iterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = work.map(tokio::spawn).collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.expect("it does not panic"));
    }
    outcomes
}

impl Client {
    /// A post to be awaited elsewhere.
    pub fn sending(&self, path: &'static str, body: Value) -> impl Future<Output = Answer> + Send + 'static {
        let client = self.clone();
        async move { client.post(path, body).await }
    }

    /// Books and answers the booking.
    pub async fn book(&self, order: Value) -> Value {
        self.post(BOOKINGS, order).await.expect(201)
    }

    /// Reads a list from its first page to its last one, two entries at a time. Its entries are counted on the first page.
    pub async fn whole_list(&self, path: &str, member: &str) -> Vec<String> {
        let separator = if path.contains('?') { "&" } else { "?" };
        let mut next = Some(format!("{path}{separator}limit=2&count=true"));
        let (mut all, mut total) = (Vec::new(), None);
        while let Some(path) = next.take() {
            let page = self.get(&path).await;
            if total.is_none() {
                total = Some(page.header("total-count").expect("a count").parse::<usize>().expect("a number"));
            } else {
                assert_eq!(page.header("total-count"), None, "{path}");
            }
            let link =
                page.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
            next = link.inspect(|link| assert!(!link.contains("count="), "{link}"));
            all.extend(each(&page.expect(200), member).into_iter().map(|value| value.as_str().unwrap().to_owned()));
        }
        assert_eq!(total, Some(all.len()), "{path}");
        all
    }

    /// Moves a booking by each of these actions in turn; answers it as it is then.
    pub async fn walk(&self, booking: &Value, actions: &[&str]) -> Value {
        let mut now = booking.clone();
        for action in actions {
            now = self.poke(&format!("{}/{action}", path_of(booking))).await.expect(200);
        }
        now
    }
}

impl World {
    /// Two instances of one installation.
    pub async fn two(options: WorldOptions) -> [Self; 2] {
        let one = options.clone().start().await;
        let other = options.on(&one.database).start().await;
        [one, other]
    }

    /// A caller of another instance, at this one.
    pub fn same(&self, caller: &Client) -> Client {
        self.anonymous().with_token(caller.token.as_deref().expect("a token"))
    }

    /// Runs a statement as the tables' owner.
    pub async fn sql(&self, statement: &str) {
        let mut owner = self.owner().await;
        owner.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.expect("the statement runs");
        self.give_back(owner);
    }

    /// The first column of each row, as text.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let mut owner = self.owner().await;
        // Not prepared for later: tables change between two askings.
        let query = sqlx::query(sqlx::AssertSqlSafe(query.to_owned())).persistent(false);
        let rows = query.fetch_all(&mut owner).await.expect("it runs");
        self.give_back(owner);
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The number of these rows: of a table, with or without a condition.
    pub async fn count(&self, rows: &str) -> usize {
        self.texts(&format!("select count(*)::text from {rows}")).await[0].parse().expect("a number")
    }

    /// In which columns one of these lower-case texts is, of whatever type they are: bytes are looked into as text,
    /// too.
    pub async fn found(&self, traces: &[&str]) -> Vec<String> {
        let mut owner = self.owner().await;
        let columns = sqlx::query(
            "select c.relname::text, a.attname::text, a.atttypid = 'bytea'::regtype
             from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
             where n.nspname = 'public' and c.relkind in ('r', 'p', 'm') and not c.relispartition
               and a.attnum > 0 and not a.attisdropped",
        );
        let columns = columns.fetch_all(&mut owner).await.unwrap();
        assert!(columns.len() > 100, "{}", columns.len());
        let mut places = Vec::new();
        for column in columns {
            let (table, name, is_bytes): (String, String, bool) = (column.get(0), column.get(1), column.get(2));
            let text = if is_bytes { format!("encode({name}, 'escape')") } else { format!("{name}::text") };
            let query = format!("select coalesce(string_agg(distinct lower({text}), ' '), '') from {table}");
            let all: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut owner).await.unwrap();
            let here = traces.iter().filter(|trace| all.contains(**trace));
            places.extend(here.map(|trace| format!("{trace} is in {table}.{name}")));
        }
        self.give_back(owner);
        places
    }

    /// How many rows bookings have written, by table, and what is booked in all.
    pub async fn written(&self) -> Vec<String> {
        self.texts(
            "select 'bookings ' || count(*) from bookings union all
             select 'legs ' || count(*) from booking_legs union all
             select 'events ' || count(*) from booking_events union all
             select 'texts ' || count(*) from booking_texts union all
             select 'notes ' || count(*) from booking_event_notes union all
             select 'refs ' || count(*) from booking_refs union all
             select 'air waybills ' || count(*) from awb_claims union all
             select 'messages ' || count(*) from outbox union all
             select 'versions ' || coalesce(sum(version), 0) from bookings union all
             select 'ledger ' || count(*) from capacity_ledger union all
             select 'booked ' || coalesce(sum(booked_weight_hg + booked_volume_l + booked_positions), 0)
             from flight_capacity",
        )
        .await
    }

    /// What is left on a flight, by the strong read.
    pub async fn available(&self, flight: &Value) -> Value {
        let path = format!("/api/v1/flights/{}/availability", text(flight, "id"));
        self.anonymous().get(&path).await.expect(200)["available"].clone()
    }
}

/// Two flights that connect in Bombay, with room for hundreds of shipments.
pub async fn two_flights(world: &World) -> [Value; 2] {
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100_000.0)).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").weight(100_000.0).leaves_in_hours(36)).await;
    [first, second]
}
