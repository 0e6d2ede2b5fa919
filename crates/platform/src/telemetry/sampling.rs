//! Decides which traces are sampled, by the usual variables and safely with untrusted callers.
use std::borrow::Cow;

use anyhow::{bail, ensure};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};

/// The sampler that `OTEL_TRACES_SAMPLER` selects. Where the caller's sampling flag does not count, neither does its
/// trace id: with the library's own sampler a caller could choose an id that is always sampled. Children of a sampled
/// span are sampled, too.
#[derive(Debug, Clone)]
pub(super) struct Sampling {
    /// For root spans.
    of_roots: Sampler,
    asks_parents: bool,
}

impl Sampling {
    pub fn read(given: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let name = given("OTEL_TRACES_SAMPLER").map_or(Cow::Borrowed("parentbased_always_on"), Cow::Owned);
        let (asks_parents, base) = match name.strip_prefix("parentbased_") {
            Some(base) => (true, base),
            None => (false, &*name),
        };
        let of_roots = match base {
            "always_on" => Sampler::AlwaysOn,
            "always_off" => Sampler::AlwaysOff,
            "traceidratio" => Sampler::TraceIdRatioBased(share(given)?),
            _ => bail!(
                "OTEL_TRACES_SAMPLER is invalid: `{name}` is not one of always_on, always_off and traceidratio, \
                 with or without the prefix parentbased_"
            ),
        };
        Ok(Self { of_roots, asks_parents })
    }
}

fn share(given: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<f64> {
    let Some(text) = given("OTEL_TRACES_SAMPLER_ARG") else { return Ok(1.0) };
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    ensure!(share.is_some(), "OTEL_TRACES_SAMPLER_ARG is invalid: `{text}` is not a ratio from 0 to 1, such as 0.01");
    Ok(share.unwrap_or_default())
}

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let of_roots = |trace_id| self.of_roots.should_sample(parent, trace_id, name, kind, attributes, links);
        let follow = |is_sampled: bool| SamplingResult {
            decision: if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: parent.map(|parent| parent.span().span_context().trace_state().clone()).unwrap_or_default(),
        };
        let parent = parent.map(|parent| parent.span().span_context().clone()).filter(SpanContext::is_valid);
        match parent {
            Some(parent) if self.asks_parents || !parent.is_remote() => follow(parent.is_sampled()),
            Some(_) => of_roots(RandomIdGenerator::default().new_trace_id()),
            None if self.asks_parents && links.iter().any(|link| link.span_context.is_sampled()) => follow(true),
            None => of_roots(trace_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceState};

    use super::*;

    fn sampling(name: &str, arg: Option<&str>) -> Sampling {
        Sampling::read(&|asked| match asked {
            "OTEL_TRACES_SAMPLER" => Some(name.to_owned()),
            _ => arg.map(ToOwned::to_owned),
        })
        .unwrap()
    }

    /// The library's own sampler takes every trace with this id.
    fn context(is_sampled: bool, is_remote: bool) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(is_sampled);
        SpanContext::new(TraceId::from(1 << 64), SpanId::from(7), flags, is_remote, TraceState::default())
    }

    fn sampled(sampling: &Sampling, parent: Option<SpanContext>, links: &[SpanContext]) -> usize {
        let parent = parent.map(|parent| Context::new().with_remote_span_context(parent));
        let links: Vec<_> = links.iter().cloned().map(Link::with_context).collect();
        let ids = RandomIdGenerator::default();
        let mut taken = 0;
        for _ in 0..1000 {
            let id = parent.as_ref().map_or_else(|| ids.new_trace_id(), |p| p.span().span_context().trace_id());
            let result = sampling.should_sample(parent.as_ref(), id, "", &SpanKind::Server, &[], &links);
            taken += usize::from(result.decision == SamplingDecision::RecordAndSample);
        }
        taken
    }

    #[test]
    fn a_parent_decides_only_where_the_sampler_follows_it() {
        for name in ["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] {
            let sampling = sampling(name, Some("0.5"));
            assert_eq!(sampled(&sampling, Some(context(true, true)), &[]), 1000, "{name}");
            assert_eq!(sampled(&sampling, Some(context(false, true)), &[]), 0, "{name}");
        }
        assert_eq!(sampled(&sampling("always_on", None), Some(context(false, true)), &[]), 1000);
        assert_eq!(sampled(&sampling("always_off", None), Some(context(true, true)), &[]), 0);
        let share = sampled(&sampling("traceidratio", Some("0.1")), Some(context(true, true)), &[]);
        assert!((20..250).contains(&share), "a number of the caller's choice is not taken more often: {share}");
    }

    #[test]
    fn the_parts_of_a_request_are_sampled_with_it() {
        for name in ["always_on", "always_off", "traceidratio", "parentbased_traceidratio"] {
            let sampling = sampling(name, Some("0.5"));
            assert_eq!(sampled(&sampling, Some(context(true, false)), &[]), 1000, "{name}");
            assert_eq!(sampled(&sampling, Some(context(false, false)), &[]), 0, "{name}");
        }
    }

    #[test]
    fn children_of_a_sampled_span_are_sampled() {
        let sampling = sampling("parentbased_always_off", None);
        assert_eq!(sampled(&sampling, None, &[]), 0);
        assert_eq!(sampled(&sampling, None, &[context(false, true)]), 0);
        assert_eq!(sampled(&sampling, None, &[context(false, true), context(true, true)]), 1000);
    }

    #[test]
    fn a_share_is_taken_of_the_rest() {
        let taken = sampled(&sampling("parentbased_traceidratio", Some("0.1")), None, &[]);
        assert!((20..250).contains(&taken), "{taken}");
        assert_eq!(sampled(&sampling("traceidratio", None), None, &[]), 1000);
    }
}
