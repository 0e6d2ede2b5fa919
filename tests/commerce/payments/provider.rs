//! A provider as they are: it speaks as `PaymentIntents` do, keeps each idempotency key's answer, and fails, hangs, repeats and
//! loses answers as it is told. Its journal counts what was really done.
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use loadmaster_testkit::Dice;
use serde_json::{Value, json};

pub const SECRET: &str = "sk_test_of_the_provider";

/// What goes wrong with the next request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: it answers.
    None,
    /// It fails before it acts.
    FailsFirst(u16),
    /// It acts, and its answer is a failure.
    FailsAfter(u16),
    /// It acts, and never answers.
    Hangs,
    /// It acts, and the connection breaks.
    Breaks,
    /// It acts, and answers something else.
    Babbles,
    /// It acts, and answers without an end.
    Floods,
    /// It acts, and sends the caller elsewhere.
    Redirects,
    /// It answers as late as it may.
    Late,
    /// The request never arrives.
    Loses,
    /// The request arrives so many milliseconds later, though its caller may have gone by then.
    Delays(u64),
    /// It acts, and answers so many milliseconds later.
    AnswersLate(u64),
    /// The request arrives once more, so many milliseconds later.
    Repeats(u64),
}

impl Trouble {
    /// What may happen to any request; hanging costs the caller's whole patience.
    fn of(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..35 => Self::AnswersLate(50 + dice.below(1000)),
            35..50 => Self::Delays(50 + dice.below(1000)),
            50..60 => Self::Breaks,
            60..70 => Self::Loses,
            70..80 => Self::Repeats(50 + dice.below(1000)),
            80..86 => Self::FailsAfter(500),
            86..92 => Self::FailsFirst(503),
            92..96 => Self::Babbles,
            96..98 => Self::Redirects,
            _ => Self::Hangs,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Intent {
    pub status: &'static str,
    pub amount: i64,
    currency: String,
    pub received: i64,
    pub refunded: i64,
    pub operation: String,
    pub payment: String,
}

#[derive(Default)]
struct Books {
    intents: BTreeMap<String, Intent>,
    /// The request and answer under each key.
    keys: BTreeMap<String, (String, u16, Value)>,
    /// What was done: kind, amount, and under which key.
    journal: Vec<(&'static str, i64, String)>,
    troubles: VecDeque<Trouble>,
    /// Requests that changed something or asked to.
    asked: Vec<(String, String)>,
    /// What a search finds nothing of yet.
    is_search_behind: bool,
    /// How many requests in a hundred meet a trouble, and which.
    weather: Option<(u64, Dice)>,
    /// Payments that have changed, in the order in which they did.
    changed: Vec<String>,
}

impl Books {
    fn trouble(&mut self) -> Trouble {
        if let Some(expected) = self.troubles.pop_front() {
            return expected;
        }
        let Some((percent, dice)) = &mut self.weather else { return Trouble::None };
        if dice.below(100) < *percent { Trouble::of(dice) } else { Trouble::None }
    }

    /// Whether a question fails or finds nothing.
    fn is_deaf(&mut self) -> bool {
        self.weather.as_mut().is_some_and(|(percent, dice)| dice.below(200) < *percent)
    }
}

#[derive(Clone, Default)]
pub struct Hostile {
    books: Arc<Mutex<Books>>,
    address: String,
}

impl Hostile {
    pub async fn start() -> Self {
        let mut hostile = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        hostile.address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/payment_intents", post(create))
            .route("/v1/payment_intents/search", get(search))
            .route("/v1/payment_intents/{id}", get(show))
            .route("/v1/payment_intents/{id}/{verb}", post(change))
            .route("/v1/refunds", post(refund))
            .with_state(hostile.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hostile
    }

    pub fn url(&self) -> String {
        self.address.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// The next requests that change something meet these, in order.
    pub fn expect(&self, troubles: &[Trouble]) {
        self.books().troubles.extend(troubles);
    }

    /// What is still expected does not come.
    pub fn forget_expected(&self) {
        self.books().troubles.clear();
    }

    /// Of a hundred requests from now on so many meet a trouble, as the seed chooses.
    pub fn weather(&self, percent: u64, seed: u64) {
        self.books().weather = (percent > 0).then_some((percent, Dice::new(seed)));
    }

    /// All payments by their references.
    pub fn intents(&self) -> BTreeMap<String, Intent> {
        self.books().intents.clone()
    }

    /// What was done: kind, amount and the key under which it was asked for.
    pub fn journal(&self) -> Vec<(&'static str, i64, String)> {
        self.books().journal.clone()
    }

    /// The payments that have changed since this was asked last.
    pub fn changed(&self) -> Vec<String> {
        std::mem::take(&mut self.books().changed)
    }

    pub fn search_is_behind(&self, is_behind: bool) {
        self.books().is_search_behind = is_behind;
    }

    /// What was done, in order: `AUTHORIZE 10000`.
    pub fn done(&self) -> Vec<String> {
        self.books().journal.iter().map(|(kind, amount, _)| format!("{kind} {amount}")).collect()
    }

    /// The paths and forms of the requests so far.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.books().asked.clone()
    }

    /// Does what a payer or the bank does with a payment that waits for it.
    pub fn settle(&self, id: &str, status: &'static str) {
        let mut books = self.books();
        let intent = books.intents.get_mut(id).unwrap();
        if !matches!(intent.status, "requires_action" | "processing") {
            return;
        }
        intent.status = status;
        books.changed.push(id.to_owned());
        let intent = &books.intents[id];
        if status == "requires_capture" {
            let (amount, operation) = (intent.amount, intent.operation.clone());
            books.journal.push(("AUTHORIZE", amount, operation));
        }
    }

    /// Falsifies what it says about a payment.
    pub fn lie(&self, id: &str, refunded: i64) {
        self.books().intents.get_mut(id).unwrap().refunded = refunded;
    }
}

fn form(body: &Bytes) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn shown(id: &str, intent: &Intent) -> Value {
    let mut shown = json!({
        "id": id, "object": "payment_intent", "status": intent.status, "amount": intent.amount,
        "currency": intent.currency, "amount_received": intent.received, "next_action": null,
        "last_payment_error": null, "latest_charge": {"amount_refunded": intent.refunded},
    });
    if intent.status == "requires_action" {
        shown["next_action"] = json!({"type": "redirect_to_url",
                                      "redirect_to_url": {"url": format!("https://bank.example/{id}")}});
    }
    if intent.status == "requires_payment_method" {
        shown["last_payment_error"] = json!({"type": "card_error", "code": "card_declined",
                                             "message": "Jane Doe's card was declined"});
    }
    shown
}

fn fault(status: u16, kind: &str, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"error": {"type": kind, "code": code, "message": message}}))
}

/// A change that is asked for, and how it is made.
#[derive(Clone)]
struct Change<F> {
    hostile: Hostile,
    key: String,
    request: String,
    form: BTreeMap<String, String>,
    act: F,
}

impl<F> Change<F>
where
    F: Fn(&mut Books, &str, &BTreeMap<String, String>) -> (u16, Value) + Clone + Send + 'static,
{
    /// Makes it once per key.
    fn make(&self) -> (u16, Value) {
        let mut books = self.hostile.books();
        match books.keys.get(&self.key) {
            Some((known, status, value)) if *known == self.request => (*status, value.clone()),
            Some(_) => fault(400, "idempotency_error", "", "the key was used with other parameters"),
            None => {
                let (status, value) = (self.act)(&mut books, &self.key, &self.form);
                books.keys.insert(self.key.clone(), (self.request.clone(), status, value.clone()));
                (status, value)
            }
        }
    }

    /// Makes it later, whether or not anybody waits for it.
    fn make_later(&self, milliseconds: u64) -> tokio::task::JoinHandle<(u16, Value)> {
        let later = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            later.make()
        })
    }
}

