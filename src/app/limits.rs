//! Rate limits of callers. The outer layer, which does not know the caller yet, counts anonymous callers and requests
//! with credentials by address; the inner one, behind the check of the access token, counts known callers by identity.
use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota};

use super::{
    guard::{ALWAYS_ANSWERED, DETAILED},
    system::PeerAddress,
};
use crate::{
    features::accounts::{Authenticator, Credential, Principal, ignores_tokens},
    platform::{
        rate_limit::{RateLimiter, Verdict},
        settings,
        web::{ClientAddress, Problem, code, tell_quota, tells_quota},
    },
};

/// The quotas used here.
pub(super) const QUOTAS: [&str; 5] = ["anonymous", "expired", "principal", "api_key", "credentials"];
/// Documentation is exempt, and so are the endpoints that monitoring calls.
const DESCRIPTION: &str = "/openapi.json";
const EXEMPT_BELOW: [&str; 2] = ["/docs", "/problems"];
/// Maximum time to authenticate a monitoring request: it must report a silent database, not wait for it.
const WATCHERS_PATIENCE: Duration = Duration::from_secs(1);
/// Operations that accept or issue credentials.
const CREDENTIALS: [&str; 6] = ["register", "login", "token", "refresh", "guest", "password"];

/// The quotas, and the proxies whose headers are trusted to name a client's address.
#[derive(Clone)]
pub(super) struct Limits {
    limiter: RateLimiter,
    settings: settings::RateLimit,
    proxies: Arc<[ipnet::IpNet]>,
}

impl Limits {
    pub fn new(limiter: RateLimiter, settings: settings::RateLimit, proxies: &[ipnet::IpNet]) -> Self {
        Self { limiter, settings, proxies: proxies.into() }
    }

    fn address(&self, request: &Request) -> Option<ClientAddress> {
        let PeerAddress(peer) = *request.extensions().get::<PeerAddress>()?;
        Some(ClientAddress::of(peer, request.headers(), &self.proxies))
    }
}

/// Determines the address of the request's client.
pub(super) async fn locate(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    if let Some(address) = limits.address(&request) {
        request.extensions_mut().insert(address);
    }
    next.run(request).await
}

/// Counts unknown callers: those without a token, those that send credentials, and those whose token is invalid.
pub(super) async fn outside(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    // A token is checked on every path, and a refusal counts.
    let counts = limits.settings.enabled && (!is_exempt(&request) || shows_token(&request));
    let Some(address) = request.extensions().get::<ClientAddress>().filter(|_| counts).copied() else {
        return next.run(request).await;
    };
    let (limiter, settings) = (&limits.limiter, &limits.settings);
    let who = address.subject();
    if is_about_credentials(&request) {
        let verdict = limiter.ask("credentials", &who, settings.credentials_per_minute).await;
        return answered(verdict, request, next).await;
    }
    let ask = |quota| limiter.ask(quota, &who, settings.anonymous_per_minute);
    if !shows_token(&request) {
        return answered(ask("anonymous").await, request, next).await;
    }
    let response = next.run(request).await;
    // A caller that tries out tokens counts as anonymous. An expired token was once valid: its caller must be told so,
    // and must not use up the quota of others at the same address.
    let quota = match response.extensions().get() {
        Some(&code::UNAUTHENTICATED) => "anonymous",
        Some(&code::TOKEN_EXPIRED) => "expired",
        _ => return response,
    };
    // A request counted against an inner quota is not counted again.
    if tells_quota(response.headers()) {
        return response;
    }
    let verdict = ask(quota).await;
    if verdict.is_admitted { told(verdict, response) } else { refusal(verdict) }
}

