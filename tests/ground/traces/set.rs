//! Traces are set by the usual variables.
use loadmaster_testkit::{TestDatabase, command::loadmaster, until};
use serde_json::Value;

use super::{Site, collector::Collector};

#[tokio::test]
async fn a_variable_that_makes_no_sense_stops_the_start_by_name() {
    let database = TestDatabase::create().await;
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "pigeon"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
    ] {
        let server = loadmaster(&["serve"]).on(&database).env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
        let complaint = server.env(name, value).run().await.complained();
        assert!(complaint.contains(&format!("{name} is invalid")), "{complaint}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_nothing_but_spans() {
    for protocol in ["http/protobuf", "grpc"] {
        let site = Site::start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "16"),
        ])
        .await;
        site.search_and_book("").await;
        site.operator.get("/api/v1/flights").await.expect(200);
        let (done, log) = site.end().await;
        assert_eq!(done.code, 0, "{protocol}");
        let is_told = |line: &&Value| line["message"] == "the collector does not accept spans; they are lost";
        assert_eq!(log.iter().filter(is_told).count(), 1, "{protocol}: the operator is told once");
        let is_bad = |line: &&Value| line["level"] == "ERROR";
        assert_eq!(log.iter().find(is_bad), None, "{protocol}: nobody is woken");
    }
}

#[tokio::test]
async fn the_last_spans_are_sent_at_the_end_under_the_name_that_was_given() {
    let collector = Collector::start().await;
    let site = Site::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_SERVICE_NAME", "cargo"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=air%20cargo%2Ceast,service.name=other,plain=100%,host.name=here"),
    ])
    .await;
    site.search_and_book("").await;
    assert_eq!(site.end().await.0.code, 0);
    until("the spans have come", async || !collector.spans().is_empty()).await;
    assert!(collector.spans().iter().any(|span| span.name == "POST /api/v1/bookings"));
    for (name, value) in
        [("service.name", "cargo"), ("team", "air cargo,east"), ("plain", "100%"), ("host.name", "here")]
    {
        assert!(collector.spans().iter().all(|span| span.resource[name] == value), "{name}");
    }
}
