//! Execution: the calls of a plan, what their answers refer to, and the result.
use std::sync::Arc;

use async_graphql_value::{ConstValue as Value, Variables};
use futures_util::future::join_all;
use loadmaster_accounts::Principal;
use serde_json::{Map, Value as Json, json};

use super::{
    introspection::answer,
    load::{Services, Wanted},
    model::{Answer, Model, Place},
    operations::OLDER,
    page::{CURSOR, EDGES, END_CURSOR, HAS_NEXT_PAGE, NODE, NODES, PAGE_INFO, TOTAL},
    plan::{Plan, PlannedCall, RootField, RootSource, Shown},
    rest::{Answered, Call, Refused, Rest, encoded},
    value::{sent, text},
    values::arguments,
    write::{Executed, write_quoted},
};

/// Executes plans in the name of a caller.
pub(crate) struct Executor {
    pub model: Arc<Model>,
    pub rest: Rest,
    pub services: Services,
    pub caller: Option<Principal>,
}

/// What became of a field of the root.
enum Outcome {
    /// It calls nothing; its value as JSON.
    Written(Vec<u8>),
    Answered(Shaped),
    Refused(Refused),
}

/// An answer in the form that is shown.
pub(crate) struct Shaped {
    json: Json,
    /// Its type, if it may have several.
    of: Option<String>,
    is_replayed: bool,
}

impl Executor {
    /// Executes a query, whose fields are called at once.
    pub async fn query(&self, plan: &Plan, values: &Variables) -> Executed {
        let outcomes = join_all(plan.fields.iter().map(|field| self.outcome(field, values))).await;
        let mut executed = Executed::default();
        self.show(plan.fields.iter().zip(outcomes).collect(), &mut executed).await;
        executed
    }

    /// Executes a mutation, field by field: what one shows may be changed by the next.
    pub async fn mutation(&self, plan: &Plan, values: &Variables) -> Executed {
        let mut executed = Executed::default();
        for field in &plan.fields {
            let outcome = self.outcome(field, values).await;
            self.show(vec![(field, outcome)], &mut executed).await;
        }
        executed
    }

    /// Shows an event of a stream.
    pub async fn event(&self, field: &RootField, event: Json) -> Executed {
        let mut executed = Executed::default();
        let shaped = Shaped { json: event, of: None, is_replayed: false };
        self.show(vec![(field, Outcome::Answered(shaped))], &mut executed).await;
        executed
    }

    async fn outcome(&self, field: &RootField, values: &Variables) -> Outcome {
        match &field.source {
            RootSource::TypeName(name) => {
                let mut written = Vec::new();
                write_quoted(&mut written, name);
                Outcome::Written(written)
            }
            RootSource::Question(question) => Outcome::Written(answer(&self.model, question, values)),
            RootSource::Call(planned) => match self.rest.call(self.call(planned, values)).await {
                Ok(answered) => Outcome::Answered(Shaped::new(planned, answered)),
                Err(refused) => Outcome::Refused(refused),
            },
        }
    }

    /// Returns the request that a field makes.
    pub fn call(&self, planned: &PlannedCall, values: &Variables) -> Call {
        let PlannedCall { root, field, shown, .. } = planned;
        let arguments = arguments(&field.node, values);
        let method = root.method.parse().unwrap_or_default();
        let mut call = Call { method, template: root.path.clone(), ..Call::default() };
        let (mut path, mut query) = (root.path.clone(), Vec::new());
        for argument in &root.arguments {
            let Some((_, value)) = arguments.iter().find(|(name, _)| name.as_str() == argument.name) else { continue };
            match (&argument.place, text(value)) {
                (Place::Path(name), text) => {
                    let segment = encoded(&text.unwrap_or_default());
                    path = path.replace(&format!("{{{name}}}"), &segment);
                }
                (Place::Query(name), Some(text)) => query.push(format!("{}={}", encoded(name), encoded(&text))),
                (Place::IdempotencyKey, text) => call.idempotency_key = text,
                (Place::IfMatch, text) => call.if_match = text.map(|tag| quoted(&tag)),
                (Place::Body, _) if *value != Value::Null => call.body = Some(sent(&self.model, &argument.of, value)),
                _ => {}
            }
        }
        // Pages that can be counted have this member, and nothing else has.
        if shown.shows(TOTAL) {
            query.push("count=true".to_owned());
        }
        call.target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        call
    }

