use std::collections::BTreeMap;

use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, Dice, NewFlight, World, WorldOptions,
    freight::{order, text},
    holds::hold_on,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::send;

/// Questions that are put to each caller.
const QUESTIONS: usize = 200;
const SEED: u64 = 54;
/// Relations that REST has no member for.
const RELATIONS: [&str; 4] = ["flight", "flights", "payments", "olderCursor"];

/// The object types of the schema: the fields of each, with the types that they lead to.
type Types = BTreeMap<String, Vec<(String, String)>>;

/// A question in both languages.
#[derive(Debug, Clone)]
struct Question {
    field: &'static str,
    arguments: String,
    path: String,
    of: &'static str,
    is_page: bool,
}

/// What was asked for of an object: its fields, with what was asked for of each.
#[derive(Debug, Default)]
struct Selection(Vec<(String, Selection)>);

impl Selection {
    fn random(types: &Types, of: &str, depth: usize, dice: &mut Dice) -> Self {
        let mut fields = Vec::new();
        for (name, to) in types[of].iter().filter(|(name, _)| !RELATIONS.contains(&name.as_str())) {
            if dice.below(3) > 0 {
                continue;
            }
            if !types.contains_key(to) {
                fields.push((name.clone(), Self::default()));
            } else if depth > 0 {
                fields.push((name.clone(), Self::random(types, to, depth - 1, dice)));
            }
        }
        if fields.is_empty() {
            fields.push(("__typename".to_owned(), Self::default()));
        }
        Self(fields)
    }

    fn text(&self) -> String {
        let fields = self
            .0
            .iter()
            .map(|(name, below)| if below.0.is_empty() { name.clone() } else { format!("{name} {}", below.text()) });
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))
    }

    /// What REST has answered, as this selection shows it.
    fn of(&self, rest: &Value) -> Value {
        match rest {
            Value::Array(items) => items.iter().map(|item| self.of(item)).collect(),
            Value::Object(members) if !self.0.is_empty() => {
                let shown = |(name, below): &(String, Self)| {
                    let member = members.iter().find(|(member, _)| camel(member) == *name);
                    (name.clone(), member.map_or(Value::Null, |(_, value)| below.of(value)))
                };
                self.0.iter().filter(|(name, _)| name != "__typename").map(shown).collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |name, part| name + &part[..1].to_uppercase() + &part[1..])
}

fn without_names(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.remove("__typename");
            members.values_mut().for_each(|member| *member = without_names(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_names(item.take())),
        _ => {}
    }
    value
}

async fn types(client: &Client) -> Types {
    let query = "{ __schema { types { name kind fields { name type { name kind ofType { name kind ofType { name kind
        ofType { name } } } } } } } }";
    let body = send(client, query, json!({})).await.expect(200);
    let types = body["data"]["__schema"]["types"].as_array().unwrap().iter();
    let objects = types.filter(|of| of["kind"] == "OBJECT" && !text(of, "name").starts_with("__"));
    let field = |field: &Value| {
        let mut of = &field["type"];
        while of["name"].is_null() {
            of = &of["ofType"];
        }
        (text(field, "name").to_owned(), text(of, "name").to_owned())
    };
    objects
        .map(|of| (text(of, "name").to_owned(), of["fields"].as_array().unwrap().iter().map(field).collect()))
        .collect()
}

/// The things that are asked about.
struct Site {
    world: World,
    flight: Value,
    bookings: Vec<Value>,
    hold: Value,
}

