use std::collections::BTreeSet;

use loadmaster_testkit::{command::loadmaster, until};

use super::{
    Site, answered,
    collector::{Collector, Kind, Span},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Nothing is sampled but what the caller has sampled, and what follows from it.
const ONLY_CALLERS: &str = "parentbased_always_off";

/// Above what a batch of the booking desk does.
const DESK: &[&str] = &["bookings.desk", "bookings.book", "handler", "POST /api/v1/bookings"];

/// People, and what is nobody's business.
const HIDDEN: [&str; 9] = [
    "annabella",
    "Annabella",
    "Smithson",
    "Secretive",
    "Hidden Lane",
    "4930555777",
    "secret.example",
    "Confidential",
    "correct horse",
];

async fn told_of_search_and_booking(protocol: &str, sampler: &str) -> (Site, Collector) {
    let collector = Collector::start().await;
    let site = Site::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_TRACES_SAMPLER", sampler),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ])
    .await;
    site.search_and_book(&format!("00-{TRACE}-{CALLER}-01")).await;
    let roots = || collector.of_trace(TRACE).iter().filter(|span| span.kind == Kind::Server).count();
    until("both requests are told", async || roots() == 2).await;
    (site, collector)
}

#[track_caller]
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {names:?}"))
}

/// From a span up to the caller's.
fn ancestors<'a>(spans: &'a [Span], of: &'a Span) -> Vec<&'a str> {
    let mut path = vec![];
    let mut span = of;
    while span.parent != CALLER {
        span = spans.iter().find(|s| s.id == span.parent).unwrap_or_else(|| panic!("{span:?} is not connected"));
        path.push(span.name.as_str());
    }
    path
}

#[tokio::test]
async fn search_and_booking_are_one_connected_trace() {
    let (site, collector) = told_of_search_and_booking("http/protobuf", ONLY_CALLERS).await;
    let spans = collector.spans();

    let mut requests = spans.iter().filter(|span| span.kind == Kind::Server);
    assert!(requests.all(|span| span.trace == TRACE), "no other request was sampled");
    let spans: Vec<_> = spans.into_iter().filter(|span| span.trace == TRACE).collect();
    for span in &spans {
        ancestors(&spans, span);
        assert!(span.began <= span.ended, "{span:?}");
        assert!(!span.is_failed, "{span:?}");
    }
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.id).collect();
    assert_eq!(ids.len(), spans.len());
    for (name, kind, above) in [
        ("GET /api/v1/routes", Kind::Server, &[][..]),
        ("handler", Kind::Internal, &["GET /api/v1/routes"]),
        ("search.find", Kind::Internal, &["handler", "GET /api/v1/routes"]),
        ("route cache", Kind::Internal, &["search.find", "handler", "GET /api/v1/routes"]),
        ("MULTI GET", Kind::Client, &["route cache", "search.find", "handler", "GET /api/v1/routes"]),
        ("accounts.authenticate", Kind::Internal, &["GET /api/v1/routes"]),
        ("wait for quota", Kind::Internal, &["GET /api/v1/routes"]),
        ("POST /api/v1/bookings", Kind::Server, &[]),
        ("bookings.book", Kind::Internal, &["handler", "POST /api/v1/bookings"]),
        ("wait at the desk", Kind::Internal, &["bookings.book", "handler", "POST /api/v1/bookings"]),
        ("bookings.desk", Kind::Internal, &["bookings.book", "handler", "POST /api/v1/bookings"]),
        ("wait for turn", Kind::Internal, DESK),
        (
            "wait for lock",
            Kind::Internal,
            &["wait for turn", "bookings.desk", "bookings.book", "handler", "POST /api/v1/bookings"],
        ),
        (
            "SET",
            Kind::Client,
            &["wait for lock", "wait for turn", "bookings.desk", "bookings.book", "handler", "POST /api/v1/bookings"],
        ),
        ("wait for connection", Kind::Internal, DESK),
        ("BEGIN", Kind::Client, DESK),
        ("UPDATE flight_capacity", Kind::Client, DESK),
        ("COMMIT", Kind::Client, DESK),
    ] {
        named(&spans, name);
        let is_there = spans.iter().any(|s| s.name == name && s.kind == kind && ancestors(&spans, s) == above);
        let there: Vec<_> = spans.iter().filter(|s| s.name == name).map(|s| ancestors(&spans, s)).collect();
        assert!(is_there, "{name} {kind:?} below {above:?}, but: {there:?}");
    }
    // The search reads the flight while the departures are not loaded, and the desk does if the search did not.
    let read = named(&spans, "SELECT flights");
    let reader = ancestors(&spans, read);
    assert!(read.kind == Kind::Client && (reader == DESK || reader.contains(&"search.find")), "{reader:?}");
    let (book, batch) = (named(&spans, "bookings.book"), named(&spans, "bookings.desk"));
    assert_eq!(batch.links, [(TRACE.to_owned(), book.id.clone())], "a batch is linked to its requests");
    assert_eq!(batch.attribute("loadmaster.batch.requests"), "1");
    let audit = ["audit", "--rebuild"];
    loadmaster(&audit).on(&site.database).run().await.succeeded();
}

