//! Spans of the work. A span is exported only when its request or task is sampled; otherwise it costs a look at a
//! thread-local. [`Traced::in_span`] makes a span current for the work, and [`Traced::in_same_trace`] carries it into
//! spawned tasks.
use std::{
    borrow::Cow,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{self, Poll},
};

use axum::http::HeaderMap;
use opentelemetry::{
    Context, KeyValue, Value,
    trace::{Link, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceId, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use pin_project_lite::pin_project;

use super::{last::Settling, propagation};

/// Set when traces are exported.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

pub(super) fn start(tracer: SdkTracer) {
    _ = TRACER.set(tracer);
}

/// Returns whether traces are exported at all.
pub fn are_traces_on() -> bool {
    TRACER.get().is_some()
}

/// Returns whether the current work is sampled.
pub(super) fn is_sampled() -> bool {
    are_traces_on() && Context::map_current(|current| current.span().span_context().is_sampled())
}

/// A span, from its creation until it is dropped. Empty where nothing is sampled.
#[derive(Debug, Default)]
#[must_use = "it ends when it is dropped"]
pub struct TraceSpan(Option<Context>);

/// Starts a span for a step inside this process.
pub fn span(name: &'static str) -> TraceSpan {
    TraceSpan::child(|| SpanBuilder::from_name(name).with_kind(SpanKind::Internal))
}

/// The Redis server that is called, for the spans of the calls.
#[derive(Debug, Clone)]
pub struct RedisName(Arc<[KeyValue]>);

impl RedisName {
    /// Names a server; a socket has no port.
    pub fn new(address: String, port: Option<u16>, database: i64) -> Self {
        let named = [
            KeyValue::new("db.system.name", "redis"),
            KeyValue::new("db.namespace", database.to_string()),
            KeyValue::new("server.address", address),
        ];
        let port = port.map(|port| KeyValue::new("server.port", i64::from(port)));
        Self(named.into_iter().chain(port).collect())
    }
}

/// Starts a span for a command to Redis, or several at once: `MULTI GET`, `MULTI SET`.
pub fn redis_call(command: &'static str, redis: &RedisName) -> TraceSpan {
    TraceSpan::child(|| {
        let named = redis.0.iter().cloned().chain([KeyValue::new("db.operation.name", command)]);
        SpanBuilder::from_name(command).with_kind(SpanKind::Client).with_attributes(named)
    })
}

/// Starts a span for an incoming request; it continues the caller's trace. Where nothing is exported the caller's
/// context is carried nevertheless, so that log lines and messages name it.
pub fn request(headers: &HeaderMap) -> TraceSpan {
    let caller = propagation::extract(headers);
    let Some(tracer) = TRACER.get() else { return TraceSpan(caller) };
    let parent = caller.unwrap_or_default();
    let builder = SpanBuilder::from_name("request").with_kind(SpanKind::Server);
    TraceSpan(Some(parent.with_span(tracer.build_with_context(builder, &parent))))
}

/// Starts a span for an outgoing request to a server; [`headers`](super::headers) passes it on.
pub fn outgoing_request(method: &str, address: &str) -> TraceSpan {
    TraceSpan::child(|| {
        SpanBuilder::from_name(method.to_owned()).with_kind(SpanKind::Client).with_attributes([
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("url.full", address.to_owned()),
        ])
    })
}

/// Starts a span for a command of the user that calls others.
pub fn command(name: &'static str) -> TraceSpan {
    TraceSpan::root(name, SpanKind::Internal, [], [])
}

/// Starts a span for the delivery of a batch of messages to a sink, linked to their causes.
pub fn delivery<'a>(sink: &'static str, messages: usize, causes: impl IntoIterator<Item = &'a str>) -> TraceSpan {
    let attributes = [
        KeyValue::new("messaging.system", "loadmaster"),
        KeyValue::new("messaging.operation.type", "send"),
        KeyValue::new("messaging.operation.name", "deliver"),
        KeyValue::new("messaging.destination.name", sink),
        KeyValue::new("messaging.batch.message_count", i64::try_from(messages).unwrap_or(i64::MAX)),
    ];
    TraceSpan::root(format!("deliver {sink}"), SpanKind::Producer, attributes, causes)
}

/// Starts a span for work on a batch of requests, linked to their spans, in the trace of the first one that is sampled.
pub fn batch<'a>(name: &'static str, requests: usize, causes: impl IntoIterator<Item = &'a str>) -> TraceSpan {
    if !are_traces_on() {
        return TraceSpan::default();
    }
    let causes: Vec<SpanContext> = causes.into_iter().filter_map(propagation::parse).collect();
    let parent = match causes.iter().find(|cause| cause.is_sampled()) {
        Some(cause) => Context::new().with_remote_span_context(cause.clone()),
        None => Context::new(),
    };
    let requests = KeyValue::new("loadmaster.batch.requests", i64::try_from(requests).unwrap_or(i64::MAX));
    TraceSpan::linked(&parent, name, SpanKind::Internal, [requests], causes)
}