/// Answers a change once per key, and then meets the trouble that comes next.
async fn once(
    hostile: &Hostile,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
    act: impl Fn(&mut Books, &str, &BTreeMap<String, String>) -> (u16, Value) + Clone + Send + 'static,
) -> Response {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    if authorization != Some(&format!("Bearer {SECRET}")) {
        let (status, fault) = fault(401, "invalid_request_error", "invalid_api_key", "no such key");
        return answered(status, &fault);
    }
    assert_eq!(headers["stripe-version"], "2023-08-16");
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let trouble = {
        let mut books = hostile.books();
        books.asked.push((path.to_owned(), text.clone()));
        books.trouble()
    };
    let change = Change { hostile: hostile.clone(), key, request: format!("{path} {text}"), form: form(body), act };
    match trouble {
        Trouble::FailsFirst(status) => {
            let (_, fault) = fault(status, "api_error", "try_again", "not now");
            return answered(status, &fault);
        }
        Trouble::Loses => panic!("the connection breaks"),
        Trouble::Delays(milliseconds) => {
            let (status, value) = change.make_later(milliseconds).await.unwrap();
            return answered(status, &value);
        }
        Trouble::Repeats(milliseconds) => drop(change.make_later(milliseconds)),
        _ => {}
    }
    let (status, value) = change.make();
    match trouble {
        Trouble::None | Trouble::FailsFirst(_) | Trouble::Loses | Trouble::Delays(_) | Trouble::Repeats(_) => {
            answered(status, &value)
        }
        Trouble::AnswersLate(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            answered(status, &value)
        }
        Trouble::FailsAfter(status) => answered(status, &json!({"error": {"type": "api_error"}})),
        Trouble::Hangs => std::future::pending().await,
        Trouble::Breaks => panic!("the connection breaks"),
        Trouble::Babbles => (StatusCode::OK, "<html>It works!</html>").into_response(),
        Trouble::Floods => (StatusCode::OK, "x".repeat(1 << 20)).into_response(),
        Trouble::Redirects => (StatusCode::FOUND, [("location", "http://127.0.0.1:9/")]).into_response(),
        Trouble::Late => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            answered(status, &value)
        }
    }
}

