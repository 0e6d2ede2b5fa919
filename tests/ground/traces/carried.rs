//! A trace goes on in what is done later, and comes through where nothing is exported.
use loadmaster_testkit::{command::loadmaster, until};
use serde_json::Value;

use super::{
    PASSWORD, Site, answered,
    collector::{Collector, Kind, Span},
};

const TRACE: &str = "af7651916cd43dd8448eb211c80319c0";

/// What the message of the only booking says about its trace.
async fn trace_of_the_message(site: &Site) -> String {
    let query = "select payload->>'traceparent' from outbox where aggregate = 'booking'";
    sqlx::query_scalar(query).fetch_one(&mut site.database.owner().await).await.unwrap()
}

#[tokio::test]
async fn deliveries_and_jobs_are_linked_to_what_caused_them() {
    let collector = Collector::start().await;
    let site = Site::start(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/v1/traces", collector.endpoint())),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ])
    .await;

    site.search_and_book(&format!("00-{TRACE}-b7ad6b7169203331-01")).await;

    let traceparent = trace_of_the_message(&site).await;
    assert!(traceparent.starts_with(&format!("00-{TRACE}-")) && traceparent.ends_with("-01"), "{traceparent}");
    let deliveries = || {
        let spans = collector.spans().into_iter();
        spans.filter(|s| s.name == "deliver redis_streams" && s.links.iter().any(|(trace, _)| trace == TRACE))
    };
    until("the delivery is told", async || deliveries().next().is_some()).await;
    let delivery = deliveries().next().unwrap();
    assert_eq!(delivery.kind, Kind::Producer);
    assert_ne!(delivery.trace, TRACE, "it is a trace of its own");
    assert_eq!(delivery.attribute("messaging.destination.name"), "redis_streams");
    assert!(delivery.links.iter().any(|(_, span)| traceparent.contains(span.as_str())));
    let written = collector.spans().into_iter().find(|s| s.name == "MULTI XADD").expect("what it does is told");
    assert_eq!(written.kind, Kind::Client);

    let job = run_job(&site, &collector, "old_outbox", &traceparent).await;
    assert_eq!((job.kind, job.links[0].0.as_str()), (Kind::Consumer, TRACE));
    assert!(!job.is_failed);
    let within = |parent: &str| collector.spans().into_iter().any(|s| s.parent == parent && s.name == "BEGIN");
    assert!(within(&job.id), "what it does is told");

    // Whom it should sweep behind is not said.
    let failed = run_job(&site, &collector, "erased_person", &traceparent).await;
    assert_eq!((failed.is_failed, failed.attribute("error.type")), (true, "failed"));
    let (_, log) = site.end().await;
    let line = log.iter().find(|line| line["message"] == "a job failed").expect("the failure is logged");
    assert_eq!((&line["span"]["trace_id"], &line["span"]["span_id"]), (&failed.trace.into(), &failed.id.into()));
}

/// Has a job run that nothing came before, and waits until it is told.
async fn run_job(site: &Site, collector: &Collector, kind: &str, traceparent: &str) -> Span {
    sqlx::query(
        "insert into jobs (id, kind, payload, priority, state, run_at, max_attempts, traceparent)
         values (gen_random_uuid(), $1, 'null', 0, 'QUEUED', now(), 1, $2)",
    )
    .bind(kind)
    .bind(traceparent)
    .execute(&mut site.database.owner().await)
    .await
    .unwrap();
    let name = format!("run {kind}");
    let told = || collector.spans().into_iter().find(|span| span.name == name && !span.links.is_empty());
    until(&format!("{name} is told"), async || told().is_some()).await;
    told().unwrap()
}

#[tokio::test]
async fn without_a_collector_the_callers_trace_is_named_and_passed_on() {
    let site = Site::start(&[]).await;
    let traceparent = format!("00-{TRACE}-b7ad6b7169203331-01");

    site.search_and_book(&traceparent).await;

    assert_eq!(trace_of_the_message(&site).await, traceparent);
    let (done, log) = site.end().await;
    assert_eq!(done.code, 0);
    let line = answered(&log, "the-booking-request");
    assert_eq!(line["span"]["trace_id"], TRACE);
    assert_eq!(line["span"]["span_id"], Value::Null, "it has no place of its own in it");
}

#[tokio::test]
async fn unsampled_traces_are_not_exported_but_have_ids() {
    let collector = Collector::start().await;
    let site = Site::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ])
    .await;

    // The caller's wish to be sampled does not count with this sampler.
    site.search_and_book(&format!("00-{TRACE}-b7ad6b7169203331-01")).await;

    let traceparent = trace_of_the_message(&site).await;
    assert!(traceparent.starts_with(&format!("00-{TRACE}-")) && traceparent.ends_with("-00"), "{traceparent}");
    assert!(!traceparent.contains("b7ad6b7169203331"), "it has a place of its own in it");
    let (done, log) = site.end().await;
    assert_eq!(done.code, 0);
    let line = answered(&log, "the-booking-request");
    assert_eq!(line["span"]["trace_id"], TRACE);
    assert!(traceparent.contains(line["span"]["span_id"].as_str().unwrap()));
    assert_eq!(collector.spans().len(), 0, "the last spans were sent at the end");
}

#[tokio::test]
async fn the_demo_is_one_trace_through_caller_and_server() {
    let collector = Collector::start().await;
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint());
    let site = Site::start(&[endpoint, ("OTEL_BSP_SCHEDULE_DELAY", "50")]).await;
    let demo = ["demo", "--url", &site.serving.base, "--email", "root@carrier.example", "--password-stdin"];
    let demo = loadmaster(&demo).stdin(PASSWORD).env(endpoint.0, endpoint.1);

    // There are no demo flights: it ends before the shipment.
    demo.run().await;

    let root = collector.spans().into_iter().find(|span| span.name == "demo").expect("the demo is told");
    assert_eq!(root.parent, "");
    let log_in = || collector.of_trace(&root.trace).into_iter().find(|s| s.name == "POST /api/v1/auth/login");
    until("the server's part is told", async || log_in().is_some()).await;
    let calls = collector.of_trace(&root.trace);
    let call = calls.iter().find(|s| s.id == log_in().unwrap().parent).expect("the caller's part is told");
    assert_eq!((call.kind, call.name.as_str(), &call.parent), (Kind::Client, "POST", &root.id));
    assert_eq!(call.attribute("http.response.status_code"), "200");
    assert!(!format!("{:?}", collector.spans()).contains(PASSWORD));
}
