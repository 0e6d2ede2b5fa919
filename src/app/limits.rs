//! Rate limits of callers. Before the access token is checked, anonymous callers and requests with credentials count by
//! address; after it, known callers count by identity.
use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota};
use loadmaster_accounts::{Authenticator, CallerQuotas, Principal, ignores_tokens};
use loadmaster_platform::{
    rate_limit::{RateLimiter, Verdict},
    settings,
    web::{ByHttps, ClientAddress, Problem, add_quota_headers, code, has_quota_headers},
};

use super::{
    console::is_console,
    guard::{DETAILED, is_always_answered},
};

/// The peer's address, put into each request by the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeerAddress(pub IpAddr);

/// The quotas used here.
pub(super) const QUOTAS: [&str; 5] = ["anonymous", "expired", "principal", "api_key", "credentials"];
/// Documentation and the console are exempt, and so are the endpoints that monitoring calls.
const DESCRIPTION: &str = "/openapi.json";
const EXEMPT_BELOW: [&str; 2] = ["/docs", "/problems"];
/// Maximum time to authenticate a monitoring request: it must report a silent database, not wait for it.
const WATCHERS_PATIENCE: Duration = Duration::from_secs(1);
/// Operations that accept or issue credentials.
const CREDENTIALS: [&str; 5] = ["register", "login", "token", "guest", "password"];
/// Continues a session, which has a quota of its own.
const REFRESH: &str = "/api/v1/auth/refresh";

/// The quotas, and the proxies whose headers are trusted to name a client's address.
#[derive(Clone)]
pub(super) struct Limits {
    limiter: RateLimiter,
    quotas: CallerQuotas,
    settings: settings::RateLimit,
    proxies: Arc<[ipnet::IpNet]>,
}

/// What the quotas need to know of a request.
pub(super) struct Subject {
    /// `None`: tests call the application without a connection.
    address: Option<ClientAddress>,
    /// A token is checked on every path but those that ignore it.
    shows_token: bool,
    path: PathKind,
}

/// What the quotas distinguish by path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PathKind {
    /// Exempt, and open to every caller.
    Exempt,
    /// Exempt, and restricted.
    Detailed,
    Credentials,
    /// Counts by the session of its token, which only its handler knows; if refused without one, by address.
    Refresh,
    Other,
}

impl PathKind {
    fn is_exempt(self) -> bool {
        matches!(self, Self::Exempt | Self::Detailed)
    }
}

impl Subject {
    pub fn of(request: &Request, address: Option<ClientAddress>) -> Self {
        let path = request.uri().path();
        let kind = match path {
            DETAILED => PathKind::Detailed,
            _ if is_exempt(path) => PathKind::Exempt,
            REFRESH if *request.method() == Method::POST => PathKind::Refresh,
            _ if is_about_credentials(request.method(), path) => PathKind::Credentials,
            _ => PathKind::Other,
        };
        let shows_token = request.headers().contains_key(header::AUTHORIZATION) && !ignores_tokens(path);
        Self { address, shows_token, path: kind }
    }
}

impl Limits {
    pub fn new(limiter: RateLimiter, settings: settings::RateLimit, proxies: &[ipnet::IpNet]) -> Self {
        let quotas = CallerQuotas::new(limiter.clone(), &settings);
        Self { limiter, quotas, settings, proxies: proxies.into() }
    }

    /// Gives back what this process was granted of callers' quotas and did not use.
    pub async fn give_back(&self) {
        self.limiter.give_back().await;
    }

    /// Determines the address of the request's client.
    pub fn locate(&self, request: &mut Request) -> Option<ClientAddress> {
        let PeerAddress(peer) = *request.extensions().get::<PeerAddress>()?;
        let address = ClientAddress::of(peer, request.headers(), &self.proxies);
        let connection = request.extensions().get().copied().unwrap_or(ByHttps(false));
        let encryption = connection.with_proxies(peer, request.headers(), &self.proxies);
        request.extensions_mut().insert(address);
        request.extensions_mut().insert(encryption);
        Some(address)
    }

    /// Returns the address that counts, if the request counts while its caller is unknown: a token is checked on every
    /// path, and a refusal counts.
    fn stranger(&self, subject: &Subject) -> Option<ClientAddress> {
        subject.address.filter(|_| self.settings.enabled && (!subject.path.is_exempt() || subject.shows_token))
    }

    /// Counts a request without a token, or one that sends credentials.
    pub async fn ask_for_stranger(&self, subject: &Subject) -> Result<Option<Verdict>, Box<Response>> {
        let Some(address) = self.stranger(subject) else { return Ok(None) };
        let (quota, limit) = match subject {
            Subject { path: PathKind::Credentials, .. } => ("credentials", self.settings.credentials_per_minute),
            Subject { path: PathKind::Refresh, .. } | Subject { shows_token: true, .. } => return Ok(None),
            _ => ("anonymous", self.settings.anonymous_per_minute),
        };
        admitted(self.limiter.ask(quota, address.subject(), limit).await).map(Some)
    }

