//! Exports sampled spans to a collector by OTLP, configured by the usual `OTEL_*` variables. The OpenTelemetry
//! libraries read most of them; this module reads those that decide whether, where and what is sent, and refuses
//! invalid ones by name.
use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use opentelemetry::{Key, KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig, tonic_types::transport::ClientTlsConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    resource::{EnvResourceDetector, ResourceBuilder, ResourceDetector},
    trace::{SdkTracerProvider, SpanData},
};
use percent_encoding::percent_decode_str;
use url::Url;
use uuid::Uuid;

use super::{propagation, sampling::Sampling, spans};
use crate::{
    clock::{Clock, SystemClock},
    random::IdSource,
};

/// Longest time for which unsent spans may delay the end of a process.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The configuration of the span export.
#[derive(Debug)]
pub struct Traces {
    protocol: Protocol,
    endpoint: Url,
    sampling: Sampling,
    /// Whether callers' traces are continued, and the current trace is passed on.
    are_propagated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Grpc,
}

/// The running export; it lasts until it is stopped.
#[derive(Debug)]
pub struct Exporting(SdkTracerProvider);

/// Returns the trace settings if the environment asks for traces: by naming a collector, or with
/// `OTEL_TRACES_EXPORTER=otlp` for the default one on this machine.
pub fn wanted_traces() -> anyhow::Result<Option<Traces>> {
    read(&|name| std::env::var(name).ok())
}

