//! Executes operations: reads, measures, charges, then lets REST answer.
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::{
    Request as Execution, Response as Executed, Value, indexmap::IndexMap, parser::types::OperationType,
};
use axum::{
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use loadmaster_accounts::{CallerQuotas, Principal};
use loadmaster_platform::{
    rate_limit::Verdict,
    room::Below,
    tasks::Tasks,
    web::{ClientAddress, PRIVATE, Problem, digest_of},
};
use tokio::{sync::OnceCell, task::spawn_blocking};
use utoipa::openapi::OpenApi;

use super::{
    events::{COMPLETE, events, next},
    request::{Asked, Form, invalid},
};
use crate::{
    built::Built,
    cost::{self, Bounds, Cost},
    error::code,
    load::{Loaders, Services},
    metric::{self, OPERATIONS},
    resolve::{Event, Shared},
    rest::{Called, Rest},
    unfit::Unfit,
};

/// Units of complexity that count as one request.
const UNITS: u64 = 200;

/// Executes operations. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GraphqlService(Arc<Parts>);

struct Parts {
    document: fn() -> OpenApi,
    /// The schema, built by the first request that needs it.
    built: OnceCell<anyhow::Result<Built>>,
    sdl: OnceLock<Sdl>,
    routes: Called,
    services: Services,
    quotas: CallerQuotas,
    tasks: Tasks,
    bounds: Bounds,
}

/// The caller of a request, and what its answer has to look like.
pub(crate) struct Client {
    pub extensions: Extensions,
    pub headers: HeaderMap,
    pub form: Form,
}

/// The schema in its definition language, with its entity tag.
pub(crate) struct Sdl {
    pub text: Bytes,
    pub tag: String,
}

impl Sdl {
    fn new(text: String) -> Self {
        let digest = digest_of(&[&text]).first_chunk().copied().unwrap_or_default();
        let tag = format!("{:032x}", u128::from_be_bytes(digest));
        Self { text: text.into(), tag }
    }
}

impl GraphqlService {
    pub fn new(below: Below, services: Services, quotas: CallerQuotas, tasks: Tasks, bounds: Bounds) -> Self {
        let Below { router, document, leads_to } = below;
        let routes = Called { router, leads_to };
        Self(Arc::new(Parts {
            document,
            built: OnceCell::new(),
            sdl: OnceLock::new(),
            routes,
            services,
            quotas,
            tasks,
            bounds,
        }))
    }

    /// Waits for the schema, which the first request builds in a task of its own: a client that hangs up cancels nothing, and
    /// other requests wait for it.
    pub async fn prepare(&self) -> Result<(), Problem> {
        if self.0.built.initialized() {
            return Ok(());
        }
        let parts = self.0.clone();
        let building = tokio::spawn(async move {
            let document = parts.document;
            let build = || spawn_blocking(move || Built::new(&document()));
            parts.built.get_or_try_init(build).await.map(drop)
        });
        building.await.and_then(|built| built).map_err(|_| stopping())
    }

    /// Returns the schema, for which the request has waited.
    pub fn built(&self) -> Result<&Built, Problem> {
        let built = self.0.built.get().ok_or_else(stopping)?;
        built.as_ref().map_err(|error| Problem::internal(&error))
    }

    pub fn sdl(&self) -> Result<&Sdl, Problem> {
        let built = self.built()?;
        Ok(self.0.sdl.get_or_init(|| Sdl::new(built.sdl())))
    }

    pub fn measure(&self, asked: &Asked) -> Result<Cost, Problem> {
        let built = self.built()?;
        let name = asked.operation_name.as_deref();
        let cost = cost::measure(&built.model, &asked.document, name, &asked.variables, self.0.bounds);
        cost.map_err(|unfit| match unfit {
            Unfit::TooComplex(text) => Problem::new(code::QUERY_TOO_COMPLEX, text),
            Unfit::Invalid(text) => invalid("/query", &text),
        })
    }

    /// Counts an operation as this many requests, of which the first is counted already. Returns what is left of the quota, if
    /// there is a limit.
    pub async fn charge(&self, client: &Client, requests: u64) -> Result<Option<Verdict>, Problem> {
        let mut left = None;
        let Some(address) = client.extensions.get::<ClientAddress>().copied() else { return Ok(left) };
        for further in (1..requests).rev() {
            let Some(verdict) = self.0.quotas.count(client.caller(), address).await else { return Ok(None) };
            // An operation for which it does not suffice is refused at the first: the rest stays for other requests.
            if !verdict.is_admitted || u64::from(verdict.remaining) + 1 < further {
                let what = format!("send {} requests, of which this operation counts as {requests},", verdict.limit);
                return Err(Problem::quota_used_up(verdict, &what));
            }
            left = Some(verdict);
        }
        Ok(left)
    }

    pub async fn execute(&self, client: &Client, asked: Asked) -> Result<Response, Problem> {
        let keys = asked.root_keys();
        // What a mutation shows may change before its next field.
        let remembers = asked.operation().is_none_or(|operation| operation.node.ty == OperationType::Query);
        let Asked { document, operation_name, variables } = asked;
        let shared = self.share(client, Event::None, remembers)?;
        let mut execution = Execution::new("").variables(variables).data(shared.clone());
        execution.operation_name = operation_name;
        execution.set_parsed_query(document);
        let mut executed = self.built()?.schemas.whole.execute(execution).await;
        refuse_invalid(&executed)?;
        put_in_order(&mut executed, &keys);
        let replayed = std::mem::take(&mut *shared.replayed.lock().unwrap_or_else(PoisonError::into_inner));
        if !replayed.is_empty() {
            executed = executed.extension("replayed", replayed.into());
        }
        count(&executed);
        respond(&executed, client.form)
    }

    /// Executes it also when the client hangs up: no change stops half-way.
    pub async fn execute_to_the_end(&self, client: &Client, asked: Asked) -> Result<Response, Problem> {
        let (this, client) = (self.clone(), client.copy());
        self.0.tasks.to_the_end(async move { this.execute(&client, asked).await }).await
    }

    /// Returns what the fields of an execution share; whether what they have read is remembered.
    pub fn share(&self, client: &Client, event: Event, remembers: bool) -> Result<Arc<Shared>, Problem> {
        Ok(Arc::new(Shared {
            model: self.built()?.model.clone(),
            rest: self.rest(client),
            loaders: Loaders::new(&self.0.services, client.caller().as_ref(), remembers),
            event,
            replayed: Mutex::default(),
        }))
    }

    pub fn rest(&self, client: &Client) -> Rest {
        Rest::new(self.0.routes.clone(), client.extensions.clone(), &client.headers)
    }

    /// Executes a subscription's selection over one event.
    pub async fn show(&self, execution: Execution) -> Result<Executed, Problem> {
        Ok(self.built()?.schemas.events.execute(execution).await)
    }
}

/// A schema is missing only when the runtime shuts down.
fn stopping() -> Problem {
    Problem::unavailable("This instance is shutting down.")
}

/// Returns the number of requests that an operation counts as: those for its complexity, and at least its calls of REST.
pub(crate) fn requests(asked: &Asked, cost: &Cost) -> u64 {
    let calls = if cost.kind == OperationType::Subscription { 1 } else { asked.calls() };
    cost.complexity.div_ceil(UNITS).max(calls)
}

impl Client {
    pub fn caller(&self) -> Option<Principal> {
        self.extensions.get().copied()
    }

    pub fn copy(&self) -> Self {
        Self { extensions: self.extensions.clone(), headers: self.headers.clone(), form: self.form }
    }
}

/// Refuses what the validation has found: errors without a path, before anything ran.
pub(crate) fn refuse_invalid(executed: &Executed) -> Result<(), Problem> {
    if executed.data != Value::Null || executed.errors.is_empty() || executed.errors.iter().any(|e| !e.path.is_empty())
    {
        return Ok(());
    }
    let texts = executed.errors.iter().take(10).map(|error| match error.locations.first() {
        Some(place) => {
            format!("{} (line {}, column {})", error.message.trim_end_matches('.'), place.line, place.column)
        }
        None => error.message.trim_end_matches('.').to_owned(),
    });
    let texts: Vec<String> = texts.collect();
    Err(invalid("/query", &format!("{}.", texts.join("; "))))
}

/// Puts the fields of the root in the order of the document: they end in any order.
fn put_in_order(executed: &mut Executed, keys: &[async_graphql::Name]) {
    if let Value::Object(fields) = &mut executed.data
        && keys.len() > 1
    {
        let mut ordered = IndexMap::new();
        for key in keys {
            if let Some(value) = fields.shift_remove(key) {
                ordered.insert(key.clone(), value);
            }
        }
        ordered.append(fields);
        *fields = ordered;
    }
}

pub(crate) fn count(executed: &Executed) {
    let outcome = if executed.errors.is_empty() { metric::ANSWERED } else { metric::ERRORS };
    OPERATIONS.with([outcome]).increment(1);
}

fn respond(executed: &Executed, form: Form) -> Result<Response, Problem> {
    let body = serde_json::to_string(executed).map_err(|error| Problem::internal(&error))?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()))];
    if form == Form::Events {
        return Ok(events(next(None, &body) + COMPLETE));
    }
    Ok((kind, [(header::CACHE_CONTROL, PRIVATE)], body).into_response())
}