    /// Counts a refused token. A caller that tries out tokens counts as anonymous, or as trying credentials if they are
    /// refresh tokens. An expired token was once valid: its caller must learn so, and must not use up the quota of
    /// others at the same address.
    pub async fn count_bad_token(&self, subject: &Subject, response: Response) -> Response {
        let settings = &self.settings;
        let (quota, limit) = match (subject.path, response.extensions().get()) {
            (PathKind::Refresh, _) if response.status().is_client_error() => {
                ("credentials", settings.credentials_per_minute)
            }
            (_, Some(&code::UNAUTHENTICATED)) => ("anonymous", settings.anonymous_per_minute),
            (_, Some(&code::TOKEN_EXPIRED)) => ("expired", settings.anonymous_per_minute),
            _ => return response,
        };
        let Some(address) = self.stranger(subject) else { return response };
        // A request counted against an inner quota is not counted again.
        if has_quota_headers(response.headers()) {
            return response;
        }
        match admitted(self.limiter.ask(quota, address.subject(), limit).await) {
            Ok(verdict) => with_quota(verdict, response),
            Err(refusal) => *refusal,
        }
    }

    /// Counts a known caller.
    pub async fn ask_for_caller(&self, caller: Principal, subject: &Subject) -> Result<Option<Verdict>, Box<Response>> {
        let Some(address) = subject.address.filter(|_| !subject.path.is_exempt()) else { return Ok(None) };
        self.quotas.count(Some(caller), address).await.map(admitted).transpose()
    }
}

/// Authenticates the caller. Monitoring requests are answered even if the database cannot say whose token they carry.
pub(super) async fn caller_of(
    callers: &Authenticator,
    path: &str,
    headers: &HeaderMap,
    subject: &Subject,
) -> Result<Option<Principal>, Box<Response>> {
    let looking = callers.caller(path, headers);
    if subject.path != PathKind::Exempt {
        return looking.await.map_err(Box::new);
    }
    match tokio::time::timeout(WATCHERS_PATIENCE, looking).await.unwrap_or(Ok(None)) {
        Err(refusal) if refusal.status().is_server_error() => Ok(None),
        found => found.map_err(Box::new),
    }
}

fn is_exempt(path: &str) -> bool {
    let is_below = |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_always_answered(path) || path == DESCRIPTION || EXEMPT_BELOW.iter().any(is_below) || is_console(path)
}

fn is_about_credentials(method: &Method, path: &str) -> bool {
    let name = path.strip_prefix("/api/v1/auth/");
    *method == Method::POST && name.is_some_and(|name| CREDENTIALS.contains(&name))
}

fn admitted(verdict: Verdict) -> Result<Verdict, Box<Response>> {
    if verdict.is_admitted { Ok(verdict) } else { Err(Box::new(refusal(verdict))) }
}

pub(super) fn with_quota(verdict: Verdict, mut response: Response) -> Response {
    add_quota_headers(verdict, response.headers_mut());
    response
}

fn refusal(verdict: Verdict) -> Response {
    let requests = if verdict.limit == 1 { "request" } else { "requests" };
    Problem::quota_used_up(verdict, &format!("send {} {requests}", verdict.limit)).into_response()
}

/// Protects everything that costs: refuses requests above the limit per second from one address immediately. Requests
/// exempt from quotas are counted separately: a flood of calls must not silence the probes of the same address.
pub(super) struct FloodGuard {
    limiter: DefaultKeyedRateLimiter<Source>,
    most: u32,
}

/// An address, or for IPv6 its network, and whether the request is exempt from quotas.
type Source = (IpAddr, bool);

impl FloodGuard {
    pub fn new(settings: &settings::RateLimit) -> Option<Self> {
        let most = NonZeroU32::new(settings.flood_per_second).filter(|_| settings.enabled)?;
        Some(Self { limiter: DefaultKeyedRateLimiter::keyed(Quota::per_second(most)), most: most.get() })
    }

    /// Returns the refusal of a request whose address exceeds the limit.
    pub fn refuse(&self, address: ClientAddress, subject: &Subject) -> Option<Response> {
        let source = (address.subscriber(), subject.path.is_exempt() && !subject.shows_token);
        if self.limiter.check_key(&source).is_ok() {
            return None;
        }
        let most = self.most;
        let verdict = Verdict { limit: most, remaining: 0, reset: 1, is_admitted: false };
        let detail = format!("Your address sends more than {most} requests per second.");
        Some(Problem::limited(verdict, detail).into_response())
    }

    /// Removes inactive addresses.
    pub fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}
