//! The way of a request from its connection to its handler and back: plain functions, called in order. Only CORS and
//! compression are layers of a library, and a request that does not need them does not pass them.
use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Authenticator, Principal};
use loadmaster_platform::{
    clock::SharedClock,
    random::IdSource,
    web::{
        COMPRESS_ABOVE, ClientAddress, Coding, RecencyReader, Unchanged, VARY_BY_CODING, add_position_header,
        choose_coding, is_encoded, minimal, name_coding_in_tag, prefers_minimal, track,
    },
    writers::Writers,
};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::{
    CompressionLevel,
    compression::{
        Compression, CompressionLayer,
        predicate::{And, Predicate, SizeAbove},
    },
    cors::CorsLayer,
};

use super::{
    AppState,
    exports::{self, Access, Exports},
    guard,
    in_flight::InFlight,
    limits::{self, FloodGuard, Limits, Subject},
    router::{RouteNames, router},
    server::{Answering, Application},
    system,
};

type IsPlain = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;
/// The routes behind the compression of answers that are large enough and not in their final form already.
type Compressed = Compression<Router, And<SizeAbove, IsPlain>>;

/// What serves requests once the application is ready.
pub(super) struct Door {
    clock: SharedClock,
    ids: IdSource,
    cors: Option<CorsLayer>,
    limits: Limits,
    flood: Option<Arc<FloodGuard>>,
    in_flight: InFlight,
    exports: Exports,
    callers: Authenticator,
    /// Interval at which the access of a caller is judged again while an export is sent.
    access: Duration,
    writers: Option<Writers>,
    router: Router,
    /// The routes by path, for requests that are refused before the router finds theirs.
    names: RouteNames,
    compressed: Compressed,
}

/// What serves requests until the application is ready: the process is alive, and nothing else is available.
struct Starting {
    clock: SharedClock,
    ids: IdSource,
    router: Router,
}

pub fn starting(clock: SharedClock, ids: IdSource) -> Arc<dyn Application> {
    Arc::new(Starting { clock, ids, router: system::starting() })
}

/// Returns the application for callers in this process, without a connection.
pub fn in_process(state: &AppState) -> anyhow::Result<Arc<dyn Application>> {
    Ok(Arc::new(Door::new(state)?))
}

impl Application for Starting {
    fn answer(self: Arc<Self>, request: Request) -> Answering {
        let router = self.router.clone();
        Box::pin(async move {
            let named = |path: &str| guard::is_always_answered(path).then(|| path.to_owned());
            let serve = |request| async { served(router.oneshot(request).await) };
            track((&self.clock, &self.ids), named, guard::is_always_answered, request, serve).await
        })
    }
}

impl Application for Door {
    fn answer(self: Arc<Self>, request: Request) -> Answering {
        let is_head = *request.method() == Method::HEAD;
        Box::pin(async move {
            let named = |path: &str| self.names.at(path).ok().map(|found| found.value.clone().into_string());
            let serve = |request| self.answer_any_site(request);
            let response = track((&self.clock, &self.ids), named, guard::is_always_answered, request, serve).await;
            if is_head { without_body(response) } else { response }
        })
    }
}

impl Door {
    pub fn new(state: &AppState) -> anyhow::Result<Self> {
        let server = &state.settings.server;
        let (router, names) = router(state)?;
        let is_plain: IsPlain = |_, _, _, extensions| !is_encoded(extensions);
        let large = SizeAbove::new(COMPRESS_ABOVE as u64).and(is_plain);
        Ok(Self {
            clock: state.clock.clone(),
            ids: state.ids.clone(),
            cors: guard::cors(server),
            limits: state.limits.clone(),
            flood: state.flood.clone(),
            in_flight: InFlight::new(server.max_in_flight),
            exports: Exports::default(),
            callers: state.service()?,
            access: state.timing.access,
            writers: state.writers.clone(),
            compressed: CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(large)
                .layer(router.clone()),
            router,
            names,
        })
    }

    /// A permitted site may also read the refusals.
    async fn answer_any_site(self: &Arc<Self>, request: Request) -> Response {
        let Some(cors) = &self.cors else { return guard::catching_panics(self.admit(request)).await };
        let this = self.clone();
        let inside = service_fn(move |request| {
            let this = this.clone();
            async move { Ok::<_, Infallible>(guard::catching_panics(this.admit(request)).await) }
        });
        served(cors.layer(inside).oneshot(request).await)
    }

    /// Refuses what costs too much, before anything is done for it.
    async fn admit(&self, mut request: Request) -> Response {
        if guard::are_too_large(request.headers()) {
            return guard::headers_too_large();
        }
        let address = self.limits.locate(&mut request);
        let subject = Subject::of(&request, address);
        if let (Some(flood), Some(address)) = (&self.flood, address)
            && let Some(refusal) = flood.refuse(address, &subject)
        {
            return refusal;
        }
        let place = if guard::is_always_answered(request.uri().path()) {
            None
        } else {
            match self.in_flight.enter(address.map(ClientAddress::subscriber)) {
                Ok(place) => Some(place),
                Err(refused) => return guard::has_no_place(&refused),
            }
        };
        let response = self.count_strangers(request, &subject).await;
        drop(place);
        response
    }