fn read(env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Option<Traces>> {
    let given = |name: &str| env(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    // The variable for traces alone takes precedence.
    let of = |what: &str| {
        [format!("OTEL_EXPORTER_OTLP_TRACES_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")]
            .into_iter()
            .find_map(|name| given(&name).map(|text| (name, text)))
    };
    if given("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let endpoint = of("ENDPOINT");
    match given("OTEL_TRACES_EXPORTER").as_deref() {
        Some("none") => return Ok(None),
        None if endpoint.is_none() => return Ok(None),
        None | Some("otlp") => {}
        Some(other) => bail!("OTEL_TRACES_EXPORTER is invalid: `{other}` is neither otlp nor none"),
    }
    let protocol = match of("PROTOCOL") {
        None => Protocol::Http,
        Some((_, text)) if text == "http/protobuf" => Protocol::Http,
        Some((_, text)) if text == "grpc" => Protocol::Grpc,
        Some((name, text)) => bail!("{name} is invalid: `{text}` is neither http/protobuf nor grpc"),
    };
    let endpoint = match endpoint {
        Some((name, text)) => destination(protocol, &name, &text)?,
        None if protocol == Protocol::Grpc => Url::parse("http://localhost:4317")?,
        None => Url::parse("http://localhost:4318/v1/traces")?,
    };
    let propagators = given("OTEL_PROPAGATORS").unwrap_or_else(|| "tracecontext".to_owned());
    let are_propagated = propagators.split(',').any(|propagator| propagator.trim() == "tracecontext");
    Ok(Some(Traces { protocol, endpoint, sampling: Sampling::read(&given)?, are_propagated }))
}

/// Returns the full address; the general variable names the collector, to which HTTP adds the signal's path.
fn destination(protocol: Protocol, name: &str, text: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(text)
        .ok()
        .with_context(|| format!("{name} is invalid: it is not a URL, such as http://localhost:4318"))?;
    ensure!(["http", "https"].contains(&url.scheme()), "{name} is invalid: it must begin with http:// or https://");
    if protocol == Protocol::Http && name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

impl Traces {
    /// Starts the export on its own thread; called inside the runtime. An absent collector costs spans and nothing
    /// else.
    pub fn start(self) -> anyhow::Result<Exporting> {
        let exporter = LoggingExporter { exporter: self.exporter()?, is_away: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder()
            .with_sampler(self.sampling)
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        if !self.are_propagated {
            propagation::turn_off();
            tracing::warn!("OTEL_PROPAGATORS lacks tracecontext; the traces of callers are not continued");
        }
        spans::start(provider.tracer("loadmaster"));
        tracing::info!(endpoint = %self.endpoint.origin().ascii_serialization(), "exporting traces");
        Ok(Exporting(provider))
    }

    fn exporter(&self) -> anyhow::Result<SpanExporter> {
        let builder = SpanExporter::builder();
        let exporter = match self.protocol {
            Protocol::Http => builder.with_http().with_endpoint(self.endpoint.as_str()).build(),
            Protocol::Grpc if self.endpoint.scheme() == "https" => {
                let trusting = ClientTlsConfig::new().with_enabled_roots();
                builder.with_tonic().with_endpoint(self.endpoint.as_str()).with_tls_config(trusting).build()
            }
            Protocol::Grpc => builder.with_tonic().with_endpoint(self.endpoint.as_str()).build(),
        };
        // The exporter's error message quotes the address, which may hold a password.
        exporter.ok().context("traces cannot be exported: one of the OTEL_EXPORTER_OTLP_* variables is invalid")
    }
}

/// Returns the resource that identifies this process, unless the operator sets another.
fn resource() -> Resource {
    let said = said().build();
    let ours = [
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", IdSource::default().next::<Uuid>(SystemClock.now()).to_string()),
    ];
    let missing = ours.into_iter().filter(|(name, _)| said.get(&Key::from(*name)).is_none());
    let resource = self::said().with_attributes(missing.map(|(name, value)| KeyValue::new(name, value)));
    // Without a name the library reports an unknown service.
    let is_named =
        said.get(&Key::from("service.name")).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    if is_named { resource.build() } else { resource.with_service_name("loadmaster").build() }
}

/// Returns the operator's resource attributes. The library takes `OTEL_RESOURCE_ATTRIBUTES` undecoded, and prefers a
/// name in them to `OTEL_SERVICE_NAME`; the specification requires the opposite in both cases.
fn said() -> ResourceBuilder {
    let written = EnvResourceDetector::new().detect();
    let meant = written.iter().map(|(name, value)| KeyValue::new(name.clone(), decoded(&value.as_str())));
    let said = Resource::builder().with_attributes(meant);
    match std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty()) {
        Some(name) => said.with_service_name(name),
        None => said,
    }
}

/// Decodes a value. A value that is not text when decoded stays as it is written, as with headers.
fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8().map_or_else(|_| value.to_owned(), Cow::into_owned)
}

/// Logs when the collector goes away and when it is back. The libraries would log it with every batch; they are
/// silenced.
#[derive(Debug)]
struct LoggingExporter {
    exporter: SpanExporter,
    is_away: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for LoggingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        match &sent {
            Ok(()) if self.is_away.swap(false, Ordering::Relaxed) => {
                tracing::info!("the collector accepts spans again");
            }
            Err(error) if !self.is_away.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%error, "the collector does not accept spans; they are lost");
            }
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl Exporting {
    /// Sends the remaining spans, for a few seconds at most.
    pub async fn stop(self) {
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST_WORDS)).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(pairs: &[(&str, &str)]) -> anyhow::Result<Option<Traces>> {
        read(&|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn traces_are_sent_only_when_enabled() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        for pairs in [
            vec![],
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
            vec![("OTEL_SERVICE_NAME", "cargo"), ("OTEL_TRACES_SAMPLER", "always_on")],
            vec![endpoint, ("OTEL_TRACES_EXPORTER", "none")],
            vec![endpoint, ("OTEL_SDK_DISABLED", "TRUE")],
        ] {
            assert!(read_from(&pairs).unwrap().is_none(), "{pairs:?}");
        }
    }

    #[test]
    fn they_go_to_the_address_that_the_protocol_has() {
        use Protocol::{Grpc, Http};
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        for (pairs, protocol, address) in [
            (vec![endpoint], Http, "http://collector:4318/v1/traces"),
            (vec![endpoint, ("OTEL_SDK_DISABLED", "false")], Http, "http://collector:4318/v1/traces"),
            (vec![endpoint, grpc], Grpc, "http://collector:4318/"),
            (vec![("OTEL_TRACES_EXPORTER", "otlp")], Http, "http://localhost:4318/v1/traces"),
            (vec![("OTEL_TRACES_EXPORTER", "otlp"), grpc], Grpc, "http://localhost:4317/"),
            (vec![endpoint, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other/here")], Http, "https://other/here"),
            (
                vec![endpoint, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"), grpc],
                Http,
                "http://collector:4318/v1/traces",
            ),
        ] {
            let traces = read_from(&pairs).unwrap().unwrap();
            assert_eq!((traces.protocol, traces.endpoint.as_str()), (protocol, address), "{pairs:?}");
        }
    }

    #[test]
    fn callers_are_followed_unless_that_is_turned_off() {
        for (propagators, follows) in [
            ("", true),
            ("tracecontext", true),
            ("b3, tracecontext,baggage", true),
            ("none", false),
            ("baggage", false),
        ] {
            let traces = read_from(&[("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_PROPAGATORS", propagators)]);
            assert_eq!(traces.unwrap().unwrap().are_propagated, follows, "{propagators}");
        }
    }

    #[test]
    fn invalid_variables_are_refused_by_name() {
        for (name, text) in [
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "udp"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "nowhere"),
            ("OTEL_TRACES_SAMPLER", "xray"),
        ] {
            let error = read_from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"), (name, text)]);
            assert!(error.unwrap_err().to_string().starts_with(&format!("{name} is invalid")), "{name}={text}");
        }
        for arg in ["2", "-0.1", "many", "NaN"] {
            let error = read_from(&[
                ("OTEL_TRACES_EXPORTER", "otlp"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", arg),
            ]);
            assert!(error.unwrap_err().to_string().starts_with("OTEL_TRACES_SAMPLER_ARG is invalid"), "{arg}");
        }
    }
}
