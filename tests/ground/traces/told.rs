//! What spans say of a request and of what was asked of the databases, by OpenTelemetry's conventions.
use loadmaster_testkit::{Answer, freight::path_of, until};
use serde_json::json;
use sqlx::Executor;

use super::{
    Site,
    collector::{Collector, Kind, Span},
};

const CALLER: &str = "00f067aa0ba902b7";

/// Where everything is told at once.
async fn told(environment: &[(&str, &str)]) -> (Site, Collector) {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    all.extend(environment);
    (Site::start(&all).await, collector)
}

/// The spans of a request that the operator sends, once its end is told.
async fn spans_of(
    collector: &Collector,
    site: &Site,
    trace: u8,
    method: &str,
    path: &str,
    body: &str,
) -> (Answer, Vec<Span>) {
    let trace = format!("4bf92f3577b34da6a3ce929d0e0e47{trace:02x}");
    let request = site.operator.request(method.parse().unwrap(), path).header("content-type", "application/json");
    let request = request.header("traceparent", format!("00-{trace}-{CALLER}-01"));
    let answer = Answer::of(request.body(body.to_owned())).await;
    let is_over = || collector.of_trace(&trace).iter().any(|span| span.kind == Kind::Server);
    until("the request is told", async || is_over()).await;
    (answer, collector.of_trace(&trace))
}

fn server(spans: &[Span]) -> &Span {
    spans.iter().find(|span| span.kind == Kind::Server).unwrap()
}

#[tokio::test]
async fn a_request_is_named_by_its_path_if_there_is_a_route() {
    let (site, collector) = told(&[]).await;
    let booking = site.search_and_book("").await;
    let path = path_of(&booking);
    let long = format!("/api/v1/airports/{}", "x".repeat(300));
    for (trace, path, route, told) in [
        (1, format!("{path}?page=2"), Some("/api/v1/bookings/{ref_id}"), Some(path.as_str())),
        (2, long.clone(), Some("/api/v1/airports/{code}"), Some(&long[..256])),
        (3, "/nowhere/Annabella".to_owned(), None, None),
        // Whoever reads the token of a letter can use it.
        (4, "/confirm/hunter2".to_owned(), Some("/confirm/{token}"), Some("/confirm/{token}")),
        (5, "/unsubscribe/hunter2".to_owned(), Some("/unsubscribe/{token}"), Some("/unsubscribe/{token}")),
        (6, "/verify-email/hunter2".to_owned(), Some("/verify-email/{token}"), Some("/verify-email/{token}")),
        (7, "/reset-password/hunter2".to_owned(), Some("/reset-password/{token}"), Some("/reset-password/{token}")),
    ] {
        let (_, spans) = spans_of(&collector, &site, trace, "GET", &path, "").await;
        let attribute = |name: &str| server(&spans).attributes.get(name).map(String::as_str);
        assert_eq!((attribute("http.route"), attribute("url.path")), (route, told));
        assert_eq!((attribute("http.request.method"), attribute("http.request.method_original")), (Some("GET"), None));
        assert!(!format!("{spans:?}").contains("hunter2"), "{spans:#?}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_named_as_it_was_written() {
    let (site, collector) = told(&[]).await;
    for (trace, method, original) in
        [(1, "INVENTED".to_owned(), "INVENTED".to_owned()), (2, "L".repeat(60), "L".repeat(32))]
    {
        let (_, spans) = spans_of(&collector, &site, trace, &method, "/api/v1/airports/DEL", "").await;
        let span = server(&spans);
        assert_eq!(span.name, "HTTP /api/v1/airports/{code}");
        assert_eq!(span.attribute("http.request.method"), "_OTHER");
        assert_eq!(span.attribute("http.request.method_original"), original);
    }
}

#[tokio::test]
async fn a_statement_that_fails_says_so_itself() {
    let (site, collector) = told(&[]).await;
    let again = json!({
        "flight_number": site.flight["flight_number"],
        "origin": "DEL",
        "destination": "LHR",
        "departure_datetime": site.flight["departure_datetime"],
        "arrival_datetime": site.flight["arrival_datetime"],
        "capacity": site.flight["capacity"],
    });
    let (answer, spans) = spans_of(&collector, &site, 1, "POST", "/api/v1/flights", &again.to_string()).await;
    answer.expect_problem(409, "already_exists");
    let (failed, well): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.is_failed);
    let [failed] = failed.as_slice() else { panic!("{failed:#?}") };
    assert_eq!((failed.name.as_str(), failed.kind), ("INSERT flights", Kind::Client));
    for name in ["error.type", "db.response.status_code"] {
        assert_eq!(failed.attribute(name), "23505");
        assert!(well.iter().all(|span| !span.attributes.contains_key(name)), "{well:#?}");
    }
    assert!(well.iter().any(|span| span.name == "ROLLBACK"), "what came after went well");
}

#[tokio::test]
async fn a_commit_that_fails_says_so_itself() {
    let (site, collector) = told(&[]).await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$
                      begin raise exception using errcode = '23514'; end $$;
                  create constraint trigger refusing after insert on booking_refs deferrable initially deferred
                      for each row execute function refuse()";
    site.database.owner().await.execute(sqlx::raw_sql(refuse)).await.unwrap();
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10,
                       "flight_ids": [site.flight["id"]]});
    let (answer, spans) = spans_of(&collector, &site, 1, "POST", "/api/v1/bookings", &order.to_string()).await;
    answer.expect_problem(500, "internal");
    let failed: Vec<_> = spans.iter().filter(|span| span.is_failed && span.kind == Kind::Client).collect();
    let [failed] = failed.as_slice() else { panic!("{failed:#?}") };
    assert_eq!((failed.name.as_str(), failed.attribute("db.response.status_code")), ("COMMIT", "23514"));
    assert!(server(&spans).is_failed);
}

#[tokio::test]
async fn a_redis_is_named_by_host_port_and_database() {
    // Nobody is there: what is asked of it is told all the same.
    let (_site, collector) = told(&[("REDIS_URL", "redis://127.0.0.1:1/3")]).await;
    let calls =
        || collector.spans().into_iter().filter(|s| s.attributes.get("db.system.name").is_some_and(|it| it == "redis"));
    until("a call is told", async || calls().next().is_some()).await;
    let call = calls().next().unwrap();
    for (name, value) in [("server.address", "127.0.0.1"), ("server.port", "1"), ("db.namespace", "3")] {
        assert_eq!(call.attribute(name), value);
    }
    assert!(call.is_failed);
}