    /// Reads what the answers refer to, and writes them.
    async fn show(&self, outcomes: Vec<(&RootField, Outcome)>, executed: &mut Executed) {
        let mut wanted = Wanted::new(self.caller.as_ref());
        for (field, outcome) in &outcomes {
            if let (RootSource::Call(planned), Outcome::Answered(shaped)) = (&field.source, outcome)
                && planned.has_relations
            {
                match planned.shown.of_type(shaped.of.as_deref()) {
                    Some(fields) => wanted.add_of(fields, &shaped.json),
                    None => wanted.add(&planned.shown, &shaped.json),
                }
            }
        }
        let related = self.services.read(wanted).await;
        for (field, outcome) in outcomes {
            let RootField { key, source } = field;
            match (source, outcome) {
                (_, Outcome::Written(json)) => executed.add(key, &json),
                (RootSource::Call(planned), Outcome::Answered(Shaped { json, of, is_replayed })) => {
                    executed.add_answer(key, planned, (&json, of.as_deref()), &related);
                    if is_replayed {
                        executed.replayed.push(key.clone());
                    }
                }
                (RootSource::Call(planned), Outcome::Refused(refused)) => {
                    executed.add_refused(key, Some(planned.field.pos), &refused);
                }
                (_, Outcome::Answered(_) | Outcome::Refused(_)) => executed.add(key, b"null"),
            }
        }
    }
}

/// Returns an entity tag as a header has it. The quotes may be left out: a text in a text would need them escaped.
fn quoted(tag: &str) -> String {
    let is_complete = tag.is_empty() || tag == "*" || tag.contains('"');
    if is_complete { tag.to_owned() } else { format!("\"{tag}\"") }
}

impl Shaped {
    fn new(planned: &PlannedCall, answered: Answered) -> Self {
        let is_replayed = answered.is_replayed();
        let mut of = None;
        let json = match &planned.root.answer {
            Answer::One(_) | Answer::Events { .. } => {
                let older = answered.cursor("prev");
                let mut body = answered.body;
                if let (Some(older), Json::Object(members)) = (older, &mut body) {
                    members.insert(OLDER.to_owned(), older.into());
                }
                body
            }
            Answer::Union(_, types) => {
                let found = types.iter().find(|(status, _)| *status == answered.status).or(types.first());
                of = found.map(|(_, name)| name.clone());
                answered.body
            }
            Answer::List(_) => answered.body,
            Answer::Connection(..) => page(&planned.shown, answered),
        };
        Self { json, of, is_replayed }
    }
}

/// Returns a page of a list as its type describes it, with what is shown of it.
fn page(shown: &Shown, answered: Answered) -> Json {
    let (end, total) = (answered.cursor("next"), answered.total());
    let Json::Array(entries) = answered.body else { return Json::Null };
    let mut page = Map::new();
    if shown.shows(EDGES) {
        let last = entries.len().saturating_sub(1);
        let edge = |(number, entry): (usize, &Json)| {
            let cursor = end.as_ref().filter(|_| number == last);
            json!({CURSOR: cursor, NODE: entry})
        };
        page.insert(EDGES.to_owned(), entries.iter().enumerate().map(edge).collect());
    }
    if shown.shows(NODES) {
        page.insert(NODES.to_owned(), entries.into());
    }
    page.insert(PAGE_INFO.to_owned(), json!({HAS_NEXT_PAGE: end.is_some(), END_CURSOR: end}));
    page.insert(TOTAL.to_owned(), total.into());
    page.into()
}
