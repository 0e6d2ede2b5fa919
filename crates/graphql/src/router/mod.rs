mod document;
mod dto;
mod events;
mod frames;
mod request;
mod service;
mod stream;

use async_graphql_parser::types::OperationType;
use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use loadmaster_kernel::FaultCode;
use loadmaster_platform::{
    room::Routes,
    web::{
        ApiRouter, Body, BodyLimit, IfNoneMatch, InputFault, Problem, Query, Unchanged, add_quota_headers, conditional,
        problem_responses, routes,
    },
};

use self::{
    dto::{GraphqlAnswer, GraphqlRequest},
    request::{Asked, Form, JSON},
    service::{Client, Sdl},
};
use super::{
    error::code,
    metric::{self, OPERATIONS},
    rest::IDEMPOTENCY_KEY,
    unfit::Unfit,
};

pub(super) use self::service::GraphqlService;

/// Most bytes of a request.
const MOST_BYTES: usize = 16 * 1024;
const MEDIA_TYPE: HeaderName = header::CONTENT_TYPE;

pub(super) fn routes() -> Routes<GraphqlService> {
    let root = ApiRouter::new().routes(routes!(graphql)).routes(routes!(schema));
    Routes { root, ..Routes::default() }
}

problem_responses!(GraphqlProblems: [INPUT, CALLER, BODY], QUERY_TOO_COMPLEX, GRAPHQL_INVALID);

/// Execute a GraphQL operation.
///
/// The fields are operations of REST, with its rights, refusals, keys and preconditions: a refusal is in `errors`, with the members of
/// the problem in `extensions`, and its field is null. A document that is not valid or too complex is answered 400, and nothing is
/// done. A subscription needs `Accept: text/event-stream`, and is answered as graphql-sse describes. A request has at most 16 KiB.
#[utoipa::path(post, path = "/graphql", tag = "graphql", operation_id = "graphql",
    request_body = GraphqlRequest,
    responses((status = 200, description = "The result, with errors of single fields beside it.", body = GraphqlAnswer), GraphqlProblems))]
async fn graphql(
    State(service): State<GraphqlService>,
    query: Query,
    mut request: Request,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    refuse_headers(request.headers())?;
    let BodyLimit(most) = request.extensions().get().copied().unwrap_or_default();
    request.extensions_mut().insert(BodyLimit(most.min(MOST_BYTES)));
    let headers = request.headers().clone();
    let client = Client { extensions: request.extensions().clone(), form: Form::of(&headers), headers };
    let Ok(body) = Body::from_request(request, &()).await;
    let bytes = body.bytes_of(&[JSON])?;
    let answered = answer(&service, &client, &bytes).await;
    if answered.is_err() {
        OPERATIONS.with([metric::REFUSED]).increment(1);
    }
    answered
}

/// Refuses the headers of REST that are arguments here: each is that of one field.
fn refuse_headers(headers: &HeaderMap) -> Result<(), Problem> {
    let arguments = [(IDEMPOTENCY_KEY, "idempotencyKey"), (header::IF_MATCH, "ifMatch")];
    let faults = arguments.into_iter().filter(|(name, _)| headers.contains_key(name)).map(|(name, argument)| {
        let text = format!("`{name}` is not a header of this request: give the field its argument `{argument}`.");
        InputFault::header(name.as_str(), FaultCode::NotAllowed, text)
    });
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::validation(&faults)) }
}

problem_responses!(SchemaProblems: [INPUT, CALLER]);

/// Get the schema of GraphQL.
///
/// In the schema definition language.
#[utoipa::path(get, path = "/graphql/schema", tag = "graphql", operation_id = "getGraphqlSchema",
    params(("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, description = "The schema.", content_type = "text/plain", body = String, headers(("ETag" = String))),
              (status = 304), SchemaProblems))]
async fn schema(State(service): State<GraphqlService>, known: IfNoneMatch, query: Query) -> Result<Response, Problem> {
    query.refuse_all()?;
    service.prepare().await?;
    let kind = [(MEDIA_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
    let Sdl { text, tag } = service.sdl()?;
    Ok(conditional(tag, &known, "no-cache", (kind, text.clone())))
}

/// Reads, measures, charges and prepares an operation, then executes it.
async fn answer(service: &GraphqlService, client: &Client, body: &[u8]) -> Result<Response, Problem> {
    let asked = Asked::read(body)?;
    service.prepare().await?;
    let (document, is_known) = service.document(&asked)?;
    let cost = service.measure(&document, &asked.variables)?;
    let kind = cost.kind;
    if kind == OperationType::Subscription && client.form != Form::Events {
        return Err(Unfit::Invalid("A subscription needs `Accept: text/event-stream`.".to_owned()).into());
    }
    let verdict = service.charge(client, document.requests(&cost)).await?;
    let prepared = document.prepare(service.model()?, &asked.variables)?;
    if !is_known {
        service.keep(asked, &document);
    }
    let mut response = match kind {
        OperationType::Subscription => stream::follow(service, client, prepared).await?,
        OperationType::Query => service.query(client, &prepared).await?,
        OperationType::Mutation => service.mutation(client, prepared).await?,
    };
    if kind != OperationType::Mutation {
        response.extensions_mut().insert(Unchanged);
    }
    if let Some(verdict) = verdict {
        add_quota_headers(verdict, response.headers_mut());
    }
    Ok(response)
}
