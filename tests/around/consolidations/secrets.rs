//! What a member never reads of others: their parties, descriptions and house numbers. Every answer, message, letter, export and
//! log line is searched for words that are nowhere else.
use loadmaster_accounts::Role;
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{text, with},
    letters::{directory, letters},
    listening::Log,
    notifications::Person,
    until,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CONSOLIDATIONS, JOIN, at, email, flight, invite, join, of, part, plan, token, ways};
use crate::webhooks::{
    heard,
    receiver::{Mode, Received, Receiver},
    sending, webhook_to,
};

/// Of the house number, the description and each member of both parties; in lower case.
const MARKS: [&str; 14] = [
    "quoll-4711",
    "zorgonite",
    "wexelbrook",
    "acq-88123",
    "tarnwick",
    "ostervale",
    "qx77k",
    "442079460123",
    "kestrel@",
    "morlunda",
    "acq-99234",
    "yarrowgate",
    "delphinora",
    "plover@",
];

fn marked(origin: &str) -> Value {
    with(
        part(origin),
        json!({"house_number": "HN-QUOLL-4711", "description": "Zorgonite in drums",
               "shipper": {"name": "Wexelbrook", "account_number": "ACQ-88123", "street": "Tarnwick Lane 5",
                           "city": "Ostervale", "postal_code": "QX77K", "phone": "+442079460123",
                           "email": "kestrel@sender.example"},
               "consignee": {"name": "Morlunda", "account_number": "ACQ-99234", "street": "Yarrowgate 9",
                             "city": "Delphinora", "email": "plover@receiver.example"}}),
    )
}

/// The marks that a text has.
fn marks_of(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    MARKS.into_iter().filter(|mark| text.contains(*mark)).collect()
}

#[track_caller]
fn assert_without_marks(what: &str, text: &str) {
    assert_eq!(marks_of(text), [""; 0], "{what}");
}

/// The owner and one member have parts with marks; another member reads.
struct Stage {
    world: World,
    owner: Person,
    one: Person,
    reader: Person,
    /// Of the reader's organization.
    colleague: Person,
    consolidation: Value,
    /// A part with marks of the member `one`.
    foreign: Value,
    /// What the reader was answered.
    answers: Vec<(String, Answer)>,
}

impl Stage {
    async fn set(world: World) -> Self {
        let (owner, one, reader) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
        let colleague = Person::in_organization(&world, reader.organization, Role::Customer).await;
        let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
        join(&world, &owner.client, &consolidation, &one).await;
        let parts = of(&consolidation, "parts");
        let foreign = one.client.post(&parts, marked("DEL")).await.expect(201);
        owner.client.post(&parts, marked("BOM")).await.expect(201);
        Self { world, owner, one, reader, colleague, consolidation, foreign, answers: Vec::new() }
    }

    fn of(&self, rest: &str) -> String {
        of(&self.consolidation, rest)
    }

    fn single(&self) -> String {
        self.of(&format!("parts/{}", text(&self.foreign, "id")))
    }

    async fn send(&mut self, method: Method, path: &str, body: Value) -> Answer {
        let answer = self.reader.client.send(method.clone(), path, &[], Some(&body)).await;
        self.answers.push((format!("{method} {path}"), answer.clone()));
        answer
    }

    /// The reader joins, and sends everything that it may send and may not.
    async fn act(&mut self) {
        invite(&self.owner.client, &self.consolidation, &self.reader).await;
        let token = token(&self.world, &email(&self.reader)).await;
        self.send(Method::POST, JOIN, json!({"token": token, "answer": "ACCEPT"})).await.expect(200);
        let parts = self.of("parts");
        let own = self.send(Method::POST, &parts, part("DEL")).await.expect(201);
        let own = format!("{parts}/{}", text(&own, "id"));
        self.send(Method::PATCH, &own, json!({"pieces": 3})).await.expect(200);
        let foreign = self.single();
        self.send(Method::PATCH, &foreign, json!({"pieces": 3})).await.expect_problem(404, "not_found");
        self.send(Method::DELETE, &foreign, json!({})).await.expect_problem(404, "not_found");
        self.send(Method::PATCH, &foreign, json!({"pieces": 0})).await;
        for rest in ["release", "book", "masters/DEL/amend"] {
            let path = self.of(rest);
            self.send(Method::POST, &path, json!({})).await.expect_problem(403, "forbidden");
        }
    }

    /// The owner holds, books and amends; returns the flight and the master of the marked part.
    async fn travel(&self) -> (Value, Value) {
        let bom = flight(&self.world, "AI101", "BOM", 1000.0).await;
        let del = flight(&self.world, "AI102", "DEL", 1000.0).await;
        let owner = &self.owner.client;
        owner.post(&self.of("hold"), ways(&[("BOM", &bom), ("DEL", &del)])).await.expect(200);
        let booked = owner.post(&self.of("book"), json!({})).await.expect(200);
        assert_eq!(booked["succeeded"], 2, "{booked}");
        self.one.client.patch(&self.single(), json!({"weight_kg": 120})).await.expect(200);
        let amended = owner.post(&self.of("masters/DEL/amend"), json!({})).await.expect(200);
        assert_eq!(amended["masters"][1]["weight_kg"], 220, "{amended}");
        (del, amended["masters"][1].clone())
    }

