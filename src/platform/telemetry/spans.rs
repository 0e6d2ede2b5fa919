//! Parts of the work as spans. A part is told of only when the request or task that it belongs to is sampled; all others
//! cost a look at a thread-local. What is current goes along with the work by [`Traced::in_span`], and into tasks that are
//! spawned by [`Traced::in_same_trace`].
use std::{
    borrow::Cow,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{self, Poll},
};

use axum::http::HeaderMap;
use opentelemetry::{
    Context, KeyValue, Value,
    trace::{Link, SpanBuilder, SpanId, SpanKind, Status, TraceContextExt, TraceId, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use pin_project_lite::pin_project;

use super::{propagation, statements::Settling};

/// There is one when traces are exported.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

pub(super) fn start(tracer: SdkTracer) {
    _ = TRACER.set(tracer);
}

/// Whether traces are exported at all.
pub fn are_traces_on() -> bool {
    TRACER.get().is_some()
}

/// Whether what runs now is sampled.
pub(super) fn is_sampled() -> bool {
    are_traces_on() && Context::map_current(|current| current.span().span_context().is_sampled())
}

/// A part of what is done, from its making until it is dropped. Empty where nothing is sampled.
#[derive(Debug, Default)]
#[must_use = "it ends when it is dropped"]
pub struct TraceSpan(Option<Context>);

/// A step inside this process.
pub fn span(name: &'static str) -> TraceSpan {
    TraceSpan::child(|| SpanBuilder::from_name(name).with_kind(SpanKind::Internal))
}

/// Which Redis is meant, for the spans of what is asked of it.
#[derive(Debug, Clone)]
pub struct RedisName(Arc<[KeyValue]>);

impl RedisName {
    /// A socket has no port.
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

/// A command to Redis, or several at once: `MULTI GET`, `MULTI SET`.
pub fn redis_call(command: &'static str, redis: &RedisName) -> TraceSpan {
    TraceSpan::child(|| {
        let named = redis.0.iter().cloned().chain([KeyValue::new("db.operation.name", command)]);
        SpanBuilder::from_name(command).with_kind(SpanKind::Client).with_attributes(named)
    })
}

/// A request to us; it continues its caller's trace. Where nothing is exported the caller's context is carried all the
/// same, so that log lines and messages name it.
pub fn request(headers: &HeaderMap) -> TraceSpan {
    let caller = propagation::extract(headers);
    let Some(tracer) = TRACER.get() else { return TraceSpan(caller) };
    let parent = caller.unwrap_or_default();
    let builder = SpanBuilder::from_name("request").with_kind(SpanKind::Server);
    TraceSpan(Some(parent.with_span(tracer.build_with_context(builder, &parent))))
}

/// A request of ours to a server; [`headers`](super::headers) carries it on.
pub fn outgoing_request(method: &str, address: &str) -> TraceSpan {
    TraceSpan::child(|| {
        SpanBuilder::from_name(method.to_owned()).with_kind(SpanKind::Client).with_attributes([
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("url.full", address.to_owned()),
        ])
    })
}

/// A command of the user's that calls others.
pub fn command(name: &'static str) -> TraceSpan {
    TraceSpan::root(name, SpanKind::Internal, [], [])
}

/// Messages that go to a sink together, linked to what caused them.
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

/// A job, linked to what promised it.
pub fn job(kind: &str, cause: Option<&str>) -> TraceSpan {
    let attributes = [
        KeyValue::new("messaging.system", "loadmaster"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.operation.name", "run"),
        KeyValue::new("messaging.destination.name", kind.to_owned()),
    ];
    TraceSpan::root(format!("run {kind}"), SpanKind::Consumer, attributes, cause)
}

/// Adds to the part that is current.
pub fn note(name: &'static str, value: impl Into<Value>) {
    if is_sampled() {
        Context::map_current(|current| current.span().set_attribute(KeyValue::new(name, value)));
    }
}

/// How a request came out, to us or of ours.
pub fn note_answer(status: u16, is_good: bool) {
    note("http.response.status_code", i64::from(status));
    if !is_good {
        fail(status.to_string());
    }
}

/// The part that is current does not come out well.
pub fn fail(error_type: impl Into<Value>) {
    fail_with([KeyValue::new("error.type", error_type)]);
}

/// The same, with all that is known of it.
pub(super) fn fail_with(known: impl IntoIterator<Item = KeyValue>) {
    if is_sampled() {
        Context::map_current(|current| failed(current, known));
    }
}

fn failed(context: &Context, known: impl IntoIterator<Item = KeyValue>) {
    context.span().set_attributes(known);
    context.span().set_status(Status::error(""));
}

/// A span below the part that is current.
pub(super) fn child(builder: impl FnOnce() -> SpanBuilder) -> Option<Span> {
    let tracer = TRACER.get().filter(|_| is_sampled())?;
    Some(tracer.build_with_context(builder(), &Context::current()))
}

impl TraceSpan {
    pub(super) fn child(builder: impl FnOnce() -> SpanBuilder) -> Self {
        Self(child(builder).map(|span| Context::current().with_span(span)))
    }

    /// The beginning of a trace.
    fn root<'a>(
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
        causes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let Some(tracer) = TRACER.get() else { return Self(None) };
        let links = causes.into_iter().filter_map(propagation::parse).map(Link::with_context).collect();
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes).with_links(links);
        let parent = Context::new();
        Self(Some(parent.with_span(tracer.build_with_context(builder, &parent))))
    }

    /// The trace it belongs to, and its own place in it, if it has one: where nothing is exported a request has none in its
    /// caller's trace.
    pub fn ids(&self) -> Option<(TraceId, Option<SpanId>)> {
        let span = self.0.as_ref()?.span();
        let place = span.span_context();
        Some((place.trace_id(), (!place.is_remote()).then(|| place.span_id())))
    }

    /// Whether anything noted here is told of.
    pub fn is_sampled(&self) -> bool {
        are_traces_on() && self.0.as_ref().is_some_and(|context| context.span().span_context().is_sampled())
    }

    /// Names it in the log lines of work that is no request's.
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
    /// Does it as this part.
    fn in_span(self, span: TraceSpan) -> InSpan<Self> {
        let current = span.0.clone();
        InSpan { work: Some(self), current, span }
    }

    /// Does it as part of what is current now: for work that goes to a task of its own.
    fn in_same_trace(self) -> InSpan<Self> {
        let current = Context::map_current(|current| current.has_active_span().then(|| current.clone()));
        InSpan { work: Some(self), current, span: TraceSpan::default() }
    }
}

impl<F: Future> Traced for F {}

pin_project! {
    /// Work during which a part is current.
    #[derive(Debug)]
    pub struct InSpan<F> {
        #[pin]
        work: Option<F>,
        current: Option<Context>,
        span: TraceSpan,
    }

    // What is given up tells its last words as part of what it was.
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