impl Site {
    async fn start() -> (Self, Vec<(&'static str, Client)>) {
        let world = WorldOptions::default().set("graphql.max_complexity", "100000").start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
        let second = world.flight(NewFlight::new("AI102", "LHR", "JFK")).await;
        let organization = Uuid::new_v4();
        let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
        let callers = vec![
            ("anyone", world.anonymous()),
            ("customer", customer.clone()),
            ("other customer", world.customer().await),
            ("operator", world.operator().await),
            ("admin", world.admin().await),
        ];
        let mut bookings = vec![customer.book(order(&[&flight])).await];
        bookings.push(customer.book(order(&[&second])).await);
        bookings.push(callers[2].1.book(order(&[&flight])).await);
        world.operator().await.walk(&bookings[1], &["depart"]).await;
        let hold = customer.hold(hold_on(&[&flight])).await;
        (Self { world, flight, bookings, hold }, callers)
    }

    fn question(&self, dice: &mut Dice) -> Question {
        let date = (self.world.now() + chrono::TimeDelta::days(1)).date_naive().to_string();
        let booking = text(dice.pick(&self.bookings), "ref_id").to_owned();
        let reference = (*dice.pick(&[booking.as_str(), "ACB000000000", "no reference"])).to_owned();
        let code = *dice.pick(&["DEL", "LHR", "del", "XXX", "??"]);
        let first = *dice.pick(&["1", "2", "100", "0"]);
        let status = *dice.pick(&["BOOKED", "DEPARTED", "CANCELLED"]);
        let id = |value: &Value| text(value, "id").to_owned();
        let flight = dice.pick(&[id(&self.flight), Uuid::nil().to_string(), "x".to_owned()]).clone();
        let hold = dice.pick(&[id(&self.hold), Uuid::nil().to_string()]).clone();
        let one = |field, argument: &str, path: &str, value: &str, of| Question {
            field,
            arguments: format!("({argument}: \"{value}\")"),
            path: format!("/api/v1/{path}/{}", value.replace(' ', "%20").replace('?', "%3F")),
            of,
            is_page: false,
        };
        let page = |field, arguments: &str, path: &str, of| Question {
            field,
            arguments: format!("(first: {first}{arguments})"),
            path: format!("/api/v1/{field}?limit={first}{path}"),
            of,
            is_page: true,
        };
        let whole =
            |field, arguments: String, path: String, of| Question { field, arguments, path, of, is_page: false };
        match dice.below(13) {
            0 => one("booking", "refId", "bookings", &reference, "Booking"),
            1 => one("tracking", "number", "tracking", &reference, "Tracking"),
            2 => one("flight", "id", "flights", &flight, "Flight"),
            3 => one("hold", "id", "holds", &hold, "Hold"),
            4 => one("airport", "code", "airports", code, "Airport"),
            5 => one("station", "code", "stations", code, "Station"),
            6 => one("quote", "id", "quotes", &hold, "Quote"),
            7 => page("bookings", &format!(", status: {status}"), &format!("&status={status}"), "Booking"),
            8 => page(
                "flights",
                &format!(", origin: \"{code}\""),
                &format!("&origin={}", code.replace('?', "%3F")),
                "Flight",
            ),
            9 => page("airports", ", major: true, q: \"lo\"", "&major=true&q=lo", "Airport"),
            10 => page("stations", ", country: \"IN\"", "&country=IN", "StationEntry"),
            11 => whole("me", String::new(), "/api/v1/auth/me".to_owned(), "User"),
            _ => whole(
                "routes",
                format!(
                    "(origin: \"DEL\", destination: \"{code}\", departureDate: \"{date}\", weightKg: 10.5, first: 2)"
                ),
                format!(
                    "/api/v1/routes?origin=DEL&destination={}&departure_date={date}&weight_kg=10.5&limit=2",
                    code.replace('?', "%3F")
                ),
                "RouteOption",
            ),
        }
    }
}

/// Puts a thousand questions in both languages: takes some seconds.
#[tokio::test]
async fn two_hundred_questions_have_the_answers_of_rest_for_each_of_five_callers() {
    let (site, callers) = Site::start().await;
    let types = types(&site.world.anonymous()).await;
    let (mut answers, mut refusals) = (0, 0);
    for number in 0..QUESTIONS {
        let mut dice = Dice::of(SEED, number);
        let question = site.question(&mut dice);
        let selection = Selection::random(&types, question.of, 2, &mut dice);
        let inner = selection.text();
        let inner = if question.is_page { format!("{{ nodes {inner} pageInfo {{ endCursor }} }}") } else { inner };
        let document = format!("{{ {}{} {inner} }}", question.field, question.arguments);
        for (caller, client) in &callers {
            let rest = client.get(&question.path).await;
            let body = send(client, &document, json!({})).await.expect(200);
            let place = format!("seed {SEED}, question {number}, {caller}: {document}");
            if rest.status == 200 {
                assert_eq!(body.get("errors"), None, "{place}");
                let mut shown = body["data"][question.field].clone();
                if question.is_page {
                    shown = shown["nodes"].take();
                }
                assert_eq!(without_names(shown), selection.of(&rest.body), "{place}\n{}", rest.text);
                answers += 1;
            } else {
                assert_eq!(body["data"][question.field], Value::Null, "{place}");
                let problem = &body["errors"][0]["extensions"];
                for member in ["code", "status", "detail", "errors"] {
                    assert_eq!(problem.get(member), rest.body.get(member), "{place}: {member}");
                }
                refusals += 1;
            }
        }
    }
    assert!(answers > 200 && refusals > 200, "both are tried: {answers}, {refusals}");
}