/// Counts known callers. Guest tokens are open to anyone and count by address. An API key with a rate of its own counts
/// by itself, all others count with their account: more keys do not allow more requests.
pub(super) async fn inside(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let (caller, address) = (request.extensions().get::<Principal>(), request.extensions().get::<ClientAddress>());
    let counts = limits.settings.enabled && !is_exempt(&request);
    let (Some(caller), Some(address), true) = (caller, address, counts) else {
        return next.run(request).await;
    };
    let (limiter, settings) = (&limits.limiter, &limits.settings);
    let verdict = match caller.credential {
        Credential::Guest => limiter.ask("anonymous", address.subject(), settings.anonymous_per_minute).await,
        Credential::ApiKey { id, rate_limit_per_minute: Some(own) } => limiter.ask("api_key", id, own).await,
        _ => limiter.ask("principal", caller.user_id, settings.authenticated_per_minute).await,
    };
    answered(verdict, request, next).await
}

/// Authenticates the caller. Monitoring requests are answered even if the database cannot say whose token they carry.
pub(super) async fn authenticate(State(callers): State<Authenticator>, mut request: Request, next: Next) -> Response {
    let looking = callers.caller(request.uri().path(), request.headers());
    let found = if is_for_anybody(&request) {
        tokio::time::timeout(WATCHERS_PATIENCE, looking).await.unwrap_or(Ok(None))
    } else {
        looking.await
    };
    match found {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
        }
        Ok(None) => {}
        Err(refusal) if refusal.status().is_server_error() && is_for_anybody(&request) => {}
        Err(refusal) => return refusal,
    }
    next.run(request).await
}

/// Returns whether the request is open to every caller.
fn is_for_anybody(request: &Request) -> bool {
    is_exempt(request) && request.uri().path() != DETAILED
}

fn shows_token(request: &Request) -> bool {
    request.headers().contains_key(header::AUTHORIZATION) && !ignores_tokens(request.uri().path())
}

fn is_exempt(request: &Request) -> bool {
    let path = request.uri().path();
    let is_below = |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ALWAYS_ANSWERED.contains(&path) || path == DESCRIPTION || EXEMPT_BELOW.iter().any(is_below)
}

fn is_about_credentials(request: &Request) -> bool {
    let name = request.uri().path().strip_prefix("/api/v1/auth/");
    *request.method() == Method::POST && name.is_some_and(|name| CREDENTIALS.contains(&name))
}

async fn answered(verdict: Verdict, request: Request, next: Next) -> Response {
    if verdict.is_admitted { told(verdict, next.run(request).await) } else { refusal(verdict) }
}

fn told(verdict: Verdict, mut response: Response) -> Response {
    tell_quota(verdict, response.headers_mut());
    response
}

fn refusal(verdict: Verdict) -> Response {
    let requests = if verdict.limit == 1 { "request" } else { "requests" };
    Problem::quota_used_up(verdict, &format!("send {} {requests}", verdict.limit)).into_response()
}

/// Protects everything that costs: refuses requests above the limit per second from one address immediately. Requests
/// exempt from quotas are counted separately: a flood of calls must not silence the probes of the same address.
#[derive(Clone)]
pub(super) struct FloodGuard {
    limiter: Arc<DefaultKeyedRateLimiter<Source>>,
    most: u32,
}

/// An address, and whether the request is exempt from quotas.
type Source = (String, bool);

impl FloodGuard {
    pub fn new(settings: &settings::RateLimit) -> Option<Self> {
        let most = NonZeroU32::new(settings.flood_per_second).filter(|_| settings.enabled)?;
        Some(Self { limiter: Arc::new(DefaultKeyedRateLimiter::keyed(Quota::per_second(most))), most: most.get() })
    }

    /// Passes a request on, unless its address exceeds the limit.
    pub async fn pass(self, request: Request, next: Next) -> Response {
        let is_flood = request.extensions().get::<ClientAddress>().is_some_and(|address| {
            let source = (address.subject(), is_exempt(&request) && !shows_token(&request));
            self.limiter.check_key(&source).is_err()
        });
        if !is_flood {
            return next.run(request).await;
        }
        let most = self.most;
        let verdict = Verdict { limit: most, remaining: 0, reset: 1, is_admitted: false };
        Problem::limited(verdict, format!("Your address sends more than {most} requests per second.")).into_response()
    }

    /// Removes inactive addresses.
    pub fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}
