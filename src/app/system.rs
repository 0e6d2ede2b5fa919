use axum::{
    Extension, Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use loadmaster_accounts::{Operator, Principal, Role};
use loadmaster_capacity::LAST_OFFERS;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::Routes,
    settings::{CancellationBand, MailTransport, PaymentProvider, Settings},
    telemetry::GIT_COMMIT,
    web::{ChosenCoding, ClientAddress, NO_STORE, Problem, ProblemBody, Query, code, problem_responses},
    zones,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState, event_types,
    guard::MAX_IMPORT_BYTES,
    health::{DetailedHealth, Health, HealthBody, HealthStatus},
    problems,
    scrape::Scrape,
    state::Features,
    summary::{Summary, SummaryBody},
};

/// Routes that belong to no room.
pub(super) fn routes() -> Routes<AppState> {
    let root = ApiRouter::new().merge(probes()).merge(problems::catalogue());
    Routes { api: information().merge(event_types::catalogue()), root, ..Routes::default() }
}

/// Routes outside the API's base path.
fn probes() -> ApiRouter<AppState> {
    ApiRouter::new()
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .routes(routes!(health))
        .routes(routes!(detailed))
        .routes(routes!(scrape))
        .routes(routes!(summary))
}

/// Routes while the instance is being prepared: alive, but not healthy yet.
pub(super) fn starting() -> Router {
    async fn unhealthy() -> Response {
        health_answer(HealthStatus::Unhealthy)
    }
    // A probe of a starting instance counts as a probe.
    let probes = Router::new().route("/readyz", any(not_yet)).route("/metrics", any(not_yet));
    let probes = probes.route("/health/detailed", any(not_yet)).route("/livez", get(livez));
    probes.route("/health", get(unhealthy)).route("/api/v1/health", get(unhealthy)).fallback(not_yet)
}

async fn not_yet() -> Problem {
    Problem::unavailable("This instance is starting.")
}

fn health_answer(status: HealthStatus) -> Response {
    let code = if status == HealthStatus::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, [(header::CACHE_CONTROL, NO_STORE)], Json(HealthBody { status })).into_response()
}

/// Routes below the API's base path.
fn information() -> ApiRouter<AppState> {
    ApiRouter::new().routes(routes!(info)).routes(routes!(api_health))
}

/// Check that the process is running.
///
/// It asks neither the database nor Redis.
#[utoipa::path(get, path = "/livez", tag = "system", operation_id = "livez",
    responses((status = 200, body = String, description = "The process is running.", content_type = "text/plain")))]
async fn livez() -> &'static str {
    "alive"
}

problem_responses!(ReadyProblems: []);

/// Check that this instance is ready: the database is migrated, answers and accepts writes, the clock of its machine is right,
/// and shutdown has not begun.
///
/// 503 otherwise, with the reason in `detail`: a load balancer sends requests elsewhere.
#[utoipa::path(get, path = "/readyz", tag = "system", operation_id = "readyz",
    responses((status = 200, body = String, description = "The instance is ready.", content_type = "text/plain"), ReadyProblems))]
async fn readyz(State(health): State<Health>) -> Result<&'static str, Problem> {
    match health.obstacle().await {
        None => Ok("ready"),
        Some(obstacle) => Err(Problem::unavailable(format!("This instance is not ready: {obstacle}."))),
    }
}

/// Show the health of this instance.
///
/// `degraded`: a configured Redis is unavailable, full, read-only or returns errors; everything still works.
/// `unhealthy`, with status 503: the database is unavailable, read-only or refuses writes, or the clock of this process's
/// machine differs from the database's by more than 30 seconds.
#[utoipa::path(get, path = "/health", tag = "system", operation_id = "health",
    responses((status = 200, body = HealthBody), (status = 503, body = HealthBody, description = "It is unhealthy: the database does not answer, or the clock is wrong.")))]
async fn health(State(health): State<Health>) -> Response {
    health_answer(health.status().await)
}