fn answered(status: u16, value: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(value.clone())).into_response()
}

async fn create(State(hostile): State<Hostile>, headers: HeaderMap, body: Bytes) -> Response {
    once(&hostile, "/v1/payment_intents", &headers, &body, |books, key, form| {
        let amount: i64 = form["amount"].parse().unwrap();
        assert_eq!((form["capture_method"].as_str(), form["confirm"].as_str()), ("manual", "true"));
        assert_eq!(form["metadata[operation_id]"], key, "a search finds it");
        let has = |name: &str, value: &str| form.get(name).is_some_and(|own| own == value);
        let is_without_redirects = has("automatic_payment_methods[enabled]", "true")
            && has("automatic_payment_methods[allow_redirects]", "never");
        if !form.contains_key("return_url") && !is_without_redirects {
            return fault(400, "invalid_request_error", "", "a confirmation says what becomes of redirects");
        }
        let Some(token) = form.get("payment_method") else {
            return fault(400, "invalid_request_error", "parameter_missing", "missing a payment method");
        };
        let status = match token.as_str() {
            "pm_action" => "requires_action",
            "pm_processing" => "processing",
            "pm_poor" => "requires_payment_method",
            token if token.starts_with("pm_card") => "requires_capture",
            token => {
                return fault(402, "card_error", &format!("no_{token}"), &format!("No such method: {token}"));
            }
        };
        let id = format!("pi_{}", books.intents.len() + 1);
        let currency = form["currency"].clone();
        let (operation, payment) = (key.to_owned(), form["metadata[payment_id]"].clone());
        let intent = Intent { status, amount, currency, received: 0, refunded: 0, operation, payment };
        books.changed.push(id.clone());
        if status == "requires_capture" {
            books.journal.push(("AUTHORIZE", amount, key.to_owned()));
        }
        let value = shown(&id, &intent);
        books.intents.insert(id, intent);
        if status == "requires_payment_method" {
            return (
                402,
                json!({"error": {"type": "card_error", "code": "card_declined",
                                          "decline_code": "insufficient_funds", "message": "Jane Doe has no money"}}),
            );
        }
        (200, value)
    })
    .await
}

async fn show(State(hostile): State<Hostile>, Path(id): Path<String>) -> Response {
    let mut books = hostile.books();
    if books.is_deaf() {
        return answered(503, &json!({"error": {"type": "api_error"}}));
    }
    match books.intents.get(&id) {
        Some(intent) => answered(200, &shown(&id, intent)),
        None => answered(404, &json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}})),
    }
}

async fn search(State(hostile): State<Hostile>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let mut books = hostile.books();
    let is_behind = books.is_deaf() || books.is_search_behind;
    let wanted = query["query"].strip_prefix("metadata['operation_id']:'").unwrap().strip_suffix('\'').unwrap();
    let found = books.intents.iter().filter(|(_, intent)| intent.operation == wanted && !is_behind);
    let found: Vec<Value> = found.map(|(id, intent)| shown(id, intent)).collect();
    answered(200, &json!({"object": "search_result", "data": found}))
}

async fn change(
    State(hostile): State<Hostile>,
    Path((id, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    once(&hostile, &format!("/v1/payment_intents/{id}/{verb}"), &headers, &body, move |books, key, form| {
        let Some(intent) = books.intents.get_mut(&id) else {
            return fault(404, "invalid_request_error", "resource_missing", "no such intent");
        };
        match (verb.as_str(), intent.status) {
            ("capture", "requires_capture") => {
                (intent.status, intent.received) = ("succeeded", form["amount_to_capture"].parse().unwrap());
                books.journal.push(("CAPTURE", intent.received, key.to_owned()));
            }
            ("cancel", "requires_capture" | "requires_action" | "processing") => {
                intent.status = "canceled";
                books.journal.push(("VOID", intent.amount, key.to_owned()));
            }
            _ => return fault(400, "invalid_request_error", "payment_intent_unexpected_state", "not now"),
        }
        books.changed.push(id.clone());
        (200, shown(&id, &books.intents[&id]))
    })
    .await
}

async fn refund(State(hostile): State<Hostile>, headers: HeaderMap, body: Bytes) -> Response {
    once(&hostile, "/v1/refunds", &headers, &body, |books, key, form| {
        let amount: i64 = form["amount"].parse().unwrap();
        let intent = books.intents.get_mut(&form["payment_intent"]).unwrap();
        if intent.refunded + amount > intent.received {
            return fault(400, "invalid_request_error", "charge_already_refunded", "too much");
        }
        intent.refunded += amount;
        books.journal.push(("REFUND", amount, key.to_owned()));
        (200, json!({"id": format!("re_{}", books.journal.len()), "status": "succeeded", "amount": amount}))
    })
    .await
}