#[tokio::test]
async fn spans_are_named_by_the_conventions_and_lead_to_the_log() {
    let (site, collector) = told_of_search_and_booking("http/protobuf", "parentbased_always_on").await;
    let spans = collector.of_trace(TRACE);

    let request = named(&spans, "POST /api/v1/bookings");
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/bookings"),
        ("http.response.status_code", "201"),
        ("url.path", "/api/v1/bookings"),
        ("url.scheme", "http"),
        ("loadmaster.request_id", "the-booking-request"),
    ] {
        assert_eq!(request.attribute(name), value);
    }
    assert_eq!(request.parent, CALLER);
    for (name, value) in [("service.name", "loadmaster"), ("deployment.environment.name", "test")] {
        assert_eq!(request.resource[name], value);
    }
    assert_eq!(request.resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert!(!request.resource["service.instance.id"].is_empty());
    let statement = named(&spans, "UPDATE flight_capacity");
    for (name, value) in [
        ("db.system.name", "postgresql"),
        ("db.operation.name", "UPDATE"),
        ("db.query.summary", "UPDATE flight_capacity"),
    ] {
        assert_eq!(statement.attribute(name), value);
    }
    assert!(!statement.attribute("server.address").is_empty());
    assert!(statement.attribute("db.namespace").starts_with("test_"), "{statement:?}");
    assert!(statement.attribute("db.query.text").contains("$1"), "values are not told: {statement:?}");
    let redis = named(&spans, "SET");
    assert_eq!((redis.attribute("db.system.name"), redis.attribute("db.operation.name")), ("redis", "SET"));
    assert_eq!((redis.attribute("db.namespace"), redis.attributes.get("server.port")), ("0", None));
    assert!(redis.attribute("server.address").ends_with("/redis.sock"), "{redis:?}");
    assert_eq!(named(&spans, "route cache").attribute("loadmaster.cache.hit"), "false");
    assert_eq!(named(&spans, "wait for lock").attribute("loadmaster.lock.name"), "flight");
    assert!(collector.spans().iter().any(|span| span.name == "POST /api/v1/auth/register"));
    let told = format!("{:?}", collector.spans());
    for hidden in HIDDEN {
        assert!(!told.contains(hidden), "{hidden} is told");
    }
    assert!(!told.contains(site.customer.token.as_ref().unwrap().split('.').next_back().unwrap()));

    let id = request.id.clone();
    let (_, log) = site.end().await;
    let line = answered(&log, "the-booking-request");
    assert_eq!(line["span"]["trace_id"], TRACE);
    assert_eq!(line["span"]["span_id"], id.as_str());
}

#[tokio::test]
async fn a_collector_may_speak_grpc() {
    let (_site, collector) = told_of_search_and_booking("grpc", ONLY_CALLERS).await;
    let spans = collector.of_trace(TRACE);
    for name in ["POST /api/v1/bookings", "bookings.book", "COMMIT", "SET"] {
        ancestors(&spans, named(&spans, name));
    }
}
