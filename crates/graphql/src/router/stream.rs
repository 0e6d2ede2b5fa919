//! Subscriptions by graphql-sse, in its mode of distinct connections: the streams of REST, shown as the client asked.
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{
    PathSegment, Request as Execution, Response as Executed, ServerError, Value, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationType},
};
use axum::{body::Body, response::Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use loadmaster_platform::web::Problem;
use serde_json::{Map, Value as Json};

use super::{
    events::{COMPLETE, events, next},
    frames::{Frames, Part},
    request::{Asked, invalid},
    service::{Client, GraphqlService, count, refuse_invalid},
};
use crate::{
    metric::{self, OPERATIONS},
    model::{Answer, Root},
    operations::RESET,
    resolve::Event,
    rest::{LAST_EVENT_ID, Refused},
};

/// A subscription that shows events.
struct Subscription {
    service: GraphqlService,
    client: Client,
    document: ExecutableDocument,
    variables: Variables,
    root: Root,
    /// Why the client must forget what it knew, until the next event says it.
    reset: Option<Json>,
}

/// Opens the stream of a subscription. A refusal is its only event.
pub(crate) async fn follow(service: &GraphqlService, client: &Client, asked: Asked) -> Result<Response, Problem> {
    let keys = asked.root_keys();
    let Asked { document, variables, .. } = asked;
    let document = as_query(document);
    let opening = service.share(client, Event::Opening(Mutex::default()), true)?;
    let mut execution = Execution::new("").variables(variables.clone()).data(opening.clone());
    execution.set_parsed_query(document.clone());
    refuse_invalid(&service.show(execution).await?)?;
    let Event::Opening(calls) = &opening.event else { return Err(one_field()) };
    let mut calls = std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
    let (Some((root, mut call)), true) = (calls.pop(), calls.is_empty()) else { return Err(one_field()) };
    call.last_event_id = client.headers.get(LAST_EVENT_ID).cloned();
    let response = opening.rest.send(call).await;
    if !response.status().is_success() {
        return Ok(refusal(response, keys.first().map_or(root.name, |key| key.as_str())).await);
    }
    OPERATIONS.with([metric::FOLLOWED]).increment(1);
    let (service, client) = (service.clone(), client.copy());
    let subscription = Subscription { service, client, document, variables, root, reset: None };
    Ok(response.map(|body| subscription.body(body)))
}

fn one_field() -> Problem {
    invalid("/query", "A subscription has exactly one field at its root.")
}

/// Returns the document with its subscription as a query of the schema that shows events.
fn as_query(mut document: ExecutableDocument) -> ExecutableDocument {
    if let DocumentOperations::Single(operation) = &mut document.operations {
        operation.node.ty = OperationType::Query;
    }
    document
}

async fn refusal(response: Response, key: &str) -> Response {
    let refused = Refused::of(response).await;
    let error = refused.at(None).with_path(vec![PathSegment::Field(key.to_owned())]);
    let data = Value::Object(std::iter::once((async_graphql::Name::new(key), Value::Null)).collect());
    let mut executed = Executed::new(data);
    executed.errors.push(error);
    count(&executed);
    events(next(None, &written(&executed)) + COMPLETE)
}

fn written(executed: &Executed) -> String {
    serde_json::to_string(executed).unwrap_or_else(|_| "{\"data\":null}".to_owned())
}

impl Subscription {
    /// Returns the body of the stream: what REST sends, event by event. Comments and pauses pass unchanged.
    fn body(mut self, mut body: Body) -> Body {
        Body::from_stream(async_stream::stream! {
            let mut frames = Frames::default();
            while let Some(frame) = body.frame().await {
                let bytes = match frame {
                    Ok(frame) => frame.into_data().unwrap_or_default(),
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                };
                for part in frames.push(&bytes) {
                    if let Some(text) = self.shown(part).await {
                        yield Ok(Bytes::from(text));
                    }
                }
            }
        })
    }

    async fn shown(&mut self, part: Part) -> Option<String> {
        let (id, name, data) = match part {
            Part::Line(line) => return Some(line),
            Part::Event { id, name, data } => (id, name, data),
        };
        let Ok(data) = serde_json::from_str::<Json>(&data) else {
            return id.map(|id| format!("id: {id}\n\n"));
        };
        if name == RESET {
            self.reset = data.get("reason").cloned();
            return None;
        }
        let executed = self.executed(&name, data).await;
        Some(next(id.as_deref(), &written(&executed)))
    }

    async fn executed(&mut self, name: &str, data: Json) -> Executed {
        let mut event = match (&self.root.answer, data) {
            (Answer::Events { is_whole: true, .. }, Json::Object(members)) => members,
            (_, data) => Map::from_iter([(name.to_owned(), data)]),
        };
        if let Some(reason) = self.reset.take() {
            event.insert(RESET.to_owned(), reason);
        }
        let failed = |problem: Problem| Executed::from_errors(vec![ServerError::new(problem.detail(), None)]);
        let shared = match self.service.share(&self.client, Event::Shown(Json::Object(event)), true) {
            Ok(shared) => shared,
            Err(problem) => return failed(problem),
        };
        let mut execution = Execution::new("").variables(self.variables.clone()).data(Arc::clone(&shared));
        execution.set_parsed_query(self.document.clone());
        self.service.show(execution).await.unwrap_or_else(failed)
    }
}
