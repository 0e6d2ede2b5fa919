//! Executes operations: reads, measures, charges, then lets REST answer.
use std::sync::{Arc, OnceLock};

use async_graphql_value::Variables;
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
    document::{Document, Documents, Prepared},
    events::{COMPLETE, events, next},
    request::{Asked, Form},
};
use crate::{
    cost::{Bounds, Cost},
    described::derive,
    execute::Executor,
    load::Services,
    metric::{self, OPERATIONS},
    model::Model,
    rest::{Called, Rest},
    write::Executed,
};

/// Executes operations. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GraphqlService(Arc<Parts>);

struct Parts {
    document: fn() -> OpenApi,
    /// The schema, built by the first request that needs it.
    model: OnceCell<anyhow::Result<Arc<Model>>>,
    sdl: OnceLock<Sdl>,
    routes: Called,
    documents: Documents,
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
            model: OnceCell::new(),
            sdl: OnceLock::new(),
            routes,
            documents: Documents::default(),
            services,
            quotas,
            tasks,
            bounds,
        }))
    }

    /// Waits for the schema, which the first request builds in a task of its own: a client that hangs up cancels nothing, and
    /// other requests wait for it.
    pub async fn prepare(&self) -> Result<(), Problem> {
        if self.0.model.initialized() {
            return Ok(());
        }
        let parts = self.0.clone();
        let building = tokio::spawn(async move {
            let document = parts.document;
            let build = || spawn_blocking(move || derive(&document()).map(Arc::new));
            parts.model.get_or_try_init(build).await.map(drop)
        });
        building.await.and_then(|built| built).map_err(|_| stopping())
    }

    /// Returns the schema, for which the request has waited.
    pub fn model(&self) -> Result<&Arc<Model>, Problem> {
        let model = self.0.model.get().ok_or_else(stopping)?;
        model.as_ref().map_err(|error| Problem::internal(&error))
    }

    pub fn sdl(&self) -> Result<&Sdl, Problem> {
        let model = self.model()?;
        Ok(self.0.sdl.get_or_init(|| Sdl::new(model.to_string())))
    }

    /// Returns the document of a request, and whether it is known from another.
    pub fn document(&self, asked: &Asked) -> Result<(Arc<Document>, bool), Problem> {
        match self.0.documents.get(asked) {
            Some(known) => Ok((known, true)),
            None => Ok((Arc::new(Document::parse(asked)?), false)),
        }
    }

    pub fn keep(&self, asked: Asked, document: &Arc<Document>) {
        self.0.documents.keep(asked, document);
    }

    pub fn measure(&self, document: &Document, variables: &Variables) -> Result<Cost, Problem> {
        Ok(document.cost(self.model()?, variables, self.0.bounds)?)
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

    pub async fn query(&self, client: &Client, prepared: &Prepared) -> Result<Response, Problem> {
        let executed = self.executor(client)?.query(&prepared.plan, &prepared.values).await;
        Ok(respond(&executed, client.form))
    }

    /// Executes a mutation also when the client hangs up: no change stops half-way.
    pub async fn mutation(&self, client: &Client, prepared: Prepared) -> Result<Response, Problem> {
        let (executor, form) = (self.executor(client)?, client.form);
        let executing = async move {
            let executed = executor.mutation(&prepared.plan, &prepared.values).await;
            Ok::<_, Problem>(respond(&executed, form))
        };
        self.0.tasks.to_the_end(executing).await
    }

    pub fn executor(&self, client: &Client) -> Result<Executor, Problem> {
        let model = self.model()?.clone();
        let rest = Rest::new(self.0.routes.clone(), client.extensions.clone(), &client.headers);
        Ok(Executor { model, rest, services: self.0.services.clone(), caller: client.caller() })
    }
}

/// A schema is missing only when the runtime shuts down.
fn stopping() -> Problem {
    Problem::unavailable("This instance is shutting down.")
}

impl Client {
    pub fn caller(&self) -> Option<Principal> {
        self.extensions.get().copied()
    }
}

pub(crate) fn count(executed: &Executed) {
    let outcome = if executed.errors.is_empty() { metric::ANSWERED } else { metric::ERRORS };
    OPERATIONS.with([outcome]).increment(1);
}

/// Counts a result, and returns it in this form.
fn respond(executed: &Executed, form: Form) -> Response {
    count(executed);
    let body = executed.written();
    if form == Form::Events {
        return events(next(None, &body) + COMPLETE);
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()))];
    (kind, [(header::CACHE_CONTROL, PRIVATE)], body).into_response()
}
