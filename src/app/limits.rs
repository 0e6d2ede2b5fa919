//! Who may ask how often. Outside, where nobody is known yet, anonymous callers and those who show credentials are counted by
//! their address; inside, behind the check of the access token, known callers by who they are.
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

/// The quotas that are asked here.
pub(super) const QUOTAS: [&str; 5] = ["anonymous", "expired", "principal", "api_key", "credentials"];
/// What explains the product is exempt, as is what machines ask that watch.
const DESCRIPTION: &str = "/openapi.json";
const EXEMPT_BELOW: [&str; 2] = ["/docs", "/problems"];
/// How long one who watches waits until it is known who he is: he wants to hear that the database is silent, not to wait for it.
const WATCHERS_PATIENCE: Duration = Duration::from_secs(1);
/// Operations that take or hand out credentials.
const CREDENTIALS: [&str; 6] = ["register", "login", "token", "refresh", "guest", "password"];

/// The quotas, and whose headers tell where a caller is.
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

/// Finds out where the request comes from.
pub(super) async fn locate(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    if let Some(address) = limits.address(&request) {
        request.extensions_mut().insert(address);
    }
    next.run(request).await
}

/// Counts who is not known: callers without a token, those who show credentials, and those whose token is no good.
pub(super) async fn outside(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    // A token is looked at everywhere, and what is refused counts.
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
    // Whoever tries out tokens is counted as anybody. One that has expired was right once: who shows it shall hear so, and
    // take nothing from others at the same address.
    let quota = match response.extensions().get() {
        Some(&code::UNAUTHENTICATED) => "anonymous",
        Some(&code::TOKEN_EXPIRED) => "expired",
        _ => return response,
    };
    // What was asked of a quota inside is counted already.
    if tells_quota(response.headers()) {
        return response;
    }
    let verdict = ask(quota).await;
    if verdict.is_admitted { told(verdict, response) } else { refusal(verdict) }
}

/// Counts who is known. Guest tokens are anybody's: they count as their address. An API key with a rate of its own is counted
/// by itself, all others of an account with the account: more keys are not more requests.
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

/// Finds out who calls. What watches is answered also when the database cannot say whose token comes along.
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

/// It does not matter who asks this.
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
    Problem::quota_used_up(verdict, "ask").into_response()
}

/// Stands before everything that costs: more requests a second from one address than the limit are refused at once. What
/// no quota counts is counted here too, but apart: a flood of calls must not silence the probes of the same address.
#[derive(Clone)]
pub(super) struct FloodGuard {
    limiter: Arc<DefaultKeyedRateLimiter<Source>>,
    most: u32,
}

/// An address, and whether the request is one that no quota counts.
type Source = (String, bool);

impl FloodGuard {
    pub fn new(settings: &settings::RateLimit) -> Option<Self> {
        let most = NonZeroU32::new(settings.flood_per_second).filter(|_| settings.enabled)?;
        Some(Self { limiter: Arc::new(DefaultKeyedRateLimiter::keyed(Quota::per_second(most))), most: most.get() })
    }

    /// Lets a request pass, unless too many have come from its address.
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
        Problem::limited(verdict, format!("More than {most} requests a second come from your address.")).into_response()
    }

    /// Forgets addresses that have been quiet.
    pub fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}