/// Starts a span for a job, linked to the trace that enqueued it.
pub fn job(kind: &str, cause: Option<&str>) -> TraceSpan {
    let attributes = [
        KeyValue::new("messaging.system", "loadmaster"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.operation.name", "run"),
        KeyValue::new("messaging.destination.name", kind.to_owned()),
    ];
    TraceSpan::root(format!("run {kind}"), SpanKind::Consumer, attributes, cause)
}

/// Adds an attribute to the current span.
pub fn note(name: &'static str, value: impl Into<Value>) {
    if is_sampled() {
        Context::map_current(|current| current.span().set_attribute(KeyValue::new(name, value)));
    }
}

/// Names the current span anew, and adds attributes to it.
pub fn describe_current<const N: usize>(describe: impl FnOnce() -> (String, [(&'static str, String); N])) {
    if is_sampled() {
        let (name, attributes) = describe();
        Context::map_current(|current| {
            current.span().update_name(name);
            current.span().set_attributes(attributes.map(|(name, value)| KeyValue::new(name, value)));
        });
    }
}

/// Records the outcome of an incoming or outgoing request.
pub fn note_answer(status: u16, is_good: bool) {
    note("http.response.status_code", i64::from(status));
    if !is_good {
        fail(status.to_string());
    }
}

/// Marks the current span as failed.
pub fn fail(error_type: impl Into<Value>) {
    fail_with([KeyValue::new("error.type", error_type)]);
}

/// Marks the current span as failed, with all known attributes.
pub(super) fn fail_with(known: impl IntoIterator<Item = KeyValue>) {
    if is_sampled() {
        Context::map_current(|current| failed(current, known));
    }
}

fn failed(context: &Context, known: impl IntoIterator<Item = KeyValue>) {
    context.span().set_attributes(known);
    context.span().set_status(Status::error(""));
}

/// Starts a child of the current span.
pub(super) fn child(builder: impl FnOnce() -> SpanBuilder) -> Option<Span> {
    let tracer = TRACER.get().filter(|_| is_sampled())?;
    Some(tracer.build_with_context(builder(), &Context::current()))
}

impl TraceSpan {
    pub(super) fn child(builder: impl FnOnce() -> SpanBuilder) -> Self {
        Self(child(builder).map(|span| Context::current().with_span(span)))
    }

    /// Starts the root span of a trace.
    fn root<'a>(
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
        causes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::linked(&Context::new(), name, kind, attributes, causes.into_iter().filter_map(propagation::parse))
    }

    /// Starts a span below this parent, linked to its causes.
    fn linked(
        parent: &Context,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
        causes: impl IntoIterator<Item = SpanContext>,
    ) -> Self {
        let Some(tracer) = TRACER.get() else { return Self(None) };
        let links = causes.into_iter().map(Link::with_context).collect();
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes).with_links(links);
        Self(Some(parent.with_span(tracer.build_with_context(builder, parent))))
    }

    /// Returns the trace id, and the span's own id, if it has one: where nothing is exported a request has none in its
    /// caller's trace.
    pub fn ids(&self) -> Option<(TraceId, Option<SpanId>)> {
        let span = self.0.as_ref()?.span();
        let place = span.span_context();
        Some((place.trace_id(), (!place.is_remote()).then(|| place.span_id())))
    }

    /// Returns whether the span is exported.
    pub fn is_sampled(&self) -> bool {
        are_traces_on() && self.0.as_ref().is_some_and(|context| context.span().span_context().is_sampled())
    }

    /// Returns a log span that names the trace in the log lines of background work.
    pub fn log_span(&self) -> tracing::Span {
        match self.ids() {
            Some((trace_id, span_id)) => {
                tracing::info_span!("work", trace_id = %trace_id, span_id = span_id.map(tracing::field::display))
            }
            None => tracing::Span::none(),
        }
    }

    pub fn note(&self, name: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(name, value));
        }
    }

    pub fn rename(&self, name: String) {
        if let Some(context) = &self.0 {
            context.span().update_name(name);
        }
    }
}

impl Drop for TraceSpan {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            if std::thread::panicking() {
                failed(context, [KeyValue::new("error.type", "panic")]);
            }
            context.span().end();
        }
    }
}

/// Work that belongs to a trace.
pub trait Traced: Future + Sized {
    /// Runs it inside this span.
    fn in_span(self, span: TraceSpan) -> InSpan<Self> {
        let current = span.0.clone();
        InSpan { work: Some(self), current, span }
    }

    /// Runs it inside the current span: for work that moves to its own task.
    fn in_same_trace(self) -> InSpan<Self> {
        let current = Context::map_current(|current| current.has_active_span().then(|| current.clone()));
        InSpan { work: Some(self), current, span: TraceSpan::default() }
    }
}

impl<F: Future> Traced for F {}

pin_project! {
    /// Work during which a span is current.
    #[derive(Debug)]
    pub struct InSpan<F> {
        #[pin]
        work: Option<F>,
        current: Option<Context>,
        span: TraceSpan,
    }

    // Abandoned work runs its destructors inside its span.
    impl<F> PinnedDrop for InSpan<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _current = this.current.clone().map(Context::attach);
            let _settling = Settling;
            this.work.set(None);
        }
    }
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, waker: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.current.clone().map(Context::attach);
        let _settling = Settling;
        match this.work.as_pin_mut() {
            Some(work) => work.poll(waker),
            None => Poll::Pending,
        }
    }
}