    /// Counts callers that are not known yet by their address.
    async fn count_strangers(&self, request: Request, subject: &Subject) -> Response {
        match self.limits.ask_for_stranger(subject).await {
            Err(refusal) => *refusal,
            Ok(verdict) => {
                let response = self.authenticate(request, subject).await;
                match verdict {
                    Some(verdict) => limits::with_quota(verdict, response),
                    None => self.limits.count_bad_token(subject, response).await,
                }
            }
        }
    }

    /// Refuses an invalid credential, on public routes too, and counts known callers.
    async fn authenticate(&self, mut request: Request, subject: &Subject) -> Response {
        let caller = match limits::caller_of(&self.callers, request.uri().path(), request.headers(), subject).await {
            Ok(caller) => caller,
            Err(refusal) => return *refusal,
        };
        let Some(caller) = caller else { return self.serve_in_place(request, None).await };
        request.extensions_mut().insert(caller);
        match self.limits.ask_for_caller(caller, subject).await {
            Err(refusal) => *refusal,
            Ok(None) => self.serve_in_place(request, Some(caller)).await,
            Ok(Some(verdict)) => limits::with_quota(verdict, self.serve_in_place(request, Some(caller)).await),
        }
    }

    /// Serves an export in one of the few places for them.
    async fn serve_in_place(&self, request: Request, caller: Option<Principal>) -> Response {
        match self.exports.enter(&request, caller) {
            Ok(None) => self.serve_in_order(request, caller).await,
            Ok(Some(place)) => {
                let access = caller.map(|caller| Access::of(caller, &self.callers, self.access));
                exports::keeping(place, access, self.serve_in_order(request, caller).await)
            }
            Err(refusal) => *refusal,
        }
    }

    async fn serve_in_order(&self, request: Request, caller: Option<Principal>) -> Response {
        let Some(writers) = &self.writers else { return self.serve(request).await };
        // Most installations have no standby: the futures of their requests stay small.
        Box::pin(self.serve_writer(writers, request, caller)).await
    }

    /// Sees to it that callers see their own changes where a standby answers reads. The members of an organization count as
    /// one caller.
    async fn serve_writer(&self, writers: &Writers, mut request: Request, caller: Option<Principal>) -> Response {
        let caller = caller.map(|caller| caller.organization_id.to_string());
        // A request of any method may read.
        let reader = RecencyReader { writers: writers.clone(), caller: caller.clone() };
        request.extensions_mut().insert(reader);
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return self.serve(request).await;
        }
        let writing = writers.writing(caller);
        let mut response = self.serve(request).await;
        if response.status().is_client_error() || response.extensions().get::<Unchanged>().is_some() {
            writing.end_unchanged();
            return response;
        }
        let position = writing.end(!response.status().is_server_error()).await;
        add_position_header(&mut response, position);
        response
    }

    /// Lets the handler answer, in the coding that the client prefers.
    async fn serve(&self, mut request: Request) -> Response {
        // Events are never compressed, and their streams keep less without that layer.
        let wants_events = request.headers().get(header::ACCEPT).is_some_and(|kind| kind == "text/event-stream");
        if prefers_minimal(&request) {
            return minimal(served(self.router.clone().call(request).await));
        }
        let coding = choose_coding(&mut request);
        if coding == Coding::Identity || wants_events {
            let mut response = served(self.router.clone().call(request).await);
            vary(&mut response);
            return response;
        }
        let is_head = *request.method() == Method::HEAD;
        let mut response = served(self.compressed.clone().call(request).await).map(Body::new);
        if is_head {
            describe_coding(&mut response, coding);
        }
        if response.headers().contains_key(header::CONTENT_ENCODING) && !is_encoded(response.extensions()) {
            name_coding_in_tag(response.headers_mut(), coding);
        }
        response
    }
}

/// Answers HEAD: the router does so for its answers, but not for refusals before it.
fn without_body(mut response: Response) -> Response {
    let length = response.body().size_hint().exact().filter(|length| *length > 0);
    if let Some(length) = length
        && !response.headers().contains_key(header::CONTENT_LENGTH)
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    *response.body_mut() = Body::empty();
    response
}

/// Gives an answer to HEAD, which has no body to compress, the headers of the answer to GET.
fn describe_coding(response: &mut Response, coding: Coding) {
    if let (true, Some(name)) = (is_compressible(response), coding.name()) {
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.append(header::VARY, VARY_BY_CODING);
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
}

/// Informs caches that another client may get the answer in another coding, as the compression does.
fn vary(response: &mut Response) {
    if is_compressible(response) {
        response.headers_mut().append(header::VARY, VARY_BY_CODING);
    }
}

/// Returns whether the answer is compressed for clients that want it so. That to HEAD has no body, but its length.
fn is_compressible(response: &Response) -> bool {
    let stated = response.headers().get(header::CONTENT_LENGTH);
    let stated = stated.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length = stated.or_else(|| response.body().size_hint().exact());
    length.is_none_or(|length| length >= COMPRESS_ABOVE as u64) && !is_encoded(response.extensions())
}

fn served<R: IntoResponse>(outcome: Result<R, Infallible>) -> R {
    match outcome {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
