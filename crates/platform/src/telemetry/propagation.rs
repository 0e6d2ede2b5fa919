//! W3C Trace Context: carries a trace from one process to another.
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Header that names a trace and the caller's position in it.
pub const TRACEPARENT: &str = "traceparent";
/// Header with data that the tracing systems on the way exchange.
pub const TRACESTATE: &str = "tracestate";

/// A longer state is not passed on. Each span carries it, so that callers could otherwise send unbounded data to this
/// process and its collector; W3C requires no more than this.
const LONGEST_STATE: usize = 512;

/// True when the operator turned propagation off. By default callers' traces are named even where this process exports
/// none.
static IS_OFF: AtomicBool = AtomicBool::new(false);

pub(super) fn turn_off() {
    IS_OFF.store(true, Ordering::Relaxed);
}

/// The received headers, in the form that the library reads.
struct TraceHeaders<'a> {
    traceparent: &'a str,
    tracestate: String,
}

impl Extractor for TraceHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(self.traceparent),
            TRACESTATE if !self.tracestate.is_empty() => Some(&self.tracestate),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

impl TraceHeaders<'_> {
    fn context(&self) -> Option<Context> {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        (is_well_formed(self.traceparent) && context.has_active_span()).then_some(context)
    }
}

/// Returns the caller's trace context; `None` if it is absent or invalid.
pub(super) fn extract(headers: &HeaderMap) -> Option<Context> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (traceparent, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    if IS_OFF.load(Ordering::Relaxed) {
        return None;
    }
    let states: Vec<_> = headers.get_all(TRACESTATE).iter().filter_map(|value| value.to_str().ok()).collect();
    let tracestate = Some(states.join(",")).filter(|state| state.len() <= LONGEST_STATE).unwrap_or_default();
    TraceHeaders { traceparent, tracestate }.context()
}

/// Parses the trace that is stored with a message or a job.
pub(super) fn parse(traceparent: &str) -> Option<SpanContext> {
    let context = TraceHeaders { traceparent, tracestate: String::new() }.context()?;
    Some(context.span().span_context().clone())
}

/// Checks for `{version}-{trace}-{parent}-{flags}` in lower-case hexadecimal digits; later versions may add members.
/// The library parses numbers and would accept shorter ones.
fn is_well_formed(traceparent: &str) -> bool {
    let mut members = traceparent.split('-');
    let lengths = [2, 32, 16, 2];
    let is_hexadecimal = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let are_right =
        lengths.iter().all(|length| members.next().is_some_and(|m| m.len() == *length && is_hexadecimal(m)));
    are_right && !traceparent.starts_with("ff") && (members.next().is_none() || !traceparent.starts_with("00"))
}

/// Returns the current trace, for a message or a job that it causes; `None` where no trace is known.
pub fn traceparent() -> Option<String> {
    Context::map_current(|current| current.has_active_span().then(|| written(current.span().span_context())))
}

fn written(place: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", place.trace_id(), place.span_id(), place.trace_flags())
}

/// Returns the headers that pass the current trace on with an outgoing request.
pub fn headers() -> HeaderMap {
    let Some(traceparent) = traceparent() else { return HeaderMap::new() };
    let tracestate = Context::map_current(|current| current.span().span_context().trace_state().header());
    [(TRACEPARENT, traceparent), (TRACESTATE, tracestate)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty() && !IS_OFF.load(Ordering::Relaxed))
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn extracted(values: &[&str], states: &[&str]) -> Option<SpanContext> {
        let named = |name, values: &[&str]| -> Vec<_> {
            values.iter().map(|value| (HeaderName::from_static(name), value.parse().unwrap())).collect()
        };
        let headers = named(TRACEPARENT, values).into_iter().chain(named(TRACESTATE, states)).collect();
        extract(&headers).map(|context| context.span().span_context().clone())
    }

    #[test]
    fn a_callers_trace_is_read() {
        for (flags, is_sampled) in [("00", false), ("01", true), ("03", true)] {
            let found = extracted(&[&format!("00-{TRACE}-b7ad6b7169203331-{flags}")], &[]).unwrap();
            assert_eq!(found.trace_id().to_string(), TRACE);
            assert_eq!(found.span_id().to_string(), "b7ad6b7169203331");
            assert!(found.is_remote() && found.is_sampled() == is_sampled, "{flags}");
            assert_eq!(parse(&written(&found)), Some(found));
        }
        assert!(extracted(&[&format!("01-{TRACE}-b7ad6b7169203331-01-more")], &[]).is_some(), "a later version");
    }

    #[test]
    fn a_malformed_traceparent_is_ignored() {
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert!(extracted(&[], &[]).is_none());
        assert!(extracted(&[&good, &good], &[]).is_none(), "named twice");
        for bad in [
            "",
            "00",
            "00-abc-b7ad6b7169203331-01",
            &format!("ff-{TRACE}-b7ad6b7169203331-01"),
            &format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            &format!("00-{TRACE}-b7ad6b7169203331-1"),
            &format!("00-{TRACE}-+7ad6b7169203331-01"),
            &format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            &format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            &format!("00-{TRACE}-0000000000000000-01"),
        ] {
            assert!(extracted(&[bad], &[]).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_short_tracestate_is_passed_on() {
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        let state = |states: &[&str]| extracted(&[&good], states).unwrap().trace_state().header();
        assert_eq!(state(&["rojo=1", "congo=2"]), "rojo=1,congo=2", "several headers are one");
        assert_eq!(state(&["no state"]), "");
        let long = format!("a={},b={}", "x".repeat(250), "y".repeat(250));
        assert_eq!(state(&[&long]), long);
        assert_eq!(state(&[&long, "c=too-much"]), "");
    }
}