/// Show the health of this instance; the same as `/health`.
///
/// One word: `healthy`, `degraded` (something that can be done without is away) or `unhealthy` (503).
#[utoipa::path(get, path = "/health", tag = "system", operation_id = "apiHealth",
    responses((status = 200, body = HealthBody), (status = 503, body = HealthBody, description = "It is unhealthy: the database does not answer, or the clock is wrong.")))]
async fn api_health(state: State<Health>) -> Response {
    health(state).await
}

problem_responses!(DetailedProblems: [ROLE]);

/// Show the health of each dependency and the amount of waiting work.
///
/// For operators, and for callers from the networks in `server.detail_networks`.
#[utoipa::path(get, path = "/health/detailed", tag = "system", operation_id = "detailedHealth",
    responses((status = 200, body = DetailedHealth), DetailedProblems,
              (status = 503, content((DetailedHealth = "application/json"), (ProblemBody = "application/problem+json")),
               description = "It is unhealthy: the database does not answer, or the clock is wrong. Or `unavailable`: The service cannot answer right now.")))]
async fn detailed(
    State(health): State<Health>,
    State(settings): State<std::sync::Arc<Settings>>,
    caller: Option<Extension<ClientAddress>>,
    principal: Option<Extension<Principal>>,
) -> Result<Response, Problem> {
    let networks = &settings.server.detail_networks;
    if !caller.is_some_and(|Extension(address)| address.is_in(networks)) {
        match principal {
            None => {
                return Err(Problem::new(
                    code::UNAUTHENTICATED,
                    "This request requires an access token with the role operator.",
                ));
            }
            Some(Extension(principal)) if principal.role < Role::Operator => {
                let text = format!("This request requires the role operator; yours is {}.", principal.role.as_str());
                return Err(Problem::new(code::FORBIDDEN, text));
            }
            Some(_) => {}
        }
    }
    let found = health.detailed().await;
    let code = if found.status == HealthStatus::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((code, [(header::CACHE_CONTROL, NO_STORE)], Json(found)).into_response())
}

/// Show the metrics of this instance in the Prometheus text format.
///
/// For Prometheus; what they mean is in `docs/metrics.md`.
#[utoipa::path(get, path = "/metrics", tag = "system", operation_id = "metrics",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")))]
async fn scrape(State(scrape): State<Scrape>, coding: ChosenCoding) -> Response {
    scrape.answer(coding.into()).await
}

problem_responses!(SummaryProblems: [INPUT, ROLE]);

/// Show counts of bookings, searches, cache hits and cache misses since the start.
///
/// The counts cover all processes that share this database and a Redis; without Redis, only this process.
#[utoipa::path(get, path = "/api/metrics/summary", tag = "system", operation_id = "metricsSummary",
    responses((status = 200, body = SummaryBody), SummaryProblems))]
async fn summary(
    _caller: Operator,
    State(summary): State<Summary>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    query.refuse_all()?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(summary.total().await)))
}

/// Name, version and limits of the server, how bookings are paid, and what cancelling them costs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Info {
    /// Its name.
    pub name: &'static str,
    /// The version of Loadmaster.
    pub version: &'static str,
    /// The commit that the server was built from; null if unknown.
    #[schema(required = true)]
    pub git_commit: Option<&'static str>,
    /// The release of the IANA time zone database by which local times are told.
    #[schema(example = "2026f")]
    pub time_zones: String,
    /// What this server can do, by the parts that are open and the settings that switch one on, such as `holds`, `waitlist`,
    /// `webhooks`, `payment_tokens` (a provider takes payments by a token) and `kafka`. Clients must accept unknown words.
    pub features: Vec<&'static str>,
    /// The bounds that requests must keep.
    pub limits: Limits,
    pub payments: PaymentOptions,
    /// Whether letters are sent, such as the one with the link to a guest's booking.
    pub sends_mail: bool,
}

