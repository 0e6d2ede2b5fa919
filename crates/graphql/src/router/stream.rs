//! Subscriptions by graphql-sse, in its mode of distinct connections: the streams of REST, shown as the client asked.
use axum::{body::Body, response::Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use loadmaster_platform::web::Problem;
use serde_json::{Map, Value as Json};

use super::{
    document::Prepared,
    events::{COMPLETE, events, next},
    frames::{Frames, Part},
    service::{Client, GraphqlService, count},
};
use crate::{
    execute::Executor,
    metric::{self, OPERATIONS},
    model::Answer,
    operations::RESET,
    plan::{PlannedCall, RootField, RootSource},
    rest::{LAST_EVENT_ID, Refused},
    unfit::Unfit,
    write::Executed,
};

/// A subscription that shows events.
struct Subscription {
    executor: Executor,
    prepared: Prepared,
    /// Why the client must forget what it knew, until the next event says it.
    reset: Option<Json>,
}

/// Opens the stream of a subscription. A refusal is its only event.
pub(crate) async fn follow(service: &GraphqlService, client: &Client, prepared: Prepared) -> Result<Response, Problem> {
    let (field, planned) = only_call(&prepared)?;
    let executor = service.executor(client)?;
    let mut call = executor.call(planned, &prepared.values);
    call.last_event_id = client.headers.get(LAST_EVENT_ID).cloned();
    let response = executor.rest.send(call).await;
    if !response.status().is_success() {
        return Ok(refusal(response, &field.key).await);
    }
    OPERATIONS.with([metric::FOLLOWED]).increment(1);
    let subscription = Subscription { executor, prepared, reset: None };
    Ok(response.map(|body| subscription.body(body)))
}

fn only_call(prepared: &Prepared) -> Result<(&RootField, &PlannedCall), Unfit> {
    match prepared.plan.fields.as_slice() {
        [field @ RootField { source: RootSource::Call(planned), .. }] => Ok((field, planned)),
        _ => Err(Unfit::Invalid("A subscription has exactly one field at its root.".to_owned())),
    }
}

async fn refusal(response: Response, key: &str) -> Response {
    let mut executed = Executed::default();
    executed.add_refused(key, None, &Refused::of(response).await);
    count(&executed);
    events(next(None, &executed.written()) + COMPLETE)
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
        Some(next(id.as_deref(), &executed.written()))
    }

    async fn executed(&mut self, name: &str, data: Json) -> Executed {
        let Ok((field, planned)) = only_call(&self.prepared) else { return Executed::default() };
        let mut event = match (&planned.root.answer, data) {
            (Answer::Events { is_whole: true, .. }, Json::Object(members)) => members,
            (_, data) => Map::from_iter([(name.to_owned(), data)]),
        };
        if let Some(reason) = self.reset.take() {
            event.insert(RESET.to_owned(), reason);
        }
        self.executor.event(field, event.into()).await
    }
}