    /// Reads every path of the API with a method GET, as far as its members are known here.
    async fn read_all(&mut self, (flight, master): (&Value, &Value), webhook: &Value) {
        let api = self.world.anonymous().get("/openapi.json").await.expect(200);
        let id = |collection: &str| match collection {
            "consolidations" => text(&self.consolidation, "id").to_owned(),
            "flights" => text(flight, "id").to_owned(),
            "webhooks" => text(webhook, "id").to_owned(),
            "holds" => text(master, "hold_id").to_owned(),
            "organizations" => self.one.organization.to_string(),
            "users" => self.one.id.to_string(),
            _ => text(&self.foreign, "id").to_owned(),
        };
        let filled = |path: &str| {
            let collection = path.split('/').nth(3)?;
            let segment = |segment: &str| match segment {
                "{id}" => Some(id(collection)),
                "{part_id}" => Some(text(&self.foreign, "id").to_owned()),
                "{organization_id}" => Some(self.one.organization.to_string()),
                "{origin}" => Some("DEL".to_owned()),
                "{ref_id}" => Some(text(master, "booking_ref").to_owned()),
                other => (!other.starts_with('{')).then(|| other.to_owned()),
            };
            let segments: Option<Vec<String>> = path.split('/').map(segment).collect();
            Some(segments?.join("/"))
        };
        let has_get = |path: &str| !api["paths"][path]["get"].is_null() && !path.ends_with("/stream");
        let paths = api["paths"].as_object().unwrap().keys().filter(|path| has_get(path.as_str()));
        let paths: Vec<String> = paths.filter_map(|path| filled(path.as_str())).collect();
        assert!(paths.len() > 80, "{}", paths.len());
        let of_room = paths.iter().filter(|path| path.starts_with(CONSOLIDATIONS)).count();
        assert!(of_room >= 5, "{paths:?}");
        for path in paths {
            let answer = self.reader.client.get(&path).await;
            if path.starts_with(&at(&self.consolidation)) && !path.contains("/masters/") && !path.ends_with("/split") {
                assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            }
            self.answers.push((format!("GET {path}"), answer));
        }
    }

    /// The owner, the carrier's staff and the part's own organization read what others do not.
    async fn is_read_by_others(&self) {
        let operator = self.world.operator().await;
        for reader in [&self.owner.client, &operator, &self.one.client] {
            for path in [at(&self.consolidation), self.of("parts"), self.single()] {
                assert_eq!(marks_of(&reader.get(&path).await.text), MARKS, "{path}");
            }
        }
    }
}

async fn operator_of(world: &World, organization: Uuid) -> Client {
    world.caller_in(Role::Operator, Uuid::new_v4(), organization).await
}

/// Waits until all webhooks are delivered.
async fn delivered(world: &World) {
    heard(world).await;
    until("all is delivered", async || world.count("webhook_deliveries where status = 'WAITING'").await == 0).await;
}

#[tokio::test]
async fn a_member_reads_nothing_of_others_in_any_answer_message_letter_export_or_log_line() {
    let files = directory();
    let (log, _listening) = Log::of_this_thread("info,loadmaster=trace");
    let options = sending().set("mail.transport", "mailbox").set("sms.transport", "mailbox");
    // The clock stands still, and with it the rate.
    let options = options.set("mail.per_minute", "60000").set("embedded.data_dir", files.path().to_str().unwrap());
    let mut stage = Stage::set(options.start().await).await;
    let (of_reader, of_owner) = tokio::join!(Receiver::start(Mode::Status(200)), Receiver::start(Mode::Status(200)));
    let operator = operator_of(&stage.world, stage.reader.organization).await;
    let operator_of_owner = operator_of(&stage.world, stage.owner.organization).await;
    stage.world.sql("update users set email_verified_at = now()").await;
    let all = json!({"types": ["loadmaster.booking.*", "loadmaster.consolidation.*"]});
    let webhook = webhook_to(&operator, &of_reader, all.clone()).await;
    webhook_to(&operator_of_owner, &of_owner, all).await;

    stage.act().await;
    let (flight, master) = stage.travel().await;
    let own = stage.send(Method::POST, CONSOLIDATIONS, plan()).await.expect(201);
    stage.read_all((&flight, &master), &webhook).await;
    for (what, answer) in &stage.answers {
        assert_without_marks(what, &format!("{:?} {}", answer.headers, answer.text));
    }
    stage.is_read_by_others().await;

    let world = &stage.world;
    delivered(world).await;
    let (to_reader, to_owner) = (of_reader.received(), of_owner.received());
    let subjects: Vec<String> = to_reader.iter().map(Received::subject).collect();
    assert!(subjects.iter().any(|subject| subject == text(&own, "id")), "its own message arrives: {subjects:?}");
    let is_of_room =
        |received: &&Received| received.event()["type"].as_str().unwrap().starts_with("loadmaster.consolidation.");
    assert!(to_owner.iter().filter(is_of_room).count() >= 8, "{}", to_owner.len());
    for received in to_reader.iter().chain(&to_owner) {
        assert_without_marks("a message to a webhook", &received.body);
    }
    for event in world.texts("select payload::text from outbox").await {
        assert_without_marks("a message of the outbox", &event);
    }
    // What letters are made of is in their rows. An invitation that was answered at once has none.
    let rows = world.texts("select to_jsonb(n)::text from notifications n").await;
    assert!(!rows.is_empty());
    for letter in letters(world).await.iter().map(Value::to_string).chain(rows) {
        assert_without_marks("a letter", &letter);
    }
    let privacy: PrivacyService = world.state().service().unwrap();
    for person in [&stage.reader, &stage.colleague] {
        let export = privacy.export(person.id.into()).await.unwrap();
        assert_without_marks("an export", &export.to_string());
    }
    let export = privacy.export(stage.one.id.into()).await.unwrap();
    assert_eq!(marks_of(&export.to_string()), MARKS, "its own are there");
    let lines = log.text();
    assert!(lines.contains("consolidations"), "the room has logged");
    for line in lines.lines() {
        assert_without_marks(line, line);
    }
}