/// How bookings can be paid here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PaymentOptions {
    /// The provider whose tokens are taken: `http` or `test`; null if nobody can pay by a token.
    #[schema(required = true, value_type = Option<String>, example = "http")]
    pub provider: Option<PaymentProvider>,
    /// How a page shows the payment fields of the provider `http`; null if that is not configured.
    #[schema(required = true)]
    pub fields: Option<PaymentFields>,
    /// A guest may book without a payment, and gets an invoice.
    pub guests_on_invoice: bool,
    /// What a cancellation costs, by falling hours: the first entry whose hours are left to the first departure applies. After
    /// the last one all of the price is kept, and never more than what was paid.
    pub cancellation_fees: Vec<CancellationFee>,
}

/// A part of the price that is kept when a paid booking is cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CancellationFee {
    /// The least number of hours that are left to the first departure.
    #[schema(example = 48)]
    pub hours: u32,
    /// The part of the price, in percent.
    #[schema(example = 25, maximum = 100)]
    pub percent: u8,
}

/// Payment fields of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PaymentFields {
    /// The provider's public key.
    #[schema(example = "pk_live_7")]
    pub publishable_key: String,
    /// The address of the provider's script.
    #[schema(example = "https://js.stripe.com/v3/")]
    pub script_url: String,
}

impl PaymentOptions {
    fn of(settings: &Settings) -> Self {
        let (payments, is_private) = (&settings.payments, settings.database.url.is_none());
        let fields = payments.hosted_fields(is_private).map(|fields| PaymentFields {
            publishable_key: fields.publishable_key.to_owned(),
            script_url: fields.script_url.to_owned(),
        });
        let provider = Some(payments.provider(is_private)).filter(|provider| *provider != PaymentProvider::None);
        let fee = |band: &CancellationBand| CancellationFee { hours: band.hours, percent: band.percent };
        let cancellation_fees = payments.cancellation_fees.iter().map(fee).collect();
        Self { provider, fields, guests_on_invoice: payments.guests_on_invoice, cancellation_fees }
    }
}

/// The bounds that requests must keep.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Limits {
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Largest table that can be imported, in bytes.
    pub max_import_bytes: usize,
    /// Maximum number of entries of a page.
    pub max_page_size: u32,
    /// Maximum number of options of a search.
    pub max_search_results: u32,
    /// Maximum number of flights of a booking.
    pub max_flights_per_booking: u32,
    /// Maximum number of connections of an option.
    pub max_stops: u8,
    /// The shortest connection, in minutes.
    pub min_connection_minutes: u32,
    /// A booking without flights and date departs within this number of hours.
    pub auto_route_hours: u32,
    /// Maximum time of a request, in milliseconds; after it, the server answers 504.
    pub request_timeout_ms: u64,
    /// Minutes before the cut-off of a flight from which on its waitlist gets no offers any more.
    pub waitlist_closes_minutes: i64,
}

problem_responses!(InfoProblems: [INPUT, CALLER]);

/// Show name, version and limits of this server, how bookings are paid, and what cancelling them costs.
///
/// Nothing of it is secret.
#[utoipa::path(get, path = "/info", tag = "system", operation_id = "info", responses((status = 200, body = Info), InfoProblems))]
async fn info(
    State(settings): State<std::sync::Arc<Settings>>,
    State(Features(features)): State<Features>,
    query: Query,
) -> Result<Json<Info>, Problem> {
    query.refuse_all()?;
    Ok(Json(Info {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        git_commit: GIT_COMMIT,
        time_zones: zones::release().version,
        features: features.to_vec(),
        limits: Limits {
            max_body_bytes: settings.server.max_body_bytes,
            max_import_bytes: MAX_IMPORT_BYTES,
            max_page_size: 100,
            max_search_results: 200,
            max_flights_per_booking: 4,
            max_stops: settings.search.max_stops,
            min_connection_minutes: settings.search.min_connection_minutes,
            auto_route_hours: settings.booking.auto_route_hours,
            request_timeout_ms: settings.server.request_timeout_ms,
            waitlist_closes_minutes: LAST_OFFERS.num_minutes(),
        },
        payments: PaymentOptions::of(&settings),
        sends_mail: settings.mail.transport(settings.database.url.is_none()) != MailTransport::None,
    }))
}
